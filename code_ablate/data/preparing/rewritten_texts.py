"""What documents were before filters rewrote them, as far as their split needs it.

    rewritten = RewrittenTexts()
    rewritten.note("def bees(): ...", "def NAME(): ...")       # as a chain of filters calls it
    rewritten.split(b"def NAME(): ...")                        # split_word of the first

A corpus and a control that is made of it hold the same documents with different texts. Split by
these, nearly all that one holds out would be trained on in the other.
"""

from code_ablate.data.preparing.signatures import split_word, text_hash
from code_ablate.data.sources.base import to_utf8


class RewrittenTexts:
    """What decides the split of texts that filters of one pass made of others."""

    def __init__(self) -> None:
        self._splits: dict[tuple[int, ...], int] = {}

    def note(self, before: str, after: str) -> None:
        """Takes down what became of a text. Of several that become the same, the least counts."""
        source, made = to_utf8(before), to_utf8(after)
        split = self._splits.get(text_hash(source), split_word(source))
        key = text_hash(made)
        self._splits[key] = min(split, self._splits.get(key, split))

    def split(self, text: bytes | None) -> int | None:
        """The `split_word` of what the text was made of; None for one that nothing changed."""
        if text is None or not self._splits:
            return None
        return self._splits.get(text_hash(text))
