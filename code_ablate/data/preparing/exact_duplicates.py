"""Documents that are repeated in their corpus, and those that equal a validation document.

(verdicts,) = ExactDuplicates(deduplicate=True).judge([documents])
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.runner import Group, group_here
from code_ablate.data.preparing.side_files import SideFiles
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.errors import UserError

DUPLICATE = "exact_duplicate"
IN_VALIDATION = "equals_validation_document"


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
        rows_N, in_validation_N = documents.rows_N, documents.in_validation_N
        text = rows_N["text"]
        order = np.lexsort((~in_validation_N, text[:, 1], text[:, 0]))
        repeated = np.zeros(len(rows_N), bool)
        repeated[1:] = (text[order[1:]] == text[order[:-1]]).all(axis=1)
        first = np.maximum.accumulate(np.where(repeated, 0, np.arange(len(rows_N))))
        leader = order[first]
        if (rows_N["token_hash"][order] != rows_N["token_hash"][leader]).any():
            raise UserError(
                f"corpus {documents.corpus!r} yields documents with the same text and different "
                "tokens: a preprocessor after tokenize cuts or changes them; let it work on the "
                "text, before."
            )
        leaks = repeated & ~in_validation_N[order] & in_validation_N[leader]
        dropped = {reason: np.zeros(len(rows_N), bool) for reason in (IN_VALIDATION, DUPLICATE)}
        dropped[IN_VALIDATION][order] = leaks
        dropped[DUPLICATE][order] = repeated & ~leaks & self.deduplicate
        return Verdicts.of(dropped, len(rows_N))
