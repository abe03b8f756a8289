"""Token stores of random documents, and phases over them: data without SeqIO.

stores = make_stores(folder, corpora=3, tokens=10_000_000, vocabulary=2048)
phase = phase_over(stores, model, batch_windows=8, seq_len=128, steps=100)
"""

import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import Int

from code_ablate.data.loader import Batches
from code_ablate.data.manifest import SPLITS
from code_ablate.data.mixing import Mixture
from code_ablate.data.store import Stores, StoreWriter, TokenStore
from code_ablate.model.config import ModelConfig
from code_ablate.training.phase import Optimizer, Phase, Schedule
from code_ablate.training.reading import phase_stream

EOS_ID = 1
MEAN_DOCUMENT_TOKENS = 800
"""Lengths are log-normal, with a standard deviation of their logarithm of 1: most are short."""


def random_documents(
    seed: int, tokens: int, vocabulary: int
) -> tuple[Int[np.ndarray, " tokens"], Int[np.ndarray, " documents"]]:
    """(tokens of all documents, each ended by EOS; number of tokens of each document)."""
    rng = np.random.default_rng(seed)
    number = 2 * tokens // MEAN_DOCUMENT_TOKENS + 10
    lengths = rng.lognormal(np.log(MEAN_DOCUMENT_TOKENS) - 0.5, 1.0, number).astype(np.int64) + 2
    ends = np.cumsum(lengths)
    ends = np.append(ends[ends < tokens - 1], tokens)
    ids = rng.integers(EOS_ID + 1, vocabulary, tokens, np.int32)
    ids[ends - 1] = EOS_ID
    return ids, np.diff(ends, prepend=0)


def make_stores(folder: Path, *, corpora: int, tokens: int, vocabulary: int) -> Stores:
    """Stores "corpus-0", ... of `tokens` tokens each; its number is a corpus' seed."""
    stores = {}
    for seed in range(corpora):
        name = f"corpus-{seed}"
        writer = StoreWriter(
            folder / name,
            {"name": "random", "size": vocabulary, "digest": "random", "eos_id": EOS_ID},
        )
        ids, lengths = random_documents(seed, tokens, vocabulary)
        empty = np.zeros(0, np.int64)
        writer.write_split(SPLITS[0], [ids], lengths, 4 * lengths)
        writer.write_split(SPLITS[1], [], empty, empty)
        stores[name] = writer.finish(
            corpus=name,
            key=hashlib.sha256(f"{seed}/{tokens}/{vocabulary}".encode()).hexdigest(),
            key_fields={"seed": seed, "tokens": tokens, "vocabulary": vocabulary},
            source_digest="random",
            seed=seed,
            validation_fraction=0.0,
            read={"documents": len(lengths), "bytes": int(4 * lengths.sum())},
            dropped={},
            added={},
        )
    return Stores(stores)


def open_stores(folder: Path) -> Stores:
    """What `make_stores` wrote."""
    return Stores({p.name: TokenStore.open(p) for p in sorted(folder.glob("corpus-*"))})


def phase_over(
    stores: Stores,
    model: ModelConfig,
    *,
    batch_windows: int,
    seq_len: int,
    steps: int,
) -> Phase:
    """A phase that reads the stores with rates 1 : 2 : 3 ..., as often as it has to."""
    return Phase(
        mixture=Mixture.of({name: 1.0 + index for index, name in enumerate(stores)}),
        tokens=steps * batch_windows * seq_len,
        model=model,
        optimizer=Optimizer(),
        schedule=Schedule(shape="constant"),
        batch_windows=batch_windows,
        seq_len=seq_len,
        seed=0,
        max_epochs=1e9,
    )


def batches_of(phase: Phase, stores: Stores) -> Batches:
    """The batches that the train loop makes of a phase."""
    return Batches(phase_stream(phase, stores), stores, phase.batch_windows, phase.seq_len)
