"""Docstrings with examples, of the Python files of installed distributions.

ExampleDocstrings(("numpy", "scipy"), max_bytes=2_000_000)     # a document for each module
"""

from collections.abc import Iterator, Sequence

from code_ablate.data.sources.code_text import EXAMPLES_VERSION, example_docstrings
from code_ablate.data.sources.distributions import DistributionFiles, InstalledFile


class ExampleDocstrings(DistributionFiles):
    """What a module's documentation shows by examples; modules without any give no document."""

    def __init__(self, distributions: Sequence[str], *, max_bytes: int | None = None):
        """`max_bytes`: reads a sample of modules of about this many bytes, code included."""
        super().__init__(distributions, {".py": "python"}, max_bytes=max_bytes)

    def describe(self) -> Iterator[str]:
        """The version of `example_docstrings`, and every file."""
        yield f"examples {EXAMPLES_VERSION}"
        yield from super().describe()

    def read(self, unit: InstalledFile) -> Iterator[dict[str, str]]:
        """The docstrings of a module as one document."""
        for document in super().read(unit):
            text = example_docstrings(document["text"])
            if text:
                yield {**document, "text": text}
