"""What came out of each step of a corpus' Task: documents and bytes, counted while it runs.

    probe = Probe("longest_line", True, SizeLimit(max_bytes))
    task.replace(preprocessors=[longest_line, probe])       # after its iteration:
    probe.stages()                                          # [Stage("longest_line", 340, 16000000)]

Filters that run as one, and those that run before TensorFlow sees a document, count by themselves.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from code_ablate.data.filters.chain import Chain
from code_ablate.data.preparing.filtered_source import FilteringWatch

TOO_LONG = "over_max_document_bytes"
"""Step that leaves out what has more text than `max_bytes`."""

_TEXT_FEATURES = ("text", "targets", "targets_pretokenized")


@dataclasses.dataclass(frozen=True)
class Stage:
    """What came out of one step of a Task."""

    name: str
    """'read' for the source, else the preprocessor's name."""
    documents: int
    """Documents that came out of it."""
    bytes: int | None
    """Bytes of text; None where documents have no text to count."""
    is_filter: bool = False
    """Whether the step has a `name` of its own, as filters do."""
    examples: tuple[str, ...] = ()
    """What was wrong with the first rows of a source that were skipped at this step."""
    measured: Mapping[str, Any] | None = None
    """What a filter's tally has, as plain values; None for other steps."""


@dataclasses.dataclass
class SizeLimit:
    """The most text that a document may have, until a probe has seen to it."""

    max_bytes: int | None
    """Bytes; None: no limit, or one that a probe holds already."""

    def take(self) -> int | None:
        """The limit, for the first who asks."""
        taken, self.max_bytes = self.max_bytes, None
        return taken


class Probe:
    """A preprocessor that counts documents and bytes of text, and leaves out what is too long.

    A document that tokenizers are given whole takes some 220 times its size in memory.
    """

    def __init__(self, name: str, is_filter: bool, limit: SizeLimit):
        """`name`: of the step that it stands behind; `is_filter`: whether that is its own name."""
        self._name, self._is_filter, self._limit = name, is_filter, limit
        self._has_text = True
        self._max_bytes: int | None = None
        with tf.device("CPU:0"):  # where the functions of tf.data run
            self._counts = tf.Variable([0, 0], dtype=tf.int64, trainable=False)
            self._too_long = tf.Variable([0, 0], dtype=tf.int64, trainable=False)

    def __call__(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """The dataset, counted as it is read; the first probe that sees text takes the limit."""
        feature = text_feature(dataset.element_spec)
        self._has_text = feature is not None

        def size_of(example) -> tf.Tensor:
            text = example[feature] if isinstance(example, dict) else example
            return tf.cast(tf.strings.length(text, unit="BYTE"), tf.int64)

        @tf.autograph.experimental.do_not_convert  # halves the time to build it; a piece has many
        def count(example):
            size = tf.constant(0, tf.int64) if feature is None else size_of(example)
            self._counts.assign_add(tf.stack([tf.constant(1, tf.int64), size]))
            return example

        @tf.autograph.experimental.do_not_convert
        def fits(example):
            size = size_of(example)
            too_long = tf.cast(size > self._max_bytes, tf.int64)
            self._too_long.assign_add(too_long * tf.stack([tf.constant(1, tf.int64), size]))
            return too_long == 0

        dataset = dataset.map(count)
        self._max_bytes = self._limit.take() if self._has_text else None
        return dataset if self._max_bytes is None else dataset.filter(fits)

    def stages(self) -> list[Stage]:
        """What came out of the step, after the iteration has ended."""
        documents, size = (int(n) for n in self._counts.numpy())
        known = size if self._has_text else None
        stages = [Stage(self._name, documents, known, self._is_filter)]
        if self._max_bytes is not None:
            more, more_bytes = (int(n) for n in self._too_long.numpy())
            stages.append(Stage(TOO_LONG, documents - more, size - more_bytes))
        return stages


@dataclasses.dataclass(frozen=True)
class SourceProbe:
    """What came out of a source whose rows are filtered before TensorFlow sees them."""

    watch: FilteringWatch
    """What counts the rows."""

    def stages(self) -> list[Stage]:
        """What came out of the source, after the iteration has ended."""
        (documents, size), (more, more_bytes) = self.watch.read, self.watch.too_long
        stages = [Stage("read", documents, size)]
        if self.watch.max_bytes is not None:
            stages.append(Stage(TOO_LONG, documents - more, size - more_bytes))
        return stages


@dataclasses.dataclass(frozen=True)
class ChainProbe:
    """What came out of filters that run as one."""

    chain: Chain
    """The filters."""

    def stages(self) -> list[Stage]:
        """What came out of each filter, after the iteration has ended."""
        chain = self.chain
        return [
            Stage(step.name, documents, size, is_filter=True, measured=tally.plain)
            for step, (documents, size), tally in zip(
                chain.steps, chain.counts, chain.tallies, strict=True
            )
        ]


def text_feature(spec: Any) -> str | None:
    """Which feature of a dataset's elements holds the text, by their specification; None: none.

    Elements that are bare strings (lines of a file) are text, too.
    """
    if isinstance(spec, tf.TensorSpec):
        return "text" if spec.dtype == tf.string and spec.shape.rank == 0 else None
    for name in _TEXT_FEATURES:
        feature = spec.get(name) if isinstance(spec, dict) else None
        if isinstance(feature, tf.TensorSpec) and feature.dtype == tf.string:
            return name if feature.shape.rank in (0, None) else None
    return None
