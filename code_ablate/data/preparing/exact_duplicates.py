"""Documents that are repeated in their corpus, and those that equal a validation document.

(verdicts,) = ExactDuplicates(deduplicate=True).judge([documents])
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.runner import Group, group_here
from code_ablate.data.preparing.side_files import SideFiles
from code_ablate.data.preparing.sorted_rows import SortedRows, with_first
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.errors import UserError

DUPLICATE = "exact_duplicate"
IN_VALIDATION = "equals_validation_document"

_ROW = np.dtype(
    [("high", "<u8"), ("low", "<u8"), ("train", "?"), ("token_hash", "<u8"), ("number", "<i8")]
)


@dataclass(frozen=True)
class ExactDuplicates:
    """Keeps one of equal documents, a validation document first; each corpus by itself."""

    deduplicate: bool = True
    """Whether repeated documents go. Training documents that equal a validation document go in any
    case."""

    @property
    def signatures(self) -> tuple[str, ...]:
        """Hashes of text and tokens."""
        return ("text", "token_hash")

    def side_files(self, folder: str) -> tuple[SideFiles, ...]:
        """None."""
        del folder
        return ()

    def judge(self, corpora: Sequence[Documents], group: Group = group_here) -> list[Verdicts]:
        """The verdicts over each corpus, worked out in this process.

        Raises UserError where equal texts have different tokens: then a preprocessor cut or changed
        documents after they were tokenized, and the text beside the tokens is not theirs.
        """
        del group
        return [self._judge_one(documents) for documents in corpora]

    def _judge_one(self, documents: Documents) -> Verdicts:
        reason_N = np.zeros(len(documents.rows_N), np.int8)
        with SortedRows(_ROW, ("high", "low", "train"), documents.folder) as by_text:
            for block in documents.blocks():
                rows_N = np.empty(len(block.rows_N), _ROW)
                rows_N["high"], rows_N["low"] = block.rows_N["text"].T
                rows_N["train"] = ~documents.in_validation_N[block.numbers]
                rows_N["token_hash"] = block.rows_N["token_hash"]
                rows_N["number"] = np.arange(len(rows_N)) + block.first
                by_text.add(rows_N)
            for rows_N, first_N, repeated_N in with_first(by_text.in_order(), ("high", "low")):
                if (rows_N["token_hash"] != first_N["token_hash"]).any():
                    raise UserError(
                        f"corpus {documents.corpus!r} yields documents with the same text and "
                        "different tokens: a preprocessor after tokenize cuts or changes them; let "
                        "it work on the text, before."
                    )
                leaks_N = repeated_N & rows_N["train"] & ~first_N["train"]
                reason_N[rows_N["number"][leaks_N]] = 1
                if self.deduplicate:
                    reason_N[rows_N["number"][repeated_N & ~leaks_N]] = 2
        return Verdicts((IN_VALIDATION, DUPLICATE), reason_N)
