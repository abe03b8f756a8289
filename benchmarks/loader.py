"""Tokens per second of the loader alone, against SeqIO's packing of the same documents, by turns.

    python -m benchmarks.loader
    python -m benchmarks.loader --seq-len 2048 --batch-tokens 262144

Three corpora mixed 1 : 2 : 3. Ours reads windows from token stores, which a first round has brought
into the page cache; SeqIO packs documents that lie tokenised in memory.
"""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks import measure, models
from benchmarks.stores import (
    MEAN_DOCUMENT_TOKENS,
    batches_of,
    make_stores,
    phase_over,
    random_documents,
)
from benchmarks.train_step import LEARNING_RATE, OPTIMIZER, SEED
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import batch_sharding, make_mesh, place_batch
from code_ablate.training.feed import Feed
from code_ablate.training.step import initial_state, make_train_step

CORPORA, VOCABULARY = 3, 2048
STEP_WINDOWS, STEP_SEQ_LEN = 8, 128
"""Batch of the train step that is measured beside the loader: that of gin/phases/demo.gin."""
SEQIO_ROWS = 4 * MEAN_DOCUMENT_TOKENS
"""SeqIO packs as many documents at once as a row has tokens, which gives about
MEAN_DOCUMENT_TOKENS rows. A turn takes several such packs, or it would only empty what was packed
in the turns of others."""
POD = {
    "of": "470M on 64 TPU v5e chips, 16 hosts, 512 windows of 8192 a step, 1.9 s a step",
    "tokens_per_second_per_host": round(512 * 8192 / 1.9 / 16),
}
"""What the loader of one host of a pod has to keep up with."""


