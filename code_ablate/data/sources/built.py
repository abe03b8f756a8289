"""Documents of a corpus that `code-ablate corpora build` made from packages.

    BuiltCorpus("code.python")          # in data/corpora, or $CODE_ABLATE_CORPORA
    BuiltCorpus("code.*")               # in all languages

Only shards that the folder's lock file names are read, so a build that was stopped is not taken for
a whole one.
"""

import fnmatch

from code_ablate.data.building.lock_file import (
    LOCK,
    VARIABLE,
    corpora_folder,
    package_key,
    read_lock,
    shard_path,
)
from code_ablate.data.sources.files import Files
from code_ablate.errors import MissingData


class BuiltCorpus(Files):
    """The shards of one built corpus, or of all whose name matches a pattern."""

    def __init__(self, corpus: str):
        """`corpus`: name, such as "prose", or pattern, such as "code.*"."""
        super().__init__(
            corpus,
            format="jsonl",
            language_field="language",
            path_field="path",
            metadata={"licence": "licence", "package": "source", "version": "version"},
        )

    def paths(self) -> tuple[str, ...]:
        """Paths of the shards. Raises MissingData if the corpus is not built."""
        (wanted,) = self.patterns
        folder = corpora_folder()
        build = f"code-ablate corpora build --tier small --out {folder}"
        if not (folder / LOCK).exists():
            raise MissingData(
                f"no corpora are built in {folder}: {build}; or say where they are with {VARIABLE}."
            )
        lock = read_lock(folder / LOCK)
        shards = [
            (package_key(package), shard.corpus)
            for package in lock.packages
            for shard in package.shards
        ]
        paths = [
            str(shard_path(folder, corpus, key))
            for key, corpus in sorted(shards)
            if fnmatch.fnmatchcase(corpus, wanted)
        ]
        if not paths:
            names = ", ".join(sorted({corpus for _, corpus in shards}))
            raise MissingData(
                f"corpus {wanted!r} is not among those built in {folder} ({names}): build a "
                "tier that has it."
            )
        return tuple(paths)
