"""One downstream SeqIO Task, read and tokenised with the model's vocabulary.

    task = LoadedTask.load("arc_easy", vocabulary, SuiteConfig(tasks=("arc_easy",)), longest=257)
    task.examples, task.targets        # what is asked, and what the metric_fns compare with

A Task that was written for T5X works: the model's vocabulary takes the place of its own, and its
postprocessor and metric_fns are applied as seqio.Evaluator applies them.
"""

import collections
import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import seqio
import tensorflow as tf
from jaxtyping import Int

from code_ablate import distributed
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation.row_choice import chosen_rows
from code_ablate.evaluation.suite_config import SuiteConfig


@dataclass(frozen=True)
class LoadedTask:
    """A Task with its examples in memory. How it is measured is up to its kind."""

    name: str
    """Name of the Task."""
    task: seqio.Task
    """The Task, with the model's vocabulary."""
    examples: tuple[Mapping[str, np.ndarray], ...]
    """Examples as the Task gives them; for rank classification one per item and choice."""
    targets: tuple[Any, ...]
    """What the Task's postprocessor makes of each example: the first argument of its metric_fns."""
    eos_id: int
    """Token that comes before every document, and so before every prompt."""
    longest: int
    """Tokens that the model sees at once."""
    config: SuiteConfig
    """The suite that it was loaded for."""
    items: int
    """Rows of the split that are used."""
    available: int
    """Rows of the split."""

    @classmethod
    def load(
        cls,
        name: str,
        vocabulary: Vocabulary,
        config: SuiteConfig,
        *,
        longest: int,
        task: seqio.Task | None = None,
    ) -> "LoadedTask":
        """Reads and tokenises the rows that the suite wants. `longest`: tokens seen at once.

        `task`: the Task; the one registered with this name, if None.

        Raises UserError if the Task has no such split, no examples, or other features than inputs
        and targets; MissingData if its rows are not on this machine.
        """
        task = task or seqio.TaskRegistry.get(name)
        _require_form(task, config.split)
        sample = _Sample(config.max_items, config.seed)
        features = {
            key: _with_vocabulary(feature, vocabulary)
            for key, feature in task.output_features.items()
        }
        if task.output_features["targets"].add_eos:
            _say_without_eos(task.name)
        task = task.replace(output_features=features, preprocessors=[sample, *task.preprocessors])
        dataset = task.get_dataset(None, split=config.split, shuffle=False, num_epochs=1)
        examples = tuple(dataset.as_numpy_iterator())
        if not examples:
            raise UserError(
                f"evaluation task {name!r} has no examples in its {config.split!r} split."
            )
        return cls(
            name,
            task,
            examples,
            tuple(_target(task, example) for example in examples),
            vocabulary.eos_id,
            longest,
            config,
            sample.used,
            sample.available,
        )

    def item_names(self) -> list[str]:
        """An id for each example: its target's `item`, else its number. UserError if one is twice.

        For kinds with one example per item.
        """
        found = [getattr(target, "item", None) for target in self.targets]
        names = [item if isinstance(item, str) else str(i) for i, item in enumerate(found)]
        self.require_distinct(names)
        return names

    def require_distinct(self, items: Sequence[str]) -> None:
        """Raises UserError if an id stands for two items: nothing could be paired by it."""
        name, times = collections.Counter(items).most_common(1)[0]
        if times > 1:
            raise UserError(
                f"evaluation task {self.name!r} has more than one item with the id {name!r}: "
                "give each row an id of its own."
            )

    def prompt(self, example: Mapping[str, np.ndarray]) -> Int[np.ndarray, " T"]:
        """The tokens of `inputs`, after the EOS that comes before every document."""
        return np.concatenate([[self.eos_id], example["inputs"]]).astype(np.int32)

    def postprocess(self, text: str, example: Mapping[str, np.ndarray]) -> Any:
        """A generated text as the metric_fns want it."""
        return self.task.postprocess_fn(text, example=example, is_target=False)

    def describe(self, kind: str, *, examples: int, cropped: int, **more: Any) -> dict:
        """What the report says about the task. `cropped`: those of `examples` that lose context."""
        return {
            "kind": kind,
            "source": getattr(self.task.source, "origin", ""),
            "items": self.items,
            "available": self.available,
            "examples": examples,
            "cropped": cropped,
            **more,
        }


def require_rows(task: seqio.Task, split: str) -> None:
    """Raises MissingData for a Task over TensorFlow Datasets that are not prepared here.

    They would be downloaded otherwise. Other sources say so themselves. UserError for a split that
    the Task has not.
    """
    if isinstance(task.source, seqio.TfdsDataSource):
        builder = task.source.tfds_dataset.builder
        if not builder.is_prepared():
            raise MissingData(
                f"the rows of {builder.info.full_name} are not on this machine: "
                f"`tfds build {builder.info.full_name}`."
            )
    _require_split(task, split)


def _require_split(task: seqio.Task, split: str) -> None:
    if split not in task.splits:
        raise UserError(
            f"evaluation task {task.name!r} has splits {list(task.splits)}, not {split!r}."
        )


def _require_form(task: seqio.Task, split: str) -> None:
    _require_split(task, split)
    if set(task.output_features) != {"inputs", "targets"}:
        raise UserError(
            f"evaluation task {task.name!r} has features {sorted(task.output_features)}; "
            "it needs 'inputs' and 'targets'."
        )


@functools.cache
def _say_without_eos(task: str) -> None:
    """Tells the user, once a process, that a Task written for T5X is scored a little otherwise."""
    if distributed.is_first():
        print(
            f"note: evaluation task {task!r} asks for EOS behind its targets (add_eos=True). They "
            "are scored without: a continuation is scored as it stands, not together with its end.",
            file=sys.stderr,
        )


def _with_vocabulary(feature: seqio.Feature, vocabulary: Vocabulary) -> seqio.Feature:
    return seqio.Feature(
        vocabulary=vocabulary.seqio,
        add_eos=False,  # a continuation is scored as it stands, not together with its end
        required=feature.required,
        dtype=feature.dtype,
        rank=feature.rank,
    )


def _target(task: seqio.Task, example: Mapping[str, np.ndarray]) -> Any:
    """The target as a metric_fn gets it from seqio.Evaluator: from the text before it was tokens,
    where the example still has it."""
    if "targets_pretokenized" in example:
        target = example["targets_pretokenized"]
    else:
        target = task.output_features["targets"].vocabulary.decode(example["targets"].tolist())
    if isinstance(target, bytes):
        target = target.decode()
    return task.postprocess_fn(target, example=example, is_target=True)


class _Sample:
    """A first preprocessor that keeps a seeded choice of the source's rows, and counts them."""

    def __init__(self, max_items: int, seed: int):
        self._max_items, self._seed = max_items, seed
        self.available = self.used = 0

    def __call__(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        self.available = int(dataset.reduce(np.int64(0), lambda n, _: n + 1))
        chosen = chosen_rows(self.available, self._max_items, self._seed)
        self.used = self.available if chosen is None else len(chosen)
        if chosen is None:
            return dataset
        kept = np.zeros(self.available, bool)
        kept[chosen] = True
        keep = tf.constant(kept)
        return dataset.enumerate().filter(lambda i, _: keep[i]).map(lambda _, row: row)
