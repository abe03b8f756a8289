"""Problems as documents: how a person might have written statement, solution and tests down.

    text, language = document(problem_parts, rng)

Five layouts: a module with a docstring, a module with comments, a function whose docstring is the
statement, a test function in the manner of pytest, and a page of Markdown.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from code_ablate.synthesis.seeding import weighted

_WIDTH = 96
_LINE = 100


@dataclass(frozen=True)
class Parts:
    """What a document is made of."""

    title: str
    """A few words."""
    paragraphs: Sequence[str]
    """The statement."""
    preamble: str
    """Imports and classes; may be empty."""
    code: str
    """The functions; the one that is asked for is the last."""
    function: str
    """Its name."""
    calls: Sequence[tuple[str, str]]
    """Calls and the values they return, as Python writes them."""


def assertion(call: str, value: str, indent: str = "") -> str:
    """The test that a call returns a value; of several lines where one would be too long."""
    compare = "is" if value in ("True", "False") else "=="
    line = f"{indent}assert {call} {compare} {value}"
    if len(line) <= _LINE:
        return line
    function, _, rest = call.partition("(")
    inner = indent + "    "
    arguments = [broken(part, inner) for part in _pieces(rest[:-1])]
    result = broken(value, indent) if value[:1] in "[{(" else value
    head = f"{indent}assert {function}("
    if len(arguments) == 1 and "\n" in arguments[0]:
        one = broken(rest[:-1], indent)
        return f"{head}{one}) {compare} {result}"
    return f"{head}\n{inner}{f',{chr(10)}{inner}'.join(arguments)}\n{indent}) {compare} {result}"


def broken(value: str, indent: str) -> str:
    """A long list, dictionary or tuple with its elements on lines of their own, as many as fit."""
    if len(indent) + len(value) < _LINE - 4:
        return value
    if value[:1] in "'\"":  # perhaps an entry of a dictionary
        key, colon, rest = value.partition(": ")
        return f"{key}{colon}{broken(rest, indent)}" if rest[:1] in "[{(" else value
    if value[:1] not in "[{(":
        return value
    inner = indent + "    "
    pieces = _pieces(value[1:-1])
    long = any(len(piece) > 24 for piece in pieces)
    lines: list[str] = []
    for piece in pieces:
        piece = broken(piece, inner)
        if lines and not long and len(lines[-1]) + len(piece) + 2 < _LINE:
            lines[-1] += f" {piece},"
        else:
            lines.append(f"{inner}{piece},")
    return "\n".join([value[0], *lines, indent + value[-1]])


def _pieces(text: str) -> list[str]:
    """What stands between the commas of a list, those within brackets and strings left alone."""
    pieces, start, depth, quote = [], 0, 0, ""
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and text[i - 1] != "\\" else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth == 0:
            pieces.append(text[start:i].strip())
            start = i + 1
    rest = text[start:].strip()
    return [*pieces, rest] if rest else pieces


def document(parts: Parts, rng: Random) -> tuple[str, str]:
    """(text, language) of a document."""
    write = weighted(
        rng, ((3, _module), (2, _commented), (3, _docstring), (2, _pytest), (2, _page))
    )
    return write(parts, rng)


def _filled(paragraphs: Sequence[str], width: int = _WIDTH, indent: str = "") -> str:
    return "\n\n".join(
        textwrap.fill(
            paragraph,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for paragraph in paragraphs
    )


def _code(parts: Parts) -> str:
    return f"{parts.preamble}\n\n\n{parts.code}" if parts.preamble else parts.code


def _asserts(parts: Parts, indent: str = "") -> str:
    return "\n".join(assertion(call, value, indent) for call, value in parts.calls)


def _example(parts: Parts, rng: Random) -> str:
    """One of the shorter tests, in a sentence."""
    short = [pair for pair in parts.calls if len(pair[0]) + len(pair[1]) < 150]
    if not short:
        return ""
    call, value = rng.choice(short)
    return rng.choice(
        (
            f"For example, `{call}` is `{value}`.",
            f"Example: `{call}` gives `{value}`.",
            f"`{call}` returns `{value}`, for instance.",
            f"So `{call}` should be `{value}`.",
        )
    )


def _module(parts: Parts, rng: Random) -> tuple[str, str]:
    paragraphs = list(parts.paragraphs)
    example = _example(parts, rng) if rng.random() < 0.5 else ""
    if example:
        paragraphs.append(example)
    quotes = '"""'
    head = (
        f"{quotes}{_filled(paragraphs)}\n{quotes}"
        if rng.random() < 0.6
        else f"{quotes}\n{_filled(paragraphs)}\n{quotes}"
    )
    return f"{head}\n\n{_code(parts)}\n\n\n{_asserts(parts)}\n", "python"


