"""What published collections need to be corpora: one subset of several, one text of parts.

preprocessors=[Subset(("RedPajamaC4",)), *documents.TOKENIZE]     # by the feature `subset`
preprocessors=[JoinedInstruction(), *documents.TOKENIZE]          # instruction, context, response
"""

# ruff: noqa: D102 - the base classes say what the methods are.

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from code_ablate.data.filters.base import Document, Filter, Rewriter
from code_ablate.data.filters.scales import Categories


@dataclasses.dataclass(frozen=True)
class Subset(Filter):
    """Drops documents of other subsets of a collection than those named."""

    wanted: tuple[str, ...]
    """Names of the subsets that are kept, as the feature `subset` has them."""

    needs: ClassVar[tuple[str, ...]] = ("subset",)

    @property
    def scale(self) -> Categories:  # type: ignore[override]
        """One bin for each subset that is kept."""
        return Categories(self.wanted)

    def measure(self, document: Document) -> str:
        return str(document.more["subset"])

    def drops(self, value: str) -> bool:
        return value not in self.wanted


@dataclasses.dataclass(frozen=True)
class JoinedInstruction(Rewriter):
    """Puts a document's `instruction` and `context` before its text, the response."""

    needs: ClassVar[tuple[str, ...]] = ("instruction", "context")

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        parts = (document.more["instruction"], document.more["context"], document.text)
        text = "\n\n".join(str(part).strip() for part in parts if str(part).strip())
        return dataclasses.replace(document, text=f"{text}\n"), {"joined": 1}
