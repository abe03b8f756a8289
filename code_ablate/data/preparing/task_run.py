"""Runs a corpus' SeqIO Task: documents with their tokens, and what every preprocessor took away.

    run = TaskRun(find_task("demo.text"), vocabulary.seqio, split="train", seed=0)
    for document in run: ...                 # document.text, document.tokens
    run.stages()                             # [Stage("read", 356, 17000000), ...]

The vocabulary of the Task's output features is a placeholder and is replaced, so that a Task
written for T5X works unchanged. A CacheDatasetPlaceholder is passed over: the token store is the
cache. Nothing is truncated (`sequence_length` is None), and nothing shuffled. EOS ends a document
whether or not the features say `add_eos`; inputs that are empty, but for EOS, count as none. This
module imports TensorFlow when it is used.
"""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf
from jaxtyping import Int

from code_ablate.data.filters.base import Filter, Rewriter
from code_ablate.data.filters.chain import Chain
from code_ablate.data.preparing.filtered_source import FilteringWatch
from code_ablate.data.preparing.named_step import NamedStep
from code_ablate.data.preparing.objectives import require_documents
from code_ablate.data.preparing.rewritten_texts import RewrittenTexts
from code_ablate.data.preparing.stages import (
    ChainProbe,
    Probe,
    SizeLimit,
    SourceProbe,
    Stage,
    text_feature,
)
from code_ablate.data.preparing.task_fingerprint import (
    fingerprints_of,
    is_own,
    preprocessor_name,
    source_digest,
)
from code_ablate.data.preparing.tensorflow_errors import files_of, without_tensorflow
from code_ablate.data.registry import (
    TRAIN,
    corpus_names,
    import_expected_tasks,
    require_train_split,
)
from code_ablate.data.source_errors import reading
from code_ablate.data.sources.bad_rows import SkippedRows, SourceWatch
from code_ablate.data.sources.base import DocumentSource
from code_ablate.errors import Failed, UserError, unknown_name

VALIDATION = "validation"

_BATCH_DOCUMENTS = 32


@dataclasses.dataclass(frozen=True)
class Document:
    """One document as it comes out of a Task."""

    text: bytes | None
    """Text in UTF-8; None if the Task keeps no text beside the tokens."""
    tokens: Int[np.ndarray, " T"]
    """Ids, with or without EOS, as the Task leaves them."""
    name: str = ""
    """Source and path within it, as far as the Task keeps them beside the tokens."""
    split: int | None = None
    """`split_word` of the text before filters could rewrite it; None where none rewrites."""


def find_task(name: str) -> seqio.Task:
    """The registered Task. Raises UserError with the closest names, and for a Task that gives
    something else than documents."""
    import_expected_tasks()
    if name not in seqio.TaskRegistry.names():
        raise unknown_name("corpus", name, corpus_names())
    task = seqio.TaskRegistry.get(name)
    require_train_split(task)
    if "targets" not in task.output_features:
        raise UserError(
            f"corpus {name!r} yields {tuple(task.output_features)}: a corpus needs 'targets' among "
            "its output_features."
        )
    require_documents(task)
    return task


def require_unchanged(task: seqio.Task, digest: str) -> None:
    """Raises Failed unless the source of a Task would still read what `digest` stands for.

    Of files, that is: the digest of another source may cover what it keeps while it is used.
    """
    if not isinstance(task.source, DocumentSource | seqio.FileDataSource):
        return
    if source_digest(task.source) != digest:
        raise Failed(
            f"the source of corpus {task.name!r} changed while the corpus was prepared, and no "
            "store of it was written: let what writes its files finish, then prepare again."
        )


def corpus_splits(task: seqio.Task) -> tuple[str, ...]:
    """The splits of a Task that make its store: train, and validation if the source has one."""
    return (TRAIN, VALIDATION) if VALIDATION in task.splits else (TRAIN,)


def shard_bytes(task: seqio.Task, split: str, index: int = 0, count: int = 1) -> int | None:
    """Bytes of files that are read for shard `index` of `count`; None: the source does not say."""
    source = task.source
    if isinstance(source, DocumentSource):
        return source.shard_bytes(index, count)
    if isinstance(source, seqio.FileDataSource):
        files = list(source.list_shards(split))[index::count]
        return sum(tf.io.gfile.stat(file).length for file in files)
    return None


