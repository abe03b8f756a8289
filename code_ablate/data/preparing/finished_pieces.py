"""Pieces that are extracted already: what an interrupted preparation has done is not done again.

    write_record(result, digests)       # the last that is done for a piece
    result = find_finished(piece)       # None: it must be extracted

A record stands beside the files of a piece and holds their digests. It is written when they are
whole, so that half of a piece is never taken for one; and files that are not what their record says
are not taken either.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from etils import epath

from code_ablate import own_file, storage
from code_ablate.data.preparing.package_versions import package_versions
from code_ablate.data.preparing.pieces import Piece, PieceResult
from code_ablate.data.preparing.shared_files import local_path
from code_ablate.data.round_trip import RoundTrip

FORMAT = 7
"""Format of a record and of the files that it stands beside."""
_RECORD = ".json"


@dataclasses.dataclass(frozen=True)
class PieceRecord:
    """What stands in the record of a finished piece."""

    piece: Mapping[str, Any]
    """What the piece is, of what the name of its folder, the store's, does not say."""
    stages: tuple[Mapping[str, Any], ...]
    """Fields of the `stages.Stage`s."""
    empty: int
    """Documents without a token."""
    empty_bytes: int
    """Bytes of text in documents without a token."""
    round_trip: Mapping[str, Any]
    """Fields of the `RoundTrip`."""
    with_eos: int
    """Documents with EOS before their end."""
    with_eos_bytes: int
    """Bytes of text in documents with EOS before their end."""
    digests: Mapping[str, str]
    """SHA-256 of each file, by its suffix."""
    versions: Mapping[str, str]
    """Versions of Python and of the packages that made it."""


def write_record(result: PieceResult, digests: Mapping[str, str]) -> None:
    """Says that the files of a piece are whole. `digests`: theirs, by suffix."""
    record = PieceRecord(
        _describe(result.piece),
        tuple(dataclasses.asdict(stage) for stage in result.stages),
        result.empty,
        result.empty_bytes,
        result.round_trip.plain,
        result.with_eos,
        result.with_eos_bytes,
        digests,
        package_versions(),
    )
    storage.replace(epath.Path(result.path + _RECORD), own_file.text_of(record, FORMAT))


def find_finished(piece: Piece) -> PieceResult | None:
    """The result of a piece whose files are there and whole; None if it must be extracted."""
    from code_ablate.data.preparing.stages import Stage

    path = piece.path
    try:
        record = own_file.read(epath.Path(path + _RECORD), PieceRecord, FORMAT)
        wanted = (package_versions(), _describe(piece), file_digests(path, piece.suffixes))
        if (record.versions, record.piece, record.digests) != wanted:
            return None
        stages = tuple(
            Stage(**{**stage, "examples": tuple(stage["examples"])}) for stage in record.stages
        )
    except (own_file.Damaged, FileNotFoundError):
        return None
    round_trip = RoundTrip.of_plain(record.round_trip)
    return PieceResult(
        piece,
        path,
        stages,
        record.empty,
        record.empty_bytes,
        record.with_eos,
        record.with_eos_bytes,
        round_trip=round_trip,
    )


def _describe(piece: Piece) -> dict[str, Any]:
    return {
        "corpus": piece.corpus,
        "split": piece.split,
        "index": piece.index,
        "count": piece.count,
        "seed": piece.seed,
        "max_document_bytes": piece.max_document_bytes,
        "vocabulary": piece.vocabulary.digest,
        "signatures": list(piece.signatures),
        "side_files": [files.description for files in piece.side_files],
    }


def file_digests(path: str, suffixes: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each file, by its suffix. `path`: what all begin with."""
    digests = {}
    for suffix in suffixes:
        with open(local_path(path + suffix), "rb") as file:
            digests[suffix] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
