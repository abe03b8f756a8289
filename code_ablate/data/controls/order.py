"""Controls of order: the same words or lines, somewhere else.

ShuffledLines(seed=1).text_of(Document("one\ntwo\nthree\n"))
"""

# ruff: noqa: D102 - the base class says what `name` and `text_of` are.

import dataclasses
import itertools
import re

from code_ablate.data.controls.base import Control, generator, permuted
from code_ablate.data.filters.base import Document

_WORDS_AND_SIGNS = re.compile(r"\w+|[^\w\s]")


@dataclasses.dataclass(frozen=True)
class ShuffledTokens(Control):
    """The words and signs of each line in another order; white space stays where it was.

    A word is a run of letters, digits and underscores; every other character is a sign.
    """

    seed: int = 0
    """Seed of the order."""

    @property
    def name(self) -> str:
        return "shuffled_tokens"

    def text_of(self, document: Document) -> str:
        rng = generator(self.seed, document.text)
        lines = []
        for line in document.text.split("\n"):
            words = permuted(_WORDS_AND_SIGNS.findall(line), rng)
            gaps = _WORDS_AND_SIGNS.split(line)  # one more than words
            lines.append("".join(itertools.chain(*zip(gaps, [*words, ""], strict=True))))
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class ShuffledLines(Control):
    """The lines of a document in another order, each with its indentation."""

    seed: int = 0
    """Seed of the order."""

    @property
    def name(self) -> str:
        return "shuffled_lines"

    def text_of(self, document: Document) -> str:
        body = document.text.removesuffix("\n")
        end = document.text[len(body) :]
        return "\n".join(permuted(body.split("\n"), generator(self.seed, document.text))) + end
