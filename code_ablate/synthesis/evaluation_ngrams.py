"""The 13-grams of HumanEval and MBPP, which no problem may hold.

    forbidden = evaluation_ngrams()          # hashes; read from the installed evaluation sets
    touches(text, forbidden)                 # whether a document holds one of them

Words and signs count as tokens, in small letters: a problem that was renamed or reformatted only a
little is found as well.
"""

import hashlib
import re
from collections.abc import Iterator

LENGTH = 13
"""Tokens of a run that two texts must not share."""

SETS = ("humaneval", "mbpp")

_TOKEN = re.compile(r"\w+|[^\w\s]")


def evaluation_ngrams() -> frozenset[int]:
    """Hashes of all runs of LENGTH tokens in the rows of the evaluation sets.

    Raises MissingData where a set is not installed.
    """
    from code_ablate.evaluation.sets.source import EvaluationSet

    found: set[int] = set()
    for name in SETS:
        for row in EvaluationSet(name).rows:
            for field, value in row.items():
                if field != "id" and isinstance(value, str):
                    found.update(_hashes(value.replace("\\n", "\n").replace('\\"', '"')))
    return frozenset(found)


def touches(text: str, forbidden: frozenset[int]) -> bool:
    """Whether a text shares a run of LENGTH tokens with the evaluation sets."""
    return any(value in forbidden for value in _hashes(text))


def _hashes(text: str) -> Iterator[int]:
    tokens = _TOKEN.findall(text.lower())
    # One number per token, and sums that roll along: 13 times less work than hashing each run.
    numbers = [_number(token) for token in tokens]
    total = 0
    for i, number in enumerate(numbers):
        total = (total * _BASE + number) % _PRIME
        if i >= LENGTH:
            total = (total - numbers[i - LENGTH] * _POWER) % _PRIME
        if i >= LENGTH - 1:
            yield total


_PRIME = (1 << 61) - 1
_BASE = 1_000_003
_POWER = pow(_BASE, LENGTH, _PRIME)
_KNOWN: dict[str, int] = {}


def _number(token: str) -> int:
    number = _KNOWN.get(token)
    if number is None:
        number = (
            int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "big") % _PRIME
        )
        if len(_KNOWN) < 200_000:
            _KNOWN[token] = number
    return number
