"""Filters and rewriters that follow each other, run together and accounted for.

    chain = Chain(task.preprocessors[:8], seed=0)
    chain.apply(document, size)           # outside of TensorFlow: the document, or None
    dataset = chain(dataset)              # within: one Python call for each document
    chain.counts                          # documents and bytes behind each step
    chain.tallies                         # what each step measured

What stays is the same as when the steps are called one after the other, as SeqIO does: each call
there crosses from TensorFlow to Python, which costs more than most rules.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from code_ablate.data.filters.base import (
    Document,
    Filter,
    Rewriter,
    Step,
    document_of,
    features_of,
    rewritten,
    texts_of,
)
from code_ablate.data.filters.tally import FilterTally, RewriterTally, tally_of
from code_ablate.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf


class Chain:
    """One pass of documents through steps that follow each other."""

    def __init__(
        self,
        steps: Sequence[Step],
        seed: int = 0,
        on_kept: Callable[[str, str], object] | None = None,
    ):
        """`seed`: draws the examples. `on_kept`: is called with the text of each kept document
        before and after."""
        self.steps = list(steps)
        self._on_kept = on_kept
        self.tallies: list[FilterTally | RewriterTally] = [tally_of(s, seed) for s in steps]
        self.counts = [[0, 0] for _ in steps]

    def apply(self, document: Document, size: int) -> Document | None:
        """The document as the last step leaves it; None if one drops it.

        `size`: bytes of its text. Raises what a step raises.
        """
        before = document.text
        for step, tally, counts in zip(self.steps, self.tallies, self.counts, strict=True):
            if not step.applies_to(document.language):
                tally.pass_by()
            elif isinstance(step, Filter):
                verdict = step.judge(document)
                tally.add(document, size, verdict)  # type: ignore[call-arg, arg-type]
                if verdict.drop:
                    return None
            elif isinstance(step, Rewriter):
                after, changes = step.rewrite(document)
                tally.add(document, size, after, changes)  # type: ignore[call-arg, arg-type]
                if after.text is not document.text:
                    size = byte_length(after.text)
                document = after
            counts[0] += 1
            counts[1] += size
        if self._on_kept is not None:
            self._on_kept(before, document.text)
        return document

    def require_metadata(self, names: Sequence[str]) -> None:
        """Raises UserError if documents with the features `names` lack what a step looks at."""
        for step in self.steps:
            step.require_metadata(names)

    def __call__(self, dataset: "tf.data.Dataset") -> "tf.data.Dataset":
        """The dataset after all steps.

        Raises UserError if the documents lack metadata that a step needs.
        """
        import tensorflow as tf

        if not isinstance(dataset.element_spec, dict) or "text" not in dataset.element_spec:
            raise UserError(
                f"filter {self.steps[0].name!r} looks at the feature 'text', and the documents "
                "have none: put the filters before the steps that rename or tokenize it."
            )
        names = features_of(dataset.element_spec)
        self.require_metadata(names)
        changed = texts_of(dataset.element_spec)

        def judge(*values: Any) -> tuple[Any, ...]:
            document = document_of(names, values)
            after = self.apply(document, len(values[names.index("text")]))
            texts = rewritten(names, values, document, after or document, changed)
            return (after is not None, *texts)

        def run(example: dict[str, Any]) -> dict[str, Any]:
            kinds = [tf.bool, *([tf.string] * len(changed))]
            values = [example[name] for name in names]
            kept, *texts = tf.numpy_function(judge, values, kinds)
            made = {n: tf.ensure_shape(text, []) for n, text in zip(changed, texts, strict=True)}
            return {**example, **made, _KEPT: tf.ensure_shape(kept, [])}

        def without_mark(example: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in example.items() if name != _KEPT}

        do_not_convert = tf.autograph.experimental.do_not_convert
        judged = dataset.map(do_not_convert(run)).filter(lambda example: example[_KEPT])
        return judged.map(do_not_convert(without_mark))


_KEPT = "_kept"


def byte_length(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
