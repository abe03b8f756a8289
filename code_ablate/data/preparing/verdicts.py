"""Second pass: which of the extracted documents stay, and for which reason the others go.

    verdicts = judge([documents], [ExactDuplicates()])[0]
    verdicts.kept_N                                # which documents stay
    verdicts.dropped["exact_duplicate"]            # which go for this reason

A judge sees the signatures of all corpora that are judged together, and what the first pass wrote
beside them, never their texts. What a corpus is judged against is part of the key of its store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Int8

from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.runner import Group, group_here
from code_ablate.data.preparing.side_files import SideFiles


@dataclass(frozen=True)
class Verdicts:
    """What becomes of each document of one corpus."""

    reasons: tuple[str, ...]
    """Names of the reasons."""
    reason_N: Int8[np.ndarray, " N"]
    """0 where the document stays, else 1 + index into `reasons`."""
    findings: Mapping[str, Any] = field(default_factory=dict)
    """What a judge has to say beside its verdicts, by name: plain values or a dataclass."""

    @classmethod
    def of(
        cls,
        dropped: Mapping[str, Bool[np.ndarray, " N"]],
        documents: int,
        findings: Mapping[str, Any] = {},
    ) -> "Verdicts":
        """Verdicts from the documents that each reason drops; the first reason counts."""
        reason_N = np.zeros(documents, np.int8)
        for number, chosen_N in enumerate(dropped.values(), 1):
            reason_N[chosen_N & (reason_N == 0)] = number
        return cls(tuple(dropped), reason_N, findings)

    @property
    def kept_N(self) -> Bool[np.ndarray, " N"]:
        """Whether each document stays."""
        return self.reason_N == 0

    def then(self, of_kept: "Verdicts") -> "Verdicts":
        """These, and the verdicts of a later judge over the documents that stay by these."""
        reasons = tuple(dict.fromkeys((*self.reasons, *of_kept.reasons)))
        number_of = np.array([0, *(1 + reasons.index(r) for r in of_kept.reasons)], np.int8)
        reason_N = self.reason_N.copy()
        reason_N[self.kept_N] = number_of[of_kept.reason_N]
        return Verdicts(reasons, reason_N, {**self.findings, **of_kept.findings})

    @property
    def dropped(self) -> dict[str, Bool[np.ndarray, " N"]]:
        """Which documents go, by reason."""
        return {reason: self.reason_N == n for n, reason in enumerate(self.reasons, 1)}

    def __getitem__(self, document: int) -> str | None:
        """The reason why a document goes; None where it stays."""
        number = int(self.reason_N[document])
        return self.reasons[number - 1] if number else None


class Judge(Protocol):
    """Decides over the documents of corpora that are judged together."""

    @property
    def signatures(self) -> tuple[str, ...]:
        """Names of the signatures that it looks at."""
        ...

    def side_files(self, folder: str) -> tuple[SideFiles, ...]:
        """What it reads of the documents beside their signatures.

        `folder`: where it may lay what their writers read.
        """
        ...

    def judge(self, corpora: Sequence[Documents], group: Group = group_here) -> list[Verdicts]:
        """The verdicts over each corpus, in the same order. `group`: a runner's, for what takes
        long."""
        ...


def judge(
    corpora: Sequence[Documents], judges: Sequence[Judge], group: Group = group_here
) -> list[Verdicts]:
    """The verdicts of all judges together; each one sees what those before it have kept."""
    together = [Verdicts((), np.zeros(len(documents.rows_N), np.int8)) for documents in corpora]
    for one in judges:
        seen = [d.subset(so_far.kept_N) for d, so_far in zip(corpora, together, strict=True)]
        judged = one.judge(seen, group)
        together = [so_far.then(more) for so_far, more in zip(together, judged, strict=True)]
    return together