def _commented(parts: Parts, rng: Random) -> tuple[str, str]:
    text = _filled(parts.paragraphs, _WIDTH - 2)
    head = "\n".join(f"# {line}".rstrip() for line in text.splitlines())
    if rng.random() < 0.4:
        head = f"# {parts.title}\n#\n{head}"
    return f"{head}\n\n{_code(parts)}\n\n\n{_asserts(parts)}\n", "python"


def _docstring(parts: Parts, rng: Random) -> tuple[str, str]:
    shown = [
        pair for pair in parts.calls if len(pair[0]) + len(pair[1]) < 90 and "\\" not in pair[1]
    ]
    shown = shown[: rng.randint(1, 3)]
    lines = [_filled(parts.paragraphs, _WIDTH - 4, "    ").strip()]
    if shown:
        lines.append("")
        lines += [f"    >>> {call}\n    {value}" for call, value in shown]
    body = "\n".join(lines)
    quotes = 'r"""' if "\\" in body else '"""'
    before, definition, after = parts.code.rpartition(f"def {parts.function}(")
    signature, _, rest = after.partition("\n")
    code = f'{before}{definition}{signature}\n    {quotes}{body}\n    """\n{rest}'
    preamble = f"{parts.preamble}\n\n\n" if parts.preamble else ""
    rest_calls = [pair for pair in parts.calls if pair not in shown]
    if len(rest_calls) > 1:
        parts = replace(parts, calls=rest_calls)
    style = rng.randrange(3)
    if style == 0 or not rest_calls:
        tests = f"def test_{parts.function}():\n{_asserts(parts, '    ')}"
    elif style == 1:
        tests = f'if __name__ == "__main__":\n{_asserts(parts, "    ")}'
    else:
        tests = _asserts(parts)
    return f"{preamble}{code}\n\n\n{tests}\n", "python"


def _pytest(parts: Parts, rng: Random) -> tuple[str, str]:
    """Tests first, as a stated exercise; then the solution."""
    head = "\n".join(
        f"# {line}".rstrip() for line in _filled(parts.paragraphs, _WIDTH - 2).splitlines()
    )
    if rng.random() < 0.15:
        cases = "\n".join(
            f"def test_{parts.function}_{i}():\n{assertion(call, value, '    ')}\n\n"
            for i, (call, value) in enumerate(parts.calls, 1)
        ).rstrip()
    else:
        cases = f"def test_{parts.function}():\n{_asserts(parts, '    ')}"
    return f"{head}\n\n{_code(parts)}\n\n\n{cases}\n", "python"


def _page(parts: Parts, rng: Random) -> tuple[str, str]:
    marks = rng.choice(("#", "##", "###"))
    paragraphs = list(parts.paragraphs)
    example = _example(parts, rng)
    if example:
        paragraphs.append(example)
    solution = rng.choice(("Solution", "A solution", "One way to do it", "Answer", "In Python"))
    checks = rng.choice(("Tests", "Checks", "It should pass these", "Some cases"))
    return (
        f"{marks} {parts.title}\n\n{_filled(paragraphs)}\n\n"
        f"{marks}# {solution}\n\n```python\n{_code(parts)}\n```\n\n"
        f"{marks}# {checks}\n\n```python\n{_asserts(parts)}\n```\n",
        "markdown",
    )
