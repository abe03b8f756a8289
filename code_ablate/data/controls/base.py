"""What a control is: a pure function of a document that gives another text.

    @dataclass(frozen=True)
    class UpperCase(Control):
        name = "upper_case"

        def text_of(self, document):
            return document.text.upper()

    derive("my.text_upper", "my.text", UpperCase())     # registers the corpus

A control is a frozen dataclass: its arguments and its source text are its identity. What leaves
nothing of a document (the comments of a file without comments) gives an empty text, which prepare
leaves out and counts.
"""

import dataclasses
import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from code_ablate.data.filters.base import Document, Rewriter
from code_ablate.data.registry import corpus_names
from code_ablate.errors import UserError, unknown_name

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Control(Rewriter):
    """Base of the controls: a subclass says `text_of`."""

    derives: ClassVar[bool] = True

    def text_of(self, document: Document) -> str:
        """The text in the place of the document's. Must depend on nothing but its arguments."""
        raise NotImplementedError

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """The document with that text, and {"rewritten": 1} if it is another one."""
        text = self.text_of(document)
        if text == document.text:
            return document, {}
        return dataclasses.replace(document, text=text), {"rewritten": 1}


def derive(name: str, of: str, *controls: Control) -> Any:
    """Registers the corpus `of` once more, under `name`, with its kept documents rewritten.

    The controls stand after the corpus' filters and before its text becomes targets, so that both
    corpora hold the same documents. Returns the new SeqIO Task. Raises UserError for a corpus that
    is not registered, or whose preprocessors do not end with `documents.TOKENIZE`.
    """
    import seqio

    from code_ablate.data.sources.documents import to_targets

    if of not in seqio.TaskRegistry.names():
        raise unknown_name("corpus", of, corpus_names())
    task = seqio.TaskRegistry.get(of)
    chain = list(task.preprocessors)
    if to_targets not in chain:
        raise UserError(
            f"corpus {of!r} has no `to_targets` among its preprocessors, so nothing says where its "
            f"filters end: register {name!r} yourself, with the controls among its preprocessors."
        )
    place = chain.index(to_targets)
    return seqio.TaskRegistry.add(
        name,
        source=task.source,
        preprocessors=[*chain[:place], *controls, *chain[place:]],
        output_features=task.output_features,
    )


def generator(seed: int, *texts: str) -> random.Random:
    """A generator of random numbers that depends on the seed and the texts alone.

    Python promises the stream of `random.Random(seed).random()`; of the other methods, and of
    NumPy's generators, no library promises it across versions, so only `random()` is used.
    """
    key = hashlib.sha256(repr((seed, *texts)).encode("utf-8", "backslashreplace")).digest()
    return random.Random(int.from_bytes(key, "big"))


def permuted(values: Sequence[T], rng: random.Random) -> list[T]:
    """The values in an order that is uniform over all permutations."""
    keys = [rng.random() for _ in values]
    return [values[i] for i in sorted(range(len(values)), key=keys.__getitem__)]
