"""The prose of MediaWiki articles.

    plain_text("'''Anarchism''' is a [[political philosophy|philosophy]].{{citation needed}}")
    for title, wikitext in articles("enwiki.xml.bz2"): ...

The markup is stripped with the standard library alone: good enough for running text, and no
renderer. Templates, tables, references, files and the closing lists of sources are dropped.
"""

import html
import re
import xml.etree.ElementTree
from collections.abc import Iterator

from code_ablate.data.sources.bad_rows import BadFile
from code_ablate.data.sources.decompression import decompressed
from code_ablate.errors import UserError

PLAIN_TEXT_VERSION = 1
"""To be raised when `plain_text` gives another text, so that stores are prepared anew."""

# Without the text between the tags: formulas, sources, galleries.
_DROPPED_TAGS = "ref|math|gallery|timeline|imagemap|source|syntaxhighlight|score|hiero|nowiki|chem"
_ELEMENT = re.compile(rf"<({_DROPPED_TAGS})\b[^<>]*?(?:/>|>.*?</\1\s*>)", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_STRAY_BRACES = re.compile(r"\{\{[^{}\n]*|\}\}")
_TABLE_BEGIN = re.compile(r"^[:* ]*\{\|")
_INNER_LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
_OUTER_LINK = re.compile(r"\[(?:https?:|ftp:|mailto:)?//[^\s\]]+\s*([^\]]*)\]")
_NAMESPACE = re.compile(
    r"^:?(?:file|image|category|media|wikt|[a-z]{2,3}(?:-[a-z]+)?):", re.IGNORECASE
)
_HEADING = re.compile(r"^(={2,6})\s*(.*?)\s*\1\s*$", re.MULTILINE)
_CLOSING = re.compile(
    r"^==\s*(?:References?|Notes?|Footnotes|Citations|Sources|Bibliography|Further reading|"
    r"External links|See also|Notes and references|References and notes)\s*==\s*$.*?(?=^==[^=]|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^[*#:;]+\s*", re.MULTILINE)
_SPACES = re.compile(r"[ \t\u00a0]+")
_EMPTY_BRACKETS = re.compile(r"\s*\(\s*[,;\s]*\)")


def plain_text(wikitext: str) -> str:
    """The prose of an article: paragraphs and headings, one empty line between them."""
    text = _COMMENT.sub("", wikitext)
    text = _CLOSING.sub("", text)
    text = _ELEMENT.sub("", text)
    text = _until_stable(_TEMPLATE, "", text)  # the innermost ones first: templates nest
    text = _without_tables(text)
    text = _STRAY_BRACES.sub("", text)
    text = _until_stable(_INNER_LINK, _link_text, text)
    text = _OUTER_LINK.sub(r"\1", text)
    text = _TAG.sub("", text)
    text = re.sub(r"'{2,}", "", text)
    text = re.sub(r"__[A-Z]+__", "", text)
    text = html.unescape(
        html.unescape(text)
    )  # an export escapes what an author has escaped already
    text = _HEADING.sub(r"\n\2\n", text)
    text = _LIST_MARK.sub("", text)
    text = _EMPTY_BRACKETS.sub("", _SPACES.sub(" ", text))
    text = re.sub(r" ([,.;:])(?=\s)", r"\1", text)  # what a template stood between
    lines = [line.strip() for line in text.split("\n")]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip()


def _without_tables(text: str) -> str:
    kept, depth = [], 0
    for line in text.split("\n"):
        if _TABLE_BEGIN.match(line):
            depth += 1
        elif depth and line.lstrip().startswith("|}"):
            depth -= 1
        elif not depth:
            kept.append(line)
    return "\n".join(kept)


def _link_text(match: re.Match) -> str:
    target = match.group(1)
    if _NAMESPACE.match(target):
        return ""
    return target.rpartition("|")[2]


def _until_stable(pattern: re.Pattern, replacement, text: str) -> str:
    while True:
        replaced = pattern.sub(replacement, text)
        if replaced == text:
            return text
        text = replaced


def articles(export: str) -> Iterator[tuple[str, str]]:
    """(title, wikitext) of the articles in a bz2 MediaWiki export; redirects are left out.

    Raises UserError for an export that is missing, cut or damaged.
    """
    try:
        yield from _articles(export)
    except (BadFile, OSError, xml.etree.ElementTree.ParseError) as error:
        raise UserError(
            f"the Wikipedia export {export} cannot be read ({error}): fetch or install it again."
        ) from error


def _articles(export: str) -> Iterator[tuple[str, str]]:
    with decompressed(open(export, "rb"), "bz2") as stream:
        for _, page in xml.etree.ElementTree.iterparse(stream):
            if not page.tag.endswith("}page"):
                continue
            if page.find("{*}redirect") is None and page.findtext("{*}ns") == "0":
                text = page.findtext("{*}revision/{*}text") or ""
                yield page.findtext("{*}title") or "", text
            page.clear()
