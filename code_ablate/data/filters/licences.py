"""Licences: which documents may be trained on, by an SPDX expression in their metadata.

    PermissiveLicence().judge(Document("", more={"licence": "MIT OR GPL-2.0-only"})).drop    # None
    is_allowed("Apache-2.0 AND GPL-3.0-only", PERMISSIVE)                                # False

The Stack keeps what is under a permissive licence (arXiv 2211.15533, section 3.1 and appendix); its
list is longer, and this one holds the licences of nearly all of its files.
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses
import re
from collections.abc import Sequence
from typing import ClassVar

from code_ablate.data.filters.base import Document, Filter
from code_ablate.data.filters.scales import Categories

PERMISSIVE = (
    "0BSD",
    "AFL-3.0",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-2.0",
    "BlueOak-1.0.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-3-Clause",
    "BSD-3-Clause-Clear",
    "BSD-4-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CNRI-Python",
    "HPND",
    "ICU",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MulanPSL-2.0",
    "NCSA",
    "OpenSSL",
    "PostgreSQL",
    "PSF-2.0",
    "Python-2.0",
    "Ruby",
    "TCL",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "UPL-1.0",
    "Vim",
    "W3C",
    "WTFPL",
    "X11",
    "Zlib",
    "ZPL-2.1",
)
"""SPDX identifiers of licences that ask for no more than their own text, and public domain."""

NONE = "none"
"""What is measured where there is no licence."""


@dataclasses.dataclass(frozen=True)
class PermissiveLicence(Filter):
    """Drops documents that are not under a licence of a list.

    The value is the expression, "none" where the metadata have none. Several, one in a line, must
    all be on the list. One that is no SPDX expression is on no list. Source: The Stack (arXiv
    2211.15533), section 3.1; the list is ours.
    """

    allowed: tuple[str, ...] = PERMISSIVE
    """SPDX identifiers of the licences that are kept; capitals do not matter."""

    unlicensed: bool = False
    """Whether documents without a licence are kept."""

    name = "permissive_licence"
    needs: ClassVar[tuple[str, ...]] = ("licence",)
    scale: ClassVar[Categories] = Categories(
        (
            *("MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "ISC", "MPL-2.0", "Unlicense"),
            *("PSF-2.0", "LGPL-3.0-only", "GPL-2.0-only", "GPL-3.0-only", "AGPL-3.0-only", NONE),
        )
    )

    def measure(self, document: Document) -> str:
        lines = [line.strip() for line in str(document.more["licence"]).split("\n")]
        return _all_of([line for line in lines if line]) or NONE

    def drops(self, value: str) -> bool:
        if value == NONE:
            return not self.unlicensed
        return not is_allowed(value, self.allowed)


def _all_of(licences: Sequence[str]) -> str:
    """One expression that asks for all of them."""
    return licences[0] if len(licences) == 1 else " AND ".join(f"({one})" for one in licences)


_TOKEN = re.compile(r"\s*(\(|\)|[A-Za-z0-9][A-Za-z0-9.+-]*)")


def is_allowed(expression: str, allowed: Sequence[str]) -> bool:
    """Whether an SPDX expression leaves the choice of licences that are all in `allowed`.

    Of licences joined by OR one must be, of those joined by AND all; an exception (WITH) only
    permits more. False for what is no expression.
    """
    tokens, at = [], 0
    while at < len(expression.rstrip()):
        match = _TOKEN.match(expression, at)
        if not match:
            return False
        tokens.append(match[1])
        at = match.end()
    try:
        verdict, rest = _either(tokens, frozenset(name.lower() for name in allowed))
    except _NoExpression:
        return False
    return verdict and not rest


class _NoExpression(Exception):
    """Raised where the grammar of SPDX ends."""


def _either(tokens: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    verdict, tokens = _both(tokens, allowed)
    while tokens and tokens[0].upper() == "OR":
        other, tokens = _both(tokens[1:], allowed)
        verdict = verdict or other
    return verdict, tokens


def _both(tokens: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    verdict, tokens = _one(tokens, allowed)
    while tokens and tokens[0].upper() == "AND":
        other, tokens = _one(tokens[1:], allowed)
        verdict = verdict and other
    return verdict, tokens


def _one(tokens: list[str], allowed: frozenset[str]) -> tuple[bool, list[str]]:
    if not tokens or tokens[0].upper() in ("OR", "AND", "WITH", ")"):
        raise _NoExpression
    if tokens[0] == "(":
        verdict, tokens = _either(tokens[1:], allowed)
        if not tokens or tokens[0] != ")":
            raise _NoExpression
        return verdict, tokens[1:]
    name, tokens = tokens[0].lower(), tokens[1:]
    if len(tokens) > 1 and tokens[0].upper() == "WITH":
        tokens = tokens[2:]
    return name in allowed or name.removesuffix("+") in allowed, tokens
