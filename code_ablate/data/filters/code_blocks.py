"""Text with code in it, and prose about code: which of the two a document is.

    preprocessors=[CodeBlocks(1), ...]        # documents with at least one block of code
    preprocessors=[NoCodeBlocks(), ...]       # those without

A block is a fence, an indented block after "::", a ".. code" directive, or a session of Python's
interpreter (`code_ablate.data.sources.code_text`).
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses

from code_ablate.data.filters.base import AtLeast, Document, Without
from code_ablate.data.sources.code_text import code_blocks


@dataclasses.dataclass(frozen=True)
class CodeBlocks(AtLeast):
    """Drops documents with few blocks of code."""

    minimum: int = 1
    """Fewest blocks of code that a document may have."""

    def measure(self, document: Document) -> int:
        return code_blocks(document.text)


@dataclasses.dataclass(frozen=True)
class NoCodeBlocks(Without):
    """Drops documents with blocks of code."""

    def measure(self, document: Document) -> int:
        return code_blocks(document.text)
