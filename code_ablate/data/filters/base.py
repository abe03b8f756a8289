"""What a filter is: a pure function of a document, which measures it, and keeps it or drops it.

    @dataclass(frozen=True)
    class FewWords(AtLeast):
        '''Drops documents of few words.'''

        minimum: int = 50
        '''Fewest words that a document may have.'''

        def measure(self, document):
            return len(document.text.split())

    FewWords(50).judge(Document("a few words"))        # Verdict(3, Drop("few_words_under_50", 3))
    preprocessors=[FewWords(50), *documents.TOKENIZE]  # in a SeqIO Task

A filter is a frozen dataclass: its arguments and its source text are its identity, and `name` says
in the table of dropped documents what it took away. What is to be counted apart is a filter of its
own. A `Rewriter` changes documents, and says how often it did what. Only the use as a preprocessor
needs TensorFlow.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from code_ablate.data.filters.scales import COUNT, Categories, Scale
from code_ablate.errors import UserError
from code_ablate.shown import brief

if TYPE_CHECKING:
    import tensorflow as tf

T = TypeVar("T")

Value = float | int | str
"""What a filter measures."""


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
    more: Mapping[str, Value] = dataclasses.field(default_factory=dict, hash=False)
    """Other metadata of the source by name, such as its licence or the number of users."""

    @classmethod
    def of(cls, fields: Mapping[str, Value]) -> "Document":
        """The document of a row's fields."""
        texts = {name: str(fields[name]) for name in TEXTS if name in fields}
        return cls(**texts, more={k: v for k, v in fields.items() if k not in TEXTS})

    def number(self, name: str) -> float:
        """A number of the metadata. Raises UserError if it is none."""
        try:
            return float(self.more[name])
        except (KeyError, ValueError):
            raise UserError(
                f"the {name} of {self.path or 'a document'} is {brief(self.more.get(name))}: a "
                "filter looks at it, and it must be a number."
            ) from None

    def once(self, compute: Callable[..., T], *arguments: Any) -> T:
        """compute(text, *arguments); computed once for all filters that ask for it."""
        known: dict[Any, Any] = self.__dict__.setdefault("_known", {})
        key = (compute, *arguments)
        if key not in known:
            known[key] = compute(self.text, *arguments)
        return known[key]


METADATA = ("language", "path", "source")
"""What a document of every source of ours has beside its text."""

TEXTS = ("text", *METADATA)
"""What a document holds as text of its own; all else is in `more`."""


@dataclasses.dataclass(frozen=True)
class Drop:
    """Why a document is not kept."""

    reason: str
    """Name of the filter."""
    value: Value | None = None
    """What the filter measured; None where a step of another kind measured nothing."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a filter says of a document."""

    value: Value
    """What it measured."""
    drop: Drop | None
    """Why the document goes; None: it is kept."""


@dataclasses.dataclass(frozen=True)
class Step:
    """Base of filters and rewriters."""

    only: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """Languages the rule applies to; documents in others pass. Empty: all languages."""

    but_not: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """Languages the rule does not apply to."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Metadata that the rule cannot do without."""

    derives: ClassVar[bool] = False
    """Whether the step makes another corpus of the documents: no filter belongs behind it."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is float and isinstance(value, int):  # 100 and 100.0 are one filter
                object.__setattr__(self, field.name, float(value))

    @property
    def kind(self) -> str:
        """Name of the rule without its thresholds: `longest_line` for `LongestLine`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def name(self) -> str:
        """Name of the rule with its thresholds, for the table of dropped documents."""
        return self.kind

    @property
    def thresholds(self) -> dict[str, Any]:
        """The arguments of the rule, by name, without the languages that it applies to."""
        fields = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in fields if name not in ("only", "but_not")}

    def applies_to(self, language: str) -> bool:
        """Whether the rule looks at documents in this language; it lets the others pass."""
        return (not self.only or language in self.only) and language not in self.but_not

    def require_metadata(self, features: Sequence[str]) -> None:
        """Raises UserError if documents with these features lack what the rule looks at."""
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


@dataclasses.dataclass(frozen=True)
class Filter(Step):
    """Base of the filters: a subclass says `measure` and `drops`."""

    scale: ClassVar[Scale | Categories] = COUNT
    """Bins in which the values are counted."""

    @property
    def bounds(self) -> tuple[float, ...]:
        """Values at which the verdict changes; empty where there is no such value."""
        return ()

    def measure(self, document: Document) -> Value:
        """The value that decides. Must depend on nothing but the arguments and the document."""
        raise NotImplementedError

    def drops(self, value: Any) -> bool:
        """Whether documents with this value go."""
        raise NotImplementedError

    def place(self, document: Document) -> int:
        """The character from which an example is shown: where what was measured can be seen."""
        return 0

    def judge(self, document: Document) -> Verdict:
        """What was measured, and why the document goes if it does, whatever its language."""
        value = self.measure(document)
        return Verdict(value, Drop(self.name, value) if self.drops(value) else None)

    def drop(self, document: Document) -> Drop | None:
        """Why the document goes; None for one that is kept, or whose language is let pass."""
        return self.judge(document).drop if self.applies_to(document.language) else None

    def __call__(self, dataset: "tf.data.Dataset") -> "tf.data.Dataset":
        """The dataset without the documents that are not kept.

        Raises UserError if the documents lack metadata that the filter needs.
        """
        import tensorflow as tf

        names = features_of(dataset.element_spec)
        self.require_metadata(names)

        def keep(*values: bytes) -> bool:
            return self.drop(document_of(names, values)) is None

        def predicate(example):
            values = [example[name] for name in names]
            return tf.ensure_shape(tf.numpy_function(keep, values, tf.bool), [])

        return dataset.filter(predicate)


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclasses.dataclass(frozen=True)
class AtMost(Filter):
    """Drops documents whose value is above `maximum`."""

    maximum: float
    """Highest value that is kept."""

    excluded: ClassVar[bool] = False
    """Whether a value of exactly `maximum` goes, too."""

    @property
    def name(self) -> str:
        """The kind, and the bound."""
        return f"{self.kind}_{'from' if self.excluded else 'over'}_{_number(self.maximum)}"

    @property
    def bounds(self) -> tuple[float, ...]:
        """The maximum."""
        return (self.maximum,)

    def drops(self, value: float) -> bool:
        """Whether the value is too high."""
        return value > self.maximum or (self.excluded and value == self.maximum)


