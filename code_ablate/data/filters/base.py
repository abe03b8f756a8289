"""What a filter is: a pure function of a document, which keeps it or says why it goes.

    @dataclass(frozen=True)
    class FewWords(Filter):
        minimum: int = 50

        @property
        def name(self):
            return f"words_under_{self.minimum}"

        def judge(self, document):
            words = len(document.text.split())
            return self.drop_if(words < self.minimum, words)

    FewWords(50).verdict(Document("a few words"))      # Drop("words_under_50", 3)
    preprocessors=[FewWords(50), *documents.TOKENIZE]  # in a SeqIO Task

A filter is a frozen dataclass: its arguments and its source text are its identity, and `name` says
in the table of dropped documents what it took away. What is to be counted apart is a filter of its
own. Only a filter's use as a preprocessor needs TensorFlow.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from code_ablate.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Document:
    """A document as a filter sees it."""

    text: str
    """Text, with U+FFFD where a source met bytes that are not UTF-8."""
    language: str = ""
    """Language as the source names it, such as "python"; empty where it is unknown."""
    path: str = ""
    """Path within the source; empty where it is unknown."""
    source: str = ""
    """Name of the distribution or file it comes from; empty where it is unknown."""


METADATA = tuple(field.name for field in dataclasses.fields(Document) if field.name != "text")
"""What a filter may know of a document beside its text."""


@dataclasses.dataclass(frozen=True)
class Drop:
    """Why a document is not kept."""

    reason: str
    """Name of the filter."""
    value: float | int | str | None = None
    """What the filter measured; None where it looked for something and found it."""


@dataclasses.dataclass(frozen=True)
class Filter:
    """Base of the filters: a subclass says `name` and `judge`."""

    only: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """Languages the rule applies to; documents in others pass. Empty: all languages."""

    but_not: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """Languages the rule does not apply to."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Metadata that the filter cannot do without, out of `METADATA`."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is float and isinstance(value, int):  # 100 and 100.0 are one filter
                object.__setattr__(self, field.name, float(value))

    @property
    def name(self) -> str:
        """What the filter drops, for the table of dropped documents."""
        raise NotImplementedError

    def judge(self, document: Document) -> Drop | None:
        """Why the document goes; None keeps it. Must depend on nothing but its arguments."""
        raise NotImplementedError

    def drop_if(self, condition: bool, value: float | int | str | None = None) -> Drop | None:
        """A `Drop` by this filter, which measured `value`, if the condition holds; else None."""
        return Drop(self.name, value) if condition else None

    def applies_to(self, language: str) -> bool:
        """Whether documents in this language are judged; the others are kept."""
        return (not self.only or language in self.only) and language not in self.but_not

    def verdict(self, document: Document) -> Drop | None:
        """What `judge` says, for documents in languages that the filter applies to."""
        return self.judge(document) if self.applies_to(document.language) else None

    def __call__(self, dataset: "tf.data.Dataset") -> "tf.data.Dataset":
        """The dataset without the documents that are not kept.

        Raises UserError if the documents lack metadata that the filter needs.
        """
        import tensorflow as tf

        features = dataset.element_spec
        self._require_metadata(features)
        known = [name for name in METADATA if name in features]

        def keep(text: bytes, *metadata: bytes) -> bool:
            values = {
                name: value.decode("utf-8", "replace")
                for name, value in zip(known, metadata, strict=True)
            }
            return self.verdict(Document(text.decode("utf-8", "replace"), **values)) is None

        def predicate(document):
            values = [document["text"], *(document[name] for name in known)]
            return tf.ensure_shape(tf.numpy_function(keep, values, tf.bool), [])

        return dataset.filter(predicate)

    def _require_metadata(self, features) -> None:
        needed = [*self.needs, *(["language"] if self.only or self.but_not else [])]
        for name in needed:
            if name not in features:
                raise UserError(
                    f"filter {self.name!r} looks at the {name}, but the documents have no feature "
                    f"{name!r}: add one in the source"
                    + (
                        ", or use the filter without `only` and `but_not`."
                        if name not in self.needs
                        else "."
                    )
                )


def first_drop(filters: Sequence[Filter], document: Document) -> Drop | None:
    """What the first filter that drops the document says; None if all keep it."""
    for rule in filters:
        drop = rule.verdict(document)
        if drop is not None:
            return drop
    return None
