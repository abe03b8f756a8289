"""Prose with the redundancy of code: what remains of code's effect if it is only repetition.

compression_ratio(text)                 # bytes by bytes of zlib -9
RepeatedProse(ratio=3.6)                # prose rewritten until it compresses as well
"""

# ruff: noqa: D102 - the base class says what `name` and `text_of` are.

import dataclasses
import re
import zlib

from code_ablate.data.controls.base import Control, generator, permuted
from code_ablate.data.filters.base import Document
from code_ablate.errors import UserError

_SENTENCES = re.compile(r".+?(?:[.!?][\"')\]]*(?:\s+|$)|\n+|$)", re.DOTALL)


def compression_ratio(text: str) -> float:
    """Bytes of the text in UTF-8 by bytes of its zlib stream at level 9; 1 for an empty text."""
    data = text.encode("utf-8", "backslashreplace")
    return len(data) / len(zlib.compress(data, 9)) if data else 1.0


@dataclasses.dataclass(frozen=True)
class RepeatedProse(Control):
    """Sentences replaced by earlier ones of the same document until it compresses as code does.

    The fewest that reach the ratio, in a seeded order. A document that compresses better stays as
    it is; one that cannot reach the ratio is repeated as far as it goes.
    """

    ratio: float = 4.3
    """Compression ratio to reach (`compression_ratio`), that of the code it stands beside.
    The default is the mean of the demonstration's code, weighted by bytes; its prose has 2.7."""

    seed: int = 0
    """Seed of which sentences are replaced, and by which."""

    def __post_init__(self):
        super().__post_init__()
        if not self.ratio > 1:
            raise UserError(f"RepeatedProse.ratio is {self.ratio!r}: a compression ratio over 1.")

    @property
    def name(self) -> str:
        return f"repeated_prose_to_{self.ratio:g}"

    def text_of(self, document: Document) -> str:
        sentences = _SENTENCES.findall(document.text)
        rng = generator(self.seed, document.text)
        order = permuted(range(1, len(sentences)), rng)
        earlier = [int(rng.random() * max(place, 1)) for place in range(len(sentences))]

        def repeated(count: int) -> str:
            replaced = set(order[:count])
            written: list[str] = []
            for place, sentence in enumerate(sentences):
                written.append(written[earlier[place]] if place in replaced else sentence)
            return "".join(written)

        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            if compression_ratio(repeated(middle)) >= self.ratio:
                high = middle
            else:
                low = middle + 1
        return repeated(low)