def main(argv: list[str] | None = None) -> None:
    """Measures each window length, and what a train step here consumes."""
    flags = measure.parser(__doc__, repeats=5)
    flags.add_argument("--model", default="toy", help="whose train step the loader has to feed")
    flags.add_argument("--seq-len", type=int, nargs="+", default=[128, 2048, 8192])
    flags.add_argument(
        "--batch-tokens", type=int, default=2**18, help="tokens of a batch on this host"
    )
    flags.add_argument("--tokens", type=int, default=2**24, help="tokens of each corpus")
    flags.add_argument(
        "--batches", type=int, default=20, help="batches of one turn; SeqIO takes more"
    )
    options = flags.parse_args(argv)
    measure.train_on_cpu_as_the_commands_do()

    with tempfile.TemporaryDirectory() as folder:
        measure.say(f"writing {CORPORA} stores of {options.tokens:,} tokens")
        stores = make_stores(
            Path(folder), corpora=CORPORA, tokens=options.tokens, vocabulary=VOCABULARY
        )
        consumed, given = _train_step(stores, options.model, options.repeats)
        windows = {}
        for seq_len in options.seq_len:
            measure.say(f"windows of {seq_len} tokens")
            rows = max(1, options.batch_tokens // seq_len)
            windows[str(seq_len)] = _compare(stores, seq_len, rows, options)
    figures = {
        "what": "tokens a second of the loader alone, three corpora mixed, page cache warm",
        "corpora": CORPORA,
        "tokens_per_corpus": options.tokens,
        "batches_per_repeat": options.batches,
        "by_seq_len": windows,
        "train_step": {
            "of": f"the {options.model} model, {STEP_WINDOWS} windows of {STEP_SEQ_LEN} a step",
            "consumed_tokens_per_second": measure.spread(consumed),
            "loader_tokens_per_second": measure.spread(given),
            "loader_over_consumed": measure.ratios(given, consumed),
        },
        "pod": POD,
    }
    if not _seqio_is_installed():
        figures["seqio"] = "not installed"
    measure.report("loader", figures, repeats=options.repeats)


def _compare(stores, seq_len: int, rows: int, options) -> dict[str, Any]:
    """The figures of one window length."""
    phase = phase_over(stores, models.find("toy"), batch_windows=rows, seq_len=seq_len, steps=10**6)
    batches = batches_of(phase, stores)
    feed = Feed(batches, batch_sharding(make_mesh(MeshConfig())))
    sides = {
        "loader": _take(_endless(batches.read), options.batches),
        "feed": _take(_endless(lambda step: feed.read(step)[0]), options.batches),
    }
    packed_tokens: list[int] = []
    seqio_batches = max(options.batches, -(-SEQIO_ROWS // rows))
    if _seqio_is_installed():
        packed = _seqio_batches(seq_len, rows, options.tokens)
        sides["seqio"] = _take(packed, seqio_batches, packed_tokens)
    seconds = measure.alternate(sides, options.repeats)

    tokens = options.batches * rows * seq_len
    speed = {name: [tokens / s for s in seconds[name]] for name in ("loader", "feed")}
    figures = {
        "windows_per_batch": rows,
        "loader_tokens_per_second": measure.spread(speed["loader"]),
        "feed_tokens_per_second": measure.spread(speed["feed"]),
        "loader_over_pod": measure.spread(
            x / POD["tokens_per_second_per_host"] for x in speed["loader"]
        ),
    }
    if "seqio" in seconds:
        counted = packed_tokens[-options.repeats :]  # without the untimed round
        speed["seqio"] = [n / s for n, s in zip(counted, seconds["seqio"], strict=True)]
        figures |= {
            "seqio_tokens_per_second": measure.spread(speed["seqio"]),
            "seqio_filled_share": measure.spread(
                n / (seqio_batches * rows * seq_len) for n in counted
            ),
            "loader_over_seqio": measure.ratios(speed["loader"], speed["seqio"]),
        }
    return figures


def _endless(read: Callable[[int], Any]) -> Iterator[Any]:
    """Batches 0, 1, ... for ever."""
    step = 0
    while True:
        yield jax.block_until_ready(read(step))
        step += 1


def _take(batches: Iterator[Any], number: int, tokens: list[int] | None = None) -> Callable:
    """A side that takes the next `number` batches, and notes the tokens in packed ones."""

    def side() -> None:
        taken = [next(batches) for _ in range(number)]
        if tokens is not None:
            tokens.append(sum(taken))

    return side


def _train_step(stores, model_name: str, repeats: int) -> tuple[list[float], list[float]]:
    """Tokens per second that a train step consumes, and that the loader gives in its batches."""
    model, steps, mesh = models.find(model_name), 10, make_mesh(MeshConfig())
    phase = phase_over(stores, model, batch_windows=STEP_WINDOWS, seq_len=STEP_SEQ_LEN, steps=10**6)
    batches = batches_of(phase, stores)
    train_step = make_train_step(model, OPTIMIZER, 0.0, mesh)
    state = initial_state(model, OPTIMIZER, SEED, mesh)
    tokens_BT = place_batch(mesh, batches.read(0).tokens_RT)

    def train() -> None:
        nonlocal state
        with jax.set_mesh(mesh):
            for _ in range(steps):
                state, _ = train_step(state, tokens_BT, np.float32(LEARNING_RATE))
            jax.block_until_ready(state)

    sides = {"train step": train, "its loader": _take(_endless(batches.read), steps)}
    seconds = measure.alternate(sides, repeats)
    tokens = steps * STEP_WINDOWS * STEP_SEQ_LEN
    return [tokens / s for s in seconds["train step"]], [tokens / s for s in seconds["its loader"]]


def _seqio_is_installed() -> bool:
    return importlib.util.find_spec("seqio") is not None


def _seqio_batches(seq_len: int, rows: int, tokens: int) -> Iterator[int]:
    """Packed batches of the same documents and rates, by SeqIO; yields the tokens in each."""
    import seqio
    import tensorflow as tf

    vocabulary = seqio.PassThroughVocabulary(VOCABULARY)
    name = f"benchmark_of_{tokens}_tokens"
    if name not in seqio.MixtureRegistry.names():
        rates = []
        for seed in range(CORPORA):

            def documents(split, shuffle_files, seed=None, corpus=seed):
                ids, lengths = random_documents(corpus, tokens, VOCABULARY)
                ragged = tf.RaggedTensor.from_row_lengths(ids, lengths)
                return tf.data.Dataset.from_tensor_slices({"targets": ragged})

            seqio.TaskRegistry.add(
                f"{name}_{seed}",
                source=seqio.FunctionDataSource(documents, splits=["train"]),
                preprocessors=[],
                output_features={
                    "targets": seqio.Feature(vocabulary, add_eos=False, dtype=tf.int32)
                },
            )
            rates.append((f"{name}_{seed}", 1.0 + seed))
        seqio.MixtureRegistry.add(name, rates)
    dataset = seqio.get_dataset(
        name,
        task_feature_lengths={"targets": seq_len},
        feature_converter=seqio.DecoderFeatureConverter(pack=True),
        shuffle=True,
        seed=SEED,
        num_epochs=None,
        batch_size=rows,
    )
    # Without prefetch: work done in another side's turn would not be counted.
    for batch in dataset.as_numpy_iterator():
        yield int(np.count_nonzero(batch["decoder_loss_weights"]))


if __name__ == "__main__":
    measure.command(main)
