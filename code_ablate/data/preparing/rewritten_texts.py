"""What documents were before filters rewrote them, as far as their split needs it.

    rewritten = RewrittenTexts()
    note = rewritten.of_next_filters()
    note("def bees(): ...", "def NAME(): ...")      # as a chain of filters calls it
    rewritten.split(b"def NAME(): ...")             # split_word of the first

A corpus and a control that is made of it hold the same documents with different texts. Split by
these, nearly all that one holds out would be trained on in the other.
"""

from collections.abc import Callable

from code_ablate.data.preparing.signatures import split_word, text_hash
from code_ablate.data.sources.base import to_utf8


class RewrittenTexts:
    """What decides the split of texts that come out of the filters of one pass."""

    def __init__(self) -> None:
        self._splits: list[dict[tuple[int, ...], int]] = []  # behind each chain of filters

    def of_next_filters(self) -> Callable[[str, str], None]:
        """Takes down what becomes of each text in the next filters that rewrite some.

        Of several that become the same, the least counts. One that was so from the beginning is
        among them: it has to be noted, too.
        """
        earlier = self._splits[-1] if self._splits else {}
        splits: dict[tuple[int, ...], int] = {}
        self._splits.append(splits)

        def note(before: str, after: str) -> None:
            source = to_utf8(before)
            split = earlier.get(text_hash(source), split_word(source))
            key = text_hash(to_utf8(after))
            splits[key] = min(split, splits.get(key, split))

        return note

    def split(self, text: bytes | None) -> int | None:
        """The `split_word` of what the text was made of; None for one that was not noted."""
        if text is None or not self._splits:
            return None
        return self._splits[-1].get(text_hash(text))
