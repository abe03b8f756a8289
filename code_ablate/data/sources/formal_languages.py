"""Documents of formal languages: brackets that match, structure with no meaning at all.

    FormalLanguage(documents=2000, pairs=8, depth=16)         # Dyck: the last opened closes first
    FormalLanguage(documents=2000, pairs=8, shuffled=True)    # shuffle-Dyck: any that is open

Document i is a function of the seed and i. A bracket is a word: pair 3 opens with "d" and closes
with "D"; words stand apart by spaces.
"""

from collections.abc import Iterator
from typing import NamedTuple

from code_ablate.data.controls.base import generator
from code_ablate.data.sources.base import DocumentSource
from code_ablate.errors import UserError

VERSION = 1
"""To be raised when the same arguments give other documents."""

_UNIT_DOCUMENTS = 256
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class _Range(NamedTuple):
    first: int
    last: int


class FormalLanguage(DocumentSource):
    """Sentences of the Dyck language over some pairs of brackets, or of its shuffle.

    Each step opens a bracket or closes one with equal probability, where both are possible: nothing
    is closed at depth 0 and nothing opened at `depth`. The pair of an opening is uniform. What is
    open when `brackets` are written is closed.
    """

    def __init__(
        self,
        documents: int,
        *,
        brackets: int = 512,
        pairs: int = 8,
        depth: int = 16,
        shuffled: bool = False,
        seed: int = 0,
    ):
        """What to write.

        Args:
          documents: number of documents.
          brackets: brackets in each; an even number.
          pairs: kinds of brackets, at most 26 * 27.
          depth: most brackets that are open at once.
          shuffled: whether any open bracket may close next (shuffle-Dyck: a shuffle of as many
            languages as there are pairs), and not only the last.
          seed: seed of all documents.
        """
        super().__init__()
        bounds = {
            "documents": (documents, 1, None),
            "brackets": (brackets, 2, None),
            "pairs": (pairs, 1, 26 * 27),
            "depth": (depth, 1, None),
        }
        for name, (value, least, most) in bounds.items():
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or value < least or (most is not None and value > most):
                upper = "" if most is None else f" to {most}"
                raise UserError(f"FormalLanguage.{name} is {value!r}: a whole number from {least}"
                                f"{upper}.")  # fmt: skip
        if brackets % 2:
            raise UserError(f"FormalLanguage.brackets is {brackets}: half of them close, so even.")
        self.count = documents
        self.brackets = brackets
        self.pairs = pairs
        self.depth = depth
        self.shuffled = shuffled
        self.seed = seed

    @property
    def language(self) -> str:
        """Name of the language, as the documents' metadata has it."""
        return f"{'shuffle_' if self.shuffled else ''}dyck_{self.pairs}"

    def units(self) -> list[_Range]:
        """Ranges of the documents' numbers."""
        starts = range(0, self.count, _UNIT_DOCUMENTS)
        return [_Range(start, min(start + _UNIT_DOCUMENTS, self.count)) for start in starts]

    def read(self, unit: _Range) -> Iterator[dict[str, str]]:
        """The documents of a range."""
        for number in range(unit.first, unit.last):
            yield {
                "text": self.document(number),
                "path": f"{self.language}/{number}",
                "language": self.language,
                "source": "formal language",
            }

    def describe(self) -> Iterator[str]:
        """The version of what is written, and the arguments."""
        yield f"formal languages {VERSION}"
        yield repr((self.count, self.brackets, self.pairs, self.depth, self.shuffled, self.seed))

    def document(self, number: int) -> str:
        """Document `number`, from 0: one line of `brackets` words."""
        rng = generator(self.seed, self.language, str((self.brackets, self.depth)), str(number))
        open_pairs: list[int] = []
        words: list[str] = []
        while len(words) + len(open_pairs) < self.brackets:
            can_open = len(open_pairs) < self.depth
            if can_open and (not open_pairs or rng.random() < 0.5):
                pair = int(rng.random() * self.pairs)
                open_pairs.append(pair)
                words.append(_word(pair))
            else:
                words.append(_word(self._closed(open_pairs, rng.random())).upper())
        while open_pairs:
            words.append(_word(self._closed(open_pairs, rng.random())).upper())
        return " ".join(words) + "\n"

    def _closed(self, open_pairs: list[int], draw: float) -> int:
        """Takes the pair that closes next from those that are open."""
        return open_pairs.pop(int(draw * len(open_pairs)) if self.shuffled else -1)


def _word(pair: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    more, letter = divmod(pair, len(_LETTERS))
    return (_LETTERS[more - 1] if more else "") + _LETTERS[letter]
