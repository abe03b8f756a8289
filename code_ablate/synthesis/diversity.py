"""How varied a pile of documents is: compression, repeated n-grams, novelty as it grows.

    diversity(documents, seed=0)           # Diversity of a sample of 150 kB
    novelty([first_thousand, second_thousand, ...])     # share of new 8-grams, batch by batch

Tokens are words and signs. A pile made of templates compresses well, and its documents share runs
of tokens; its novelty falls to nothing.
"""

import hashlib
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SAMPLE_CHARACTERS = 150_000
SHORT, LONG = 4, 8
"""Tokens of the n-grams that are counted."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Diversity:
    """Figures of a sample of documents."""

    documents: int
    """Documents in the sample."""
    compression: float
    """Bytes of the sample over those that zlib makes of it at level 9."""
    distinct: float
    """Different runs of SHORT tokens, over all of them."""
    shared: float
    """Share of the runs of LONG tokens, each counted as often as it occurs, that stand in more than
    one document."""


def tokens(text: str) -> list[str]:
    """Words and signs of a text."""
    return _TOKEN.findall(text)


def sample(documents: Iterable[str], seed: int, characters: int = SAMPLE_CHARACTERS) -> list[str]:
    """Documents in a seeded order, until `characters` are reached."""
    order = list(documents)
    random.Random(seed).shuffle(order)
    taken, length = [], 0
    for document in order:
        if length >= characters:
            break
        taken.append(document)
        length += len(document)
    return taken


def diversity(documents: Iterable[str], seed: int = 0, characters: int | None = None) -> Diversity:
    """Figures of a seeded sample of `characters`; None: SAMPLE_CHARACTERS.

    Raises ValueError where there is less than a sample, or no sample is asked for.
    """
    characters = SAMPLE_CHARACTERS if characters is None else characters
    if characters < 1:
        raise ValueError(f"a sample of {characters} characters: ask for at least one")
    taken = sample(documents, seed, characters)
    if sum(map(len, taken)) < characters:
        raise ValueError(f"fewer than {characters:,} characters")
    content = "\n\n".join(taken).encode()[:characters]
    listed = [tokens(document) for document in taken]
    short = [run for words in listed for run in runs(words, SHORT)]
    holders: Counter[tuple[str, ...]] = Counter()
    for words in listed:
        holders.update(set(runs(words, LONG)))
    long = [run for words in listed for run in runs(words, LONG)]
    return Diversity(
        documents=len(taken),
        compression=len(content) / len(zlib.compress(content, 9)),
        distinct=len(set(short)) / len(short),
        shared=sum(holders[run] > 1 for run in long) / len(long),
    )


def runs(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    """All runs of `length` tokens, in order."""
    return zip(*(words[start:] for start in range(length)), strict=False)


def novelty(batches: Iterable[Sequence[str]]) -> Iterator[float]:
    """For each batch of documents, the share of its runs of LONG tokens that none before it has.

    A run counts once for each batch. All different runs are held in memory, as numbers.
    """
    known: set[int] = set()
    for batch in batches:
        found = {_hash(run) for document in batch for run in runs(tokens(document), LONG)}
        new = found - known
        known |= new
        yield len(new) / max(1, len(found))


def _hash(run: tuple[str, ...]) -> int:
    return int.from_bytes(hashlib.blake2b("\x1f".join(run).encode(), digest_size=7).digest(), "big")
