"""Source text cut into pieces with their kinds, by Pygments: every character is in one piece.

pieces("x = 1  # one", "python")      # [Piece("name", "x"), Piece("space", " "), ...]
"""

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pygments import token as tokens
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from code_ablate.data.sources.code_text import parsed
from code_ablate.errors import UserError

Kind = Literal["name", "keyword", "string", "docstring", "number", "comment", "space", "sign"]

_LEXERS = {
    "apex": "java",
    "assembly": "gas",
    "batchfile": "bat",
    "c-sharp": "csharp",
    "dtrace": "c",
    "f-sharp": "fsharp",
    "java-server-pages": "jsp",
    "jupyter-notebook": "json",
    "mercury": "prolog",
    "objective-cpp": "objective-c++",
    "openedge-abl": "openedge",
    "protocol-buffer": "protobuf",
    "rmarkdown": "markdown",
    "standard-ml": "sml",
    "svelte": "html",
    "svg": "xml",
    "terra": "lua",
    "yacc": "c",
}
"""Pygments' lexer of languages that have another name in The Stack, or the nearest one there is."""

_DIRECTIVES = frozenset(
    [
        "define",
        "defined",
        "elif",
        "else",
        "endif",
        "error",
        "if",
        "ifdef",
        "ifndef",
        "include",
        "line",
        "once",
        "pragma",
        "undef",
        "warning",
    ]
)
"""Words of the C preprocessor, whose lines Pygments does not cut any further."""

_WORDS = re.compile(r"([^\W\d]\w*)")


@dataclass(frozen=True)
class Piece:
    """A token of source text."""

    kind: Kind
    """What it is; "sign" is punctuation, operators, and all that is none of the others."""
    text: str
    """Its characters, as they stand in the document."""


def pieces(text: str, language: str) -> list[Piece]:
    """The pieces of a document; joined they are the text again.

    Raises UserError for a language that Pygments has no lexer for.
    """
    # Its method get_tokens would normalise line ends and drop a BOM.
    cuts = _lexer(language).get_tokens_unprocessed(text)
    cut = [piece for _, token, value in cuts if value for piece in _cut(token, value)]
    return _with_true_docstrings(cut, text) if language == "python" else cut


def python_docstrings(text: str) -> dict[int, bool] | None:
    """First line of every string that is a statement -> whether it is all that its block has.

    None for text that does not parse: Python 2, templates, data.
    """
    tree = parsed(text)
    if tree is None:
        return None
    blocks = [
        block
        for node in ast.walk(tree)
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody"))
        if isinstance(block, list)
    ]
    module = tree.body
    return {
        statement.lineno: block is not module and all(map(_is_string, block))
        for block in blocks
        for statement in block
        if _is_string(statement)
    }


def _is_string(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _with_true_docstrings(cut: list[Piece], text: str) -> list[Piece]:
    """Pygments takes every string at the beginning of a line for a docstring."""
    docstrings = python_docstrings(text)
    if docstrings is None:
        return cut
    line, mended = 1, []
    for piece in cut:
        wrong = piece.kind == "docstring" and line not in docstrings
        mended.append(Piece("string", piece.text) if wrong else piece)
        line += piece.text.count("\n")
    return mended


@functools.cache
def _lexer(language: str) -> Lexer:
    try:
        return get_lexer_by_name(_LEXERS.get(language, language))
    except ClassNotFound:
        raise UserError(
            f"a control cuts documents by their language, and {language!r} is none that "
            "Pygments knows (pygmentize -L lexers lists them): give the documents such a "
            "`language`, or leave the control out."
        ) from None


def _cut(token: Any, value: str) -> Iterator[Piece]:
    """One token of Pygments as pieces: names apart from the signs that Pygments leaves on them."""
    if token in tokens.Comment.Preproc and token not in tokens.Comment.PreprocFile:
        for part in _parts(value):
            word: Kind = "keyword" if part in _DIRECTIVES else "name"
            yield Piece(word if _WORDS.fullmatch(part) else _sign_or_space(part), part)
    elif token in tokens.Comment and token not in tokens.Comment.PreprocFile:
        body = value.rstrip("\n")
        yield from (Piece(kind, part) for kind, part in _with_end("comment", body, value) if part)
    elif token in tokens.Name and token not in tokens.Name.Entity:
        for part in _parts(value):
            yield Piece("name" if _WORDS.fullmatch(part) else _sign_or_space(part), part)
    else:
        yield Piece(_kind(token, value), value)


def _with_end(kind: Kind, body: str, value: str) -> tuple[tuple[Kind, str], ...]:
    return (kind, body), ("space", value[len(body) :])


def _parts(value: str) -> list[str]:
    return [part for part in _WORDS.split(value) if part]


def _kind(token: Any, value: str) -> Kind:
    if token in tokens.String.Interpol and (value in ("{", "}") or value[0] in "!:"):
        return "sign"  # around an expression in a string; other ones are "%s" and "{}"
    if token in tokens.String.Doc:
        return "docstring"
    if token in tokens.String or token in tokens.Comment.PreprocFile:
        return "string"
    if token in tokens.Number:
        return "number"
    if token in tokens.Keyword or token in tokens.Operator.Word:
        return "keyword"
    return _sign_or_space(value)


def _sign_or_space(value: str) -> Kind:
    return "sign" if value.strip() else "space"