@dataclasses.dataclass(frozen=True)
class AtLeast(Filter):
    """Drops documents whose value is below `minimum`."""

    minimum: float
    """Lowest value that is kept."""

    excluded: ClassVar[bool] = False
    """Whether a value of exactly `minimum` goes, too."""

    @property
    def name(self) -> str:
        """The kind, and the bound."""
        return f"{self.kind}_{'up_to' if self.excluded else 'under'}_{_number(self.minimum)}"

    @property
    def bounds(self) -> tuple[float, ...]:
        """The minimum."""
        return (self.minimum,)

    def drops(self, value: float) -> bool:
        """Whether the value is too low."""
        return value < self.minimum or (self.excluded and value == self.minimum)


@dataclasses.dataclass(frozen=True)
class Between(Filter):
    """Drops documents whose value is outside of a range."""

    minimum: float
    """Lowest value that is kept."""

    maximum: float | None = None
    """Highest value that is kept; None: no bound."""

    @property
    def name(self) -> str:
        """The kind, and the bounds."""
        most = "" if self.maximum is None else f"_or_over_{_number(self.maximum)}"
        return f"{self.kind}_under_{_number(self.minimum)}{most}"

    @property
    def bounds(self) -> tuple[float, ...]:
        """Both."""
        return (self.minimum,) if self.maximum is None else (self.minimum, self.maximum)

    def drops(self, value: float) -> bool:
        """Whether the value is too low or too high."""
        return value < self.minimum or (self.maximum is not None and value > self.maximum)


@dataclasses.dataclass(frozen=True)
class Without(Filter):
    """Drops documents in which something is found; the value counts how often."""

    def drops(self, value: float) -> bool:
        """Whether it was found."""
        return value > 0


@dataclasses.dataclass(frozen=True)
class Rewriter(Step):
    """Base of what changes documents: a subclass says `rewrite`."""

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """(document with other text or metadata, how often each kind of change was made)."""
        raise NotImplementedError

    def __call__(self, dataset: "tf.data.Dataset") -> "tf.data.Dataset":
        """The dataset with the changed documents.

        Raises UserError if the documents lack metadata that the rewriter needs.
        """
        import tensorflow as tf

        names = features_of(dataset.element_spec)
        self.require_metadata(names)
        changed = texts_of(dataset.element_spec)

        def made_of(*values: bytes) -> list[bytes]:
            document = after = document_of(names, values)
            if self.applies_to(document.language):
                after, _ = self.rewrite(document)
            return rewritten(names, values, document, after, changed)

        def rewrite(example):
            values = [example[name] for name in names]
            made = tf.numpy_function(made_of, values, [tf.string] * len(changed))
            texts = {n: tf.ensure_shape(t, []) for n, t in zip(changed, made, strict=True)}
            return {**example, **texts}

        return dataset.map(rewrite)


def features_of(spec: Mapping[str, Any]) -> list[str]:
    """Names of the features of a dataset that a rule may see: its single strings and numbers."""
    return [name for name, feature in spec.items() if _is_scalar(feature)]


def texts_of(spec: Mapping[str, Any]) -> list[str]:
    """Names of the features of a dataset that a rewriter may change."""
    scalars = [name for name in TEXTS if name in spec and _is_scalar(spec[name])]
    return [name for name in scalars if spec[name].dtype.name == "string"]


def _is_scalar(feature: Any) -> bool:
    return getattr(feature, "shape", None) == () and feature.dtype.is_numpy_compatible


def document_of(names: Sequence[str], values: Sequence[Any]) -> Document:
    """The document of an element of a dataset, given as TensorFlow hands it to Python."""
    fields: dict[str, Any] = {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value.item()
        for name, value in zip(names, values, strict=True)
    }
    return Document.of(fields)


def rewritten(
    names: Sequence[str],
    values: Sequence[Any],
    before: Document,
    after: Document,
    changed: Sequence[str],
) -> list[bytes]:
    """The features `changed` after a rule; one that it left alone keeps its bytes, whatever they
    are."""
    raw = dict(zip(names, values, strict=True))

    def made(name: str) -> bytes:
        text = getattr(after, name)
        return raw[name] if text == getattr(before, name) else text.encode()

    return [made(name) for name in changed]


def first_drop(steps: Sequence[Step], document: Document) -> Drop | None:
    """Why the first filter that drops the document does; None if all keep it.

    A rewriter among the steps changes what the later ones see.
    """
    for step in steps:
        if not step.applies_to(document.language):
            continue
        if isinstance(step, Rewriter):
            document, _ = step.rewrite(document)
        elif isinstance(step, Filter) and (drop := step.drop(document)):
            return drop
    return None
