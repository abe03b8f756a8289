"""The Wikipedia articles that install from the Python registry, as prose.

GensimWikipedia()                     # the 106 articles in gensim's wheel, CC BY-SA
"""

import os
from collections.abc import Iterator, Sequence

from code_ablate.data.sources.base import DocumentSource
from code_ablate.data.sources.content_digests import content_digests
from code_ablate.data.sources.distributions import InstalledFile, distribution_file, installed_files
from code_ablate.data.sources.wikitext import PLAIN_TEXT_VERSION, articles, plain_text
from code_ablate.errors import UserError

_DUMP = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


class GensimWikipedia(DocumentSource):
    """The Wikipedia articles in gensim's wheel, one document each; gensim is not imported."""

    def __init__(self, *, required: bool = True):
        """With `required` gensim must be installed; without, there are just no documents."""
        super().__init__()
        self.required = required

    def units(self) -> Sequence[InstalledFile]:
        """The export, where gensim is installed."""
        found = [file for file in installed_files().get("gensim", ()) if file.path == _DUMP]
        if distribution_file("gensim", _DUMP) is None:
            if self.required:
                raise UserError("the Wikipedia articles are in gensim's wheel: pip install gensim")
            return []
        return found

    def size_of(self, unit: InstalledFile) -> int:
        """Bytes of the export, compressed as it is."""
        return os.path.getsize(unit.location)

    def describe(self) -> Iterator[str]:
        """The version of `plain_text`, and what the export holds."""
        yield f"plain_text {PLAIN_TEXT_VERSION}"
        yield from content_digests([file.location for file in self.units()])

    def read(self, unit: InstalledFile) -> Iterator[dict[str, str]]:
        """Title and prose of each article."""
        for title, wikitext in articles(unit.location):
            text = f"{title}\n\n{plain_text(wikitext)}\n"
            path = f"{unit.path}#{title}"
            yield {"text": text, "path": path, "language": "english", "source": unit.owner}
