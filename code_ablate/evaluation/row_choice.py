"""Which rows of a set are used, and how many there are: known without reading them twice.

    chosen_rows(available=7, most=3, seed=0)      # array([0, 3, 5]): positions, in their order
    chosen_rows(available=3, most=7, seed=0)      # None: all of them, whatever the seed
    choice_key(available=7, most=3, seed=0)       # names the choice, and not what asked for it

Sources that know how many rows they have are asked. Those of others are read once, and the number
is kept below `$XDG_CACHE_HOME/code_ablate/row_counts` (else `~/.cache`) under the digest of the
source: a choice has a name before its rows are read.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from etils import epath
from jaxtyping import Int

from code_ablate import own_file, storage
from code_ablate.identity import identity

ALL = "all"
"""Key of the choice of every row."""

_FORMAT = 1


def chosen_rows(available: int, most: int, seed: int) -> Int[np.ndarray, " rows"] | None:
    """Positions of a seeded choice of at most `most` rows, sorted; None if all are used."""
    if most >= available:
        return None
    return np.sort(np.random.default_rng(seed).permutation(available)[:most])


def choice_key(available: int, most: int, seed: int) -> str:
    """`ALL`, or a digest of the positions: equal choices have equal keys, however asked for."""
    chosen = chosen_rows(available, most, seed)
    return ALL if chosen is None else own_file.sha256(chosen.astype("<i8").tobytes())[:32]


@dataclass(frozen=True)
class _Count:
    """How many rows a source gave when it was read."""

    source: str
    """Digest of the source."""
    split: str
    """Split of it."""
    rows: int
    """Rows of the split."""


def count_rows(source: Any, split: str, digest: str) -> int:
    """Rows of a split of a SeqIO source, whose digest names what it reads.

    Reads them if the source cannot know and nobody has counted them. Raises what reading raises.
    """
    import seqio

    from code_ablate.evaluation.sets.source import EvaluationSet

    # What a user says of others (`num_input_examples`) may be wrong, or of another time.
    if isinstance(source, EvaluationSet | seqio.TfdsDataSource):
        return int(source.num_input_examples(split))
    place = _place(digest, split)
    known = _read(place, digest, split)
    if known is None:
        dataset = source.get_dataset(split=split, shuffle=False)
        known = int(dataset.reduce(np.int64(0), lambda rows, _: rows + 1))
        _write(place, _Count(digest, split, known))
    return known


def _place(digest: str, split: str) -> epath.Path:
    return storage.cache_folder() / "row_counts" / f"{identity([digest, split])}.json"


def _read(place: epath.Path, digest: str, split: str) -> int | None:
    try:
        count = own_file.read(place, _Count, _FORMAT)
    except (own_file.Damaged, OSError):
        return None
    return count.rows if (count.source, count.split) == (digest, split) else None


def _write(place: epath.Path, count: _Count) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        storage.replace(place, own_file.text_of(count, _FORMAT))
    except OSError as error:
        _say_not_kept(str(place.parent), str(error))


@functools.cache
def _say_not_kept(folder: str, error: str) -> None:
    own_file.warn_once(
        f"numbers of rows cannot be kept in {folder} ({error}), so each command counts them again; "
        "to keep them, set XDG_CACHE_HOME to a folder that can be written."
    )
