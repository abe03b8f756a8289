"""Random numbers for problem i alone: well mixed, so that neighbours share nothing.

    rng = generator(seed, index, "composed", attempt)

A generator is seeded with a hash of all of its parts. Seeds that were sums of a seed and an index
would give problem 8 of seed 1 and problem 9 of seed 0 the same program.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


def generator(*parts: int | str) -> random.Random:
    """A generator that depends on all of the parts, and on nothing else."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def weighted(rng: random.Random, choices: Sequence[tuple[float, Choice]]) -> Choice:
    """One of the choices, with a probability proportional to its weight."""
    target = rng.random() * sum(weight for weight, _ in choices)
    for weight, choice in choices:
        target -= weight
        if target < 0:
            return choice
    return choices[-1][1]
