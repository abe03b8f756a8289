"""Words, lines and paragraphs of a text, as the rules for prose count them.

    words_of("Two  words.")           # ["Two", "words."]

Words are what white space separates, as in Gopher (arXiv 2112.11446, appendix A.1.1).
"""

import re

_PARAGRAPHS = re.compile(r"\n{2,}")


def words_of(text: str) -> list[str]:
    """What white space separates."""
    return text.split()


def written_lines_of(text: str) -> list[str]:
    """The lines that are not blank, without white space at their ends."""
    return [stripped for line in text.split("\n") if (stripped := line.strip())]


def paragraphs_of(text: str) -> list[str]:
    """What blank lines separate, without white space at the ends."""
    return [stripped for part in _PARAGRAPHS.split(text) if (stripped := part.strip())]


def share(part: float, whole: float) -> float:
    """part / whole; 0 where there is no whole."""
    return part / whole if whole else 0.0
