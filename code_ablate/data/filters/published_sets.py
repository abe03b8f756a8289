"""What published collections need to be corpora: one subset, one text of parts, metadata.

preprocessors=[Subset(("RedPajamaC4",)), *documents.TOKENIZE]     # by the feature `subset`
preprocessors=[JoinedInstruction(), *documents.TOKENIZE]          # instruction, context, response
preprocessors=[Conversation(), *issues.ISSUES, *documents.TOKENIZE]     # users, events, authors
"""

# ruff: noqa: D102 - the base classes say what the methods are.

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from code_ablate.data.filters.base import Document, Filter, Rewriter
from code_ablate.data.filters.scales import Categories

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Subset(Filter):
    """Drops documents of other subsets of a collection than those named."""

    wanted: tuple[str, ...]
    """Names of the subsets that are kept, as the feature `subset` has them."""

    needs: ClassVar[tuple[str, ...]] = ("subset",)

    @property
    def scale(self) -> Categories:  # type: ignore[override]
        """One bin for each subset that is kept."""
        return Categories(self.wanted)

    def measure(self, document: Document) -> str:
        return str(document.more["subset"])

    def drops(self, value: str) -> bool:
        return value not in self.wanted


@dataclasses.dataclass(frozen=True)
class JoinedInstruction(Rewriter):
    """Puts a document's `instruction` and `context` before its text, the response."""

    needs: ClassVar[tuple[str, ...]] = ("instruction", "context")

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        parts = (document.more["instruction"], document.more["context"], document.text)
        text = "\n\n".join(str(part).strip() for part in parts if str(part).strip())
        return dataclasses.replace(document, text=f"{text}\n"), {"joined": 1}


_COMMENT, _CLOSED = "<issue_comment>", "<issue_closed>"
_SPEAKER = re.compile(r"(?:<issue_start>)?\s*(?:Title: [^\n]*\n)?(username_\d+): ")


@dataclasses.dataclass(frozen=True)
class Conversation:
    """Gives conversations on issues the metadata of the rules for them, read from their text.

    As StarCoder writes them (arXiv 2305.06161, section 5.1; StarCoder 2, section 5.3): comments
    between `<issue_comment>`, each by `username_N`, and `<issue_closed>`. `authors` are these
    names, one in a line; an event of `event_count` is a comment, the opening one among them, or a
    closing.
    """

    def __call__(self, dataset: "tf.data.Dataset") -> "tf.data.Dataset":
        """The dataset with the features `authors`, `user_count` and `event_count`."""
        import numpy as np
        import tensorflow as tf

        def read(text: bytes) -> tuple[bytes, np.int64, np.int64]:
            authors, events = conversation(text.decode("utf-8", "replace"))
            users = len(set(authors))
            return "\n".join(authors).encode(), np.int64(users), np.int64(events)

        def with_metadata(example):
            kinds = [tf.string, tf.int64, tf.int64]
            values = tf.numpy_function(read, [example["text"]], kinds)
            names = ("authors", "user_count", "event_count")
            found = {n: tf.ensure_shape(v, []) for n, v in zip(names, values, strict=True)}
            return {**example, **found}

        return dataset.map(with_metadata)


def conversation(text: str) -> tuple[list[str], int]:
    """(who wrote each comment, in order; number of events) of a conversation on an issue."""
    speakers = (_SPEAKER.match(comment) for comment in text.split(_COMMENT))
    authors = [speaker[1] for speaker in speakers if speaker]
    return authors, len(authors) + text.count(_CLOSED)
