"""Parts of corpora, and what is known of them when they are extracted.

    piece = Piece("demo.text", "train", 0, 16, vocabulary, 0, "/tmp/x", 10_000_000)
    piece.path + TOKENS, piece.path + INDEX      # its files

Pieces and results are small picklable values: they go to worker processes and come back.
"""

import os
from dataclasses import dataclass, field

from code_ablate.data.preparing.side_files import SideFiles
from code_ablate.data.preparing.signatures import ALWAYS
from code_ablate.data.round_trip import RoundTrip
from code_ablate.data.vocabulary import Vocabulary

TOKENS = ".tokens"
"""Suffix of the file of a piece's tokens, all documents joined."""
INDEX = ".index.npy"
"""Suffix of the file of a piece's documents: their signatures, starts and lengths."""


@dataclass(frozen=True)
class Piece:
    """A part of a split of a corpus: what is extracted in one go."""

    corpus: str
    """Name of the corpus."""
    split: str
    """Name of the split, such as "train"."""
    index: int
    """Number of the piece, from 0."""
    count: int
    """Pieces that the split is cut into."""
    vocabulary: Vocabulary
    """The vocabulary that documents are encoded with."""
    seed: int
    """Seed of preprocessors that draw at random."""
    scratch: str
    """Directory for the temporary files, on a disk that the later passes read too."""
    max_document_bytes: int
    """Most bytes of text that a document may have; a longer one is left out."""
    signatures: tuple[str, ...] = ALWAYS
    """Names of the signatures that the judges need."""
    bytes: int | None = None
    """Bytes of the source's files that are read for it; None where they are not known."""
    side_files: tuple[SideFiles, ...] = ()
    """What else is written of each document."""

    def __str__(self) -> str:
        return self.corpus

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of its files, without that of the record that stands beside them."""
        return (TOKENS, INDEX, *(suffix for files in self.side_files for suffix in files.suffixes))

    @property
    def path(self) -> str:
        """Path of the piece's files, without their suffixes."""
        name = f"{self.corpus}-{self.split}-{self.index}-of-{self.count}"
        return os.path.join(self.scratch, name)


@dataclass(frozen=True)
class PieceResult:
    """What `extract` left behind."""

    piece: Piece
    """What was extracted."""
    path: str
    """Path of the temporary files, without their suffixes."""
    stages: tuple
    """`stages.Stage`s: what the source gave and what each preprocessor let through."""
    empty: int
    """Documents without a token; they are left out."""
    empty_bytes: int
    """Bytes of text in documents without a token: some vocabularies have none for white space."""
    with_eos: int = 0
    """Documents with EOS before their end; they are left out."""
    with_eos_bytes: int = 0
    """Bytes of text in documents with EOS before their end."""
    round_trip: RoundTrip = field(default_factory=RoundTrip, kw_only=True)
    """What came back of the documents that were encoded and decoded, a part of all."""
