"""Bits per byte of a corpus' validation documents.

    domain = Domain("demo.text", store, vocabulary, max_items=100, max_tokens=1024, seq_len=256,
                    seed=0)
    domain.evaluate(engine).items     # bits and bytes; a domain's score is sum(bits) / sum(bytes)

A document is read from its start, `seq_len` tokens at a time, as it is in training. Every token of
it is predicted once, the first one from the end-of-document token, and every later piece with the
last token of the piece before it as its context. EOS itself is not scored: it has no bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from etils import epy
from jaxtyping import Int

from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation.declarations import no_settings
from code_ablate.evaluation.measure import Advance, Engine, Kind, Outcome
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.row_choice import chosen_rows

with epy.lazy_imports():  # facts of the kinds are read without it, and it is slow to import
    import pandas as pd

if TYPE_CHECKING:
    from code_ablate.data.store import TokenStore

DOMAIN_PREFIX = "bits_per_byte/"
"""Before the name of the corpus, in the name that a domain has among the tasks."""


KIND = Kind(
    name="bits_per_byte",
    title="bits per byte",
    score="bits",
    columns=("bits",),
    generates=False,
    chance="",
    how=(
        "Bits per byte of a domain = sum of −log₂ p over the scored tokens of its validation "
        "documents / sum of their UTF-8 bytes; n counts documents."
    ),
    measure=None,
    settings=no_settings,
)


@dataclass(frozen=True)
class DomainItem:
    """A validation document, or its beginning, ready to be scored."""

    item: str
    """Number of the document in its split, as text."""
    requests: tuple[Request, ...]
    """One for each piece; the log-likelihood of the document is their sum."""
    bytes: int
    """UTF-8 bytes of the text that is scored."""
    cropped: bool
    """Whether the document goes on beyond what is scored."""


@dataclass(frozen=True)
class DomainItems:
    """The items of one domain, and how many there were to choose from."""

    items: tuple[DomainItem, ...]
    """The documents that are scored."""
    available: int
    """Validation documents in the store."""


class Domain:
    """The validation documents of one corpus: a `Measure`, as downstream tasks are."""

    def __init__(self, corpus: str, store: TokenStore, vocabulary, **settings: int):
        """`settings` as for `domain_items`. Raises UserError if there is no document."""
        self._documents = domain_items(store, vocabulary, **settings)
        if not self._documents.items:
            raise UserError(
                f"the store of {corpus!r} has no validation documents to score: raise "
                "PrepareConfig.validation_fraction or add data."
            )
        self._requests = [r for item in self._documents.items for r in item.requests]

    @property
    def work(self) -> int:
        """Requests: none is longer than what the model sees at once."""
        return len(self._requests)

    def describe(self) -> dict:
        """There is no chance level."""
        items = self._documents.items
        return {
            "kind": KIND.name,
            "items": len(items),
            "available": self._documents.available,
            "cropped": sum(item.cropped for item in items),
        }

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Scores every document."""
        items = self._documents.items
        owner = np.repeat(np.arange(len(items)), [len(item.requests) for item in items])
        nats = np.bincount(owner, engine.scorer.score(self._requests, advance), len(items))
        table = pd.DataFrame(
            {
                "item": [item.item for item in items],
                "bits": -nats / np.log(2),
                "bytes": [float(item.bytes) for item in items],
            }
        )
        return Outcome(table, {})


def domain_items(
    store: TokenStore, vocabulary, *, max_items: int, max_tokens: int, seq_len: int, seed: int
) -> DomainItems:
    """A seeded choice of validation documents, at most `max_tokens` tokens of each."""
    available = store.num_documents("validation")
    # Where text was lost, its bytes are in the store, and no token stands for them.
    complete = vocabulary.lossless and store.manifest.returned_share in (None, 1)
    chosen = chosen_rows(available, max_items, seed)
    items = []
    for index in range(available) if chosen is None else chosen:
        ids = store.read_document(int(index), "validation")
        assert ids[-1] == vocabulary.eos_id, "a stored document does not end with EOS"
        ids, cropped = ids[:-1], len(ids) - 1 > max_tokens
        kept = _first_tokens(ids, max_tokens, vocabulary) if cropped else ids
        assert len(kept), "a document has no whole character in its first tokens"
        size = (
            int(store.document_bytes("validation")[index])
            if complete and not cropped
            else vocabulary.bytes_of(kept)
        )
        requests = _pieces(kept, vocabulary.eos_id, seq_len)
        items.append(DomainItem(str(int(index)), requests, size, cropped))
    return DomainItems(tuple(items), available)


def _first_tokens(ids: Int[np.ndarray, " T"], max_tokens: int, vocabulary) -> Int[np.ndarray, " T"]:
    """The first tokens that make whole characters. MissingData if the tokenizer is missing."""
    try:
        return _whole_text(ids[:max_tokens], vocabulary)
    except ImportError as error:
        raise MissingData(
            f"a document has {len(ids):,} tokens, and the bytes of its first {max_tokens:,} are "
            f"known to the tokenizer alone: `pip install {error.name}`, or raise "
            "SuiteConfig.max_document_tokens."
        ) from error


def _whole_text(ids: Int[np.ndarray, " T"], vocabulary) -> Int[np.ndarray, " T"]:
    """Drops tokens from the end until the text does not break off inside a character."""
    while len(ids) and vocabulary.decode(ids).endswith("\ufffd"):
        ids = ids[:-1]
    return ids


def _pieces(ids: Int[np.ndarray, " T"], eos_id: int, seq_len: int) -> tuple[Request, ...]:
    padded = np.concatenate([[eos_id], ids]).astype(np.int32)
    return tuple(
        Request(padded[start : start + seq_len + 1], first=1)
        for start in range(0, len(ids), seq_len)
    )