def task_fingerprint(task: seqio.Task) -> dict[str, Any]:
    """What decides which documents a Task gives: digest of the source, fingerprints of the rest."""
    return {"source": source_digest(task.source), "preprocessors": preprocessor_fingerprints(task)}


def preprocessor_fingerprints(task: seqio.Task) -> list[dict[str, str]]:
    """Name and digest of each preprocessor, in order."""
    return fingerprints_of(task, _preprocessors(task))


def _preprocessors(task: seqio.Task) -> list[Any]:
    return [p for p in task.preprocessors if not isinstance(p, seqio.CacheDatasetPlaceholder)]


def _together(preprocessors: Sequence[Any]) -> list[Any]:
    """The preprocessors, with those that follow each other and can run as one in a list."""
    groups: list[Any] = []
    for preprocessor in preprocessors:
        # A rule with a way of its own to be called is a preprocessor like any other.
        is_rule = isinstance(preprocessor, Filter | Rewriter)
        if not is_rule or type(preprocessor).__call__ not in (Filter.__call__, Rewriter.__call__):
            groups.append(preprocessor)
        elif groups and isinstance(groups[-1], list):
            groups[-1].append(preprocessor)
        else:
            groups.append([preprocessor])
    return groups


class TaskRun:
    """One pass over one piece of one split of a Task. Iterate once; then `stages` is complete."""

    def __init__(
        self,
        task: seqio.Task,
        vocabulary: seqio.Vocabulary,
        *,
        split: str = TRAIN,
        piece: int = 0,
        pieces: int = 1,
        seed: int = 0,
        shuffle: bool = False,
        threads: int = 0,
        max_bytes: int | None = None,
        on_read: Callable[[int], None] | None = None,
    ):
        """One pass.

        Args:
          max_bytes: documents with more text are left out where the Task first has text.
          on_read: is called now and then, in another thread, with the bytes of the source's files
            that were read since the last call, where the source counts them.
        """
        _leave_accelerators_alone()
        self._name, self._eos_id = task.name, vocabulary.eos_id
        self._rewritten = RewrittenTexts()
        self._files = files_of(task.source, split)
        limit = SizeLimit(max_bytes)
        groups = _together(_preprocessors(task))
        self._watch = SourceWatch(on_read)
        self._probes: list[Any] = []
        chain: list[Any] = []
        if isinstance(task.source, DocumentSource) and groups and isinstance(groups[0], list):
            first = self._chain(groups.pop(0), seed)
            self._watch = FilteringWatch(first, task.source.fields, limit.take(), on_read)
            self._probes += [SourceProbe(self._watch), ChainProbe(first)]
        else:
            self._probes.append(Probe("read", False, limit))
            chain.append(self._probes[0])
        own = [place for place, group in enumerate(groups) if is_own(group)]
        for place, group in enumerate(groups):
            if isinstance(group, list):
                steps = self._chain(group, seed)
                self._probes.append(ChainProbe(steps))
                chain.append(steps)
                continue
            own_name = isinstance(getattr(group, "name", None), str)
            self._probes.append(Probe(preprocessor_name(group), own_name, limit))
            step = NamedStep(group, self._name, ends=place >= max(own, default=0))
            chain += [step, self._probes[-1]]
        features = {
            name: dataclasses.replace(feature, vocabulary=vocabulary)
            if isinstance(feature, seqio.Feature)
            else feature
            for name, feature in task.output_features.items()
        }
        probed = task.replace(preprocessors=chain, output_features=features)
        shard = seqio.ShardInfo(index=piece, num_shards=pieces) if pieces > 1 else None
        self._reasons: tuple[str, ...] = ()
        self.counts_bytes = isinstance(task.source, DocumentSource)
        """Whether `on_read` is called."""
        if isinstance(task.source, DocumentSource):
            self._reasons = tuple(task.source.reasons())
            dataset = task.source.watched(
                self._watch, shuffle, seed if shuffle else None, shard or seqio.ShardInfo(0, 1)
            )
        else:
            what = f"the source of corpus {task.name!r}"
            with reading(what):
                dataset = task.source.get_dataset(
                    split=split, shuffle=shuffle, seed=seed if shuffle else None, shard_info=shard
                )
            if not isinstance(dataset, tf.data.Dataset):
                raise UserError(f"{what} returns {dataset!r}: let it return a tf.data.Dataset.")
        dataset = probed.preprocess_postcache(dataset, sequence_length=None, seed=seed)
        self._text = text_feature(dataset.element_spec)
        self._dataset = self._slim(dataset, threads)

    def __iter__(self) -> Iterator[Document]:
        try:
            for batch in self._dataset:
                self._watch.require_success(self._name)
                if any((row != self._eos_id).any() for row in _rows(batch.get("inputs"))):
                    raise UserError(
                        f"corpus {self._name!r} yields inputs beside its targets: a corpus is a "
                        "stream of documents; join both into 'targets'."
                    )
                texts = batch["text"].numpy() if "text" in batch else itertools.repeat(None)
                known = "path" in batch
                names = _names(batch["source"], batch["path"]) if known else itertools.repeat("")
                for text, tokens, name in zip(texts, _rows(batch["targets"]), names, strict=False):
                    yield Document(text, tokens, name, self._rewritten.split(text))
        except tf.errors.OpError as error:
            self._watch.require_success(self._name)
            raise without_tensorflow(self._name, self._files, error) from None
        self._watch.require_success(self._name)

    def stages(self) -> list[Stage]:
        """What came out of the source and of each preprocessor, after the iteration has ended.

        The rows that a source skips count as read, and as gone in a step for each reason.
        """
        read, *steps = (stage for probe in self._probes for stage in probe.stages())
        skipped = [(why, self._watch.skipped.get(why, SkippedRows())) for why in self._reasons]
        documents = read.documents + sum(rows.rows for _, rows in skipped)
        size = (read.bytes or 0) + sum(rows.bytes for _, rows in skipped)
        stages = [Stage(read.name, documents, None if read.bytes is None else size)]
        for reason, rows in skipped:
            documents, size = documents - rows.rows, size - rows.bytes
            known = None if read.bytes is None else size
            stages.append(Stage(reason, documents, known, examples=tuple(rows.examples)))
        return [*stages, *steps]

    def _chain(self, steps: Sequence[Filter | Rewriter], seed: int) -> Chain:
        """The steps as one; where they rewrite, what documents were before is taken down."""
        rewrites = any(isinstance(step, Rewriter) for step in steps)
        return Chain(steps, seed, self._rewritten.of_next_filters() if rewrites else None)

    def _slim(self, dataset: tf.data.Dataset, threads: int) -> tf.data.Dataset:
        """Only what a store needs, many documents at a time: each crossing to Python is slow."""
        spec = dataset.element_spec
        targets = spec.get("targets") if isinstance(spec, dict) else None
        if targets is None or not targets.dtype.is_integer or targets.shape.rank != 1:
            raise UserError(
                f"corpus {self._name!r} ends with {spec}: its last preprocessors must make "
                "'targets' a vector of token ids (seqio.preprocessors.tokenize)."
            )

        @tf.autograph.experimental.do_not_convert
        def slim(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            kept = {"targets": tf.cast(example["targets"], tf.int32)}
            if self._text:
                kept["text"] = example[self._text]
            if all(_is_text(spec.get(name)) for name in ("source", "path")):
                kept |= {name: example[name] for name in ("source", "path")}
            inputs = example.get("inputs")
            if inputs is not None and inputs.dtype.is_integer and inputs.shape.rank == 1:
                kept["inputs"] = inputs
            return kept

        options = tf.data.Options()
        if threads:
            options.threading.private_threadpool_size = threads
        dataset = dataset.map(slim).ragged_batch(_BATCH_DOCUMENTS).with_options(options)
        return dataset.prefetch(2)


@functools.cache
def _leave_accelerators_alone() -> None:
    """TensorFlow would take a GPU's whole memory, which is for JAX."""
    with contextlib.suppress(RuntimeError):  # where the user's own code has begun to use them
        tf.config.set_visible_devices([], "GPU")


def _is_text(spec: Any) -> bool:
    return isinstance(spec, tf.TensorSpec) and spec.dtype == tf.string and spec.shape.rank == 0


def _names(sources: tf.Tensor, paths: tf.Tensor) -> Iterator[str]:
    for source, path in zip(sources.numpy(), paths.numpy(), strict=True):
        yield f"{source.decode('utf-8', 'replace')} {path.decode('utf-8', 'replace')}".strip()


def _rows(batch: tf.RaggedTensor | tf.Tensor | None) -> list[np.ndarray]:
    """The vectors of a batch; it is not ragged where TensorFlow knows that all have one length."""
    if batch is None:
        return []
    if isinstance(batch, tf.RaggedTensor):
        return np.split(batch.flat_values.numpy(), batch.row_limits().numpy()[:-1])
    return list(batch.numpy())
