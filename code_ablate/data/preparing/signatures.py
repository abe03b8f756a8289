"""What judges know of a document: short values that are computed while it is extracted.

    SIGNATURES["text"].compute(text, tokens)      # two unsigned words: 128 bits of a hash

A pass that needs another signature (a MinHash, hashes of n-grams) adds it to `SIGNATURES`, and asks
for it in the pieces that it is to be computed for.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Signature:
    """One field of the index of extracted documents."""

    name: str
    """Name of the field."""
    dtype: str
    """NumPy type of one value."""
    shape: tuple[int, ...]
    """Values of one document; () is a single value."""
    compute: Callable[[bytes, bytes], Any]
    """From a document's text (UTF-8) and its stored tokens (little-endian), EOS among them."""


def _words(content: bytes, count: int) -> tuple[int, ...]:
    digest = hashlib.blake2b(content, digest_size=8 * count).digest()
    return tuple(int.from_bytes(digest[8 * i : 8 * i + 8], "little") for i in range(count))


def text_hash(text: bytes) -> tuple[int, ...]:
    """What equal documents have in common: 128 bits of a hash, in two words."""
    return _words(text, 2)


def split_word(text: bytes) -> int:
    """What decides whether a document goes to validation, from 0 to 2**64 - 1.

    `text`: as the source gives it, before filters rewrite it. So a document that stands in two
    corpora is validation in both, also where one holds it without its names or its secrets; adding
    documents moves none, and what a fraction holds out a larger one does too.
    """
    return text_hash(text)[1]


def split_bound(fraction: float) -> int:
    """The `split_word` below which a document is validation, where `fraction` of all are."""
    return int(fraction * 2**64)


SIGNATURES = {
    signature.name: signature
    for signature in (
        # The document's name: its order goes by it, too.
        Signature("text", "<u8", (2,), lambda text, tokens: text_hash(text)),
        Signature("token_hash", "<u8", (), lambda text, tokens: _words(tokens, 1)[0]),
    )
}
"""All signatures, by name."""

ALWAYS = ("text", "token_hash")
"""Names of the signatures that every preparation needs."""


def index_dtype(signatures: Sequence[str]) -> np.dtype:
    """The type of an index row: the signatures, then where the document lies and how long it is."""
    fields: list[Any] = [
        (s.name, s.dtype, s.shape) for s in map(SIGNATURES.__getitem__, signatures)
    ]
    fields += [
        ("split", "<u8"),  # `split_word` of what it was before filters rewrote it
        ("start", "<i8"),  # in the piece's tokens
        ("tokens", "<i8"),  # EOS among them
        ("bytes", "<i8"),  # of text, UTF-8
    ]
    return np.dtype(fields)
