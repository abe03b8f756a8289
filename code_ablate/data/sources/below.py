"""Files below a folder or bucket that each user has elsewhere.

    FilesBelow("CODE_ABLATE_PAPER", "data/paper", "the-stack-dedup/data/python/*.parquet",
               text="content")

The folder is named by an environment variable, and is looked for when documents are asked for, so
that a corpus can be registered where its files are not.
"""

import os
from typing import Any

from code_ablate.data.sources.file_search import FoundFiles, NoFile
from code_ablate.data.sources.files import Files
from code_ablate.errors import MissingData


class FilesBelow(Files):
    """`Files` whose patterns begin at a folder that an environment variable names."""

    def __init__(self, variable: str, default: str, *patterns: str, **options: Any):
        """What to read.

        Args:
          variable: environment variable that names the folder, or a bucket ("gs://...").
          default: folder where the variable is not set, below the current one.
          patterns: paths or globs below the folder.
          options: those of `Files`.
        """
        super().__init__(patterns, **options)
        self.variable = variable
        self.default = default

    def paths(self) -> tuple[str, ...]:
        """The patterns, with the folder before them."""
        folder = os.environ.get(self.variable) or self.default
        return tuple(f"{folder.rstrip('/')}/{pattern}" for pattern in self.patterns)

    def _search(self) -> FoundFiles:
        """The files that match. Raises MissingData for a pattern that nothing matches."""
        try:
            return super()._search()
        except NoFile as error:
            found = str(error).partition(": ")[0]
            raise MissingData(
                f"{found}: put the files there, or say with {self.variable} where they are."
            ) from error
