"""Generators of random numbers: their states change as numbers are drawn, and their texts do not.

first_state(random.Random(17))      # a digest, the same after numbers were drawn
"""

import hashlib
import pickle
import random
from typing import Any

import numpy as np

GENERATORS = (
    random.Random,
    np.random.Generator,
    np.random.RandomState,
    np.random.BitGenerator,
    np.random.SeedSequence,
)

_met: dict[int, tuple[Any, str]] = {}
"""Generators by id, kept so that no other object takes it over, with their first states."""


def first_state(generator: Any) -> str:
    """Digest of the state that a generator had when it was first asked for here."""
    if id(generator) not in _met:
        state = hashlib.sha256(pickle.dumps(generator, protocol=4)).hexdigest()
        _met[id(generator)] = generator, state
    return _met[id(generator)][1]
