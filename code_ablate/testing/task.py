"""Runs a registered evaluation task over a few rows: what is asked, and what scores are possible.

    checked = check_task("my.quiz", [{"id": "1", "question": "2 + 2?", "choices": ["4", "5"],
                                      "gold": 0}])
    checked.examples[0].prompt, checked.examples[0].targets      # as text
    checked.perfect["accuracy"], checked.floor["accuracy"]       # 1.0, 0.0

The rows take the place of the Task's source, which is not read; there is no model. What could not
be checked is in `unchecked`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import seqio

# Kinds import t5 late, when gin may be locked already.
import t5.data  # noqa: F401
import t5.evaluation.metrics  # noqa: F401
import tensorflow as tf

from code_ablate.data.registry import evaluation_task_names
from code_ablate.data.sources.one_split import OneSplitSource
from code_ablate.errors import MissingData, UserError, unknown_name
from code_ablate.evaluation import kinds
from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.measure import Engine, Kind
from code_ablate.evaluation.sampling import Completion
from code_ablate.evaluation.sets.source import EvaluationSet
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.testing.corpus import small_vocabulary

_LONGEST = 1_000_000  # nothing is cropped


@dataclass(frozen=True)
class CheckedExample:
    """What the model would be asked, without the EOS before it."""

    item: str
    """Id of the item; its number if the Task does not say."""
    prompt: str
    """Text before what is scored or generated."""
    targets: tuple[str, ...]
    """The continuation that is scored, all accepted answers, or a program's solution.
    None of an open-ended prompt."""
    right: bool
    """Whether the targets are right; False for the wrong choices of an item."""


@dataclass(frozen=True)
class CheckedTask:
    """What the task asks, and the metrics of the best and the worst outputs."""

    kind: str
    """Kind of the task: a key of `kinds.KINDS`."""
    examples: tuple[CheckedExample, ...]
    """One for each item; for rank classification one for each choice of each item."""
    perfect: dict[str, float] | None
    """Metrics of right outputs; None if no output is known to be right or it could not be run."""
    floor: dict[str, float] | None
    """Metrics of empty answers, or of scores that favour what is wrong; None if not run."""
    unchecked: tuple[str, ...]
    """Sentences that say what was not checked."""


def check_task(name: str, rows: Sequence[Mapping[str, Any]]) -> CheckedTask:
    """Runs the Task `name` over rows, in the form of its `EvaluationSet`, or as its source gives.

    Raises UserError for what evaluation would refuse: no metric_fn, ids that occur twice, a gold
    index out of range, an empty continuation, other features than inputs and targets.
    """
    if name not in seqio.TaskRegistry.names():
        raise unknown_name("evaluation task", name, evaluation_task_names())
    if isinstance(rows, Mapping | str) or not rows:
        raise UserError("check_task needs a list with at least one row.")
    task = seqio.TaskRegistry.get(name)
    kind = kinds.kind_of(task)
    if kind.measure is None:
        raise UserError(f"evaluation task {name!r} is declared as {kind.name!r}, no kind of Task.")
    source = task.source
    given = source.with_rows(map(dict, rows)) if isinstance(source, EvaluationSet) else _Given(rows)
    loaded = LoadedTask.load(
        name,
        small_vocabulary(),
        SuiteConfig(tasks=(name,)),
        longest=_LONGEST,
        task=task.replace(source=given),
    )
    examples = tuple(_example(loaded, kind, number) for number in range(len(loaded.examples)))
    try:
        measure = kind.measure(loaded)
    except MissingData as error:
        return CheckedTask(kind.name, examples, None, None, (f"No program was run: {error}",))
    floor = measure.evaluate(_engine(examples, perfect=False), _ignore).metrics
    if not all(example.targets for example in examples):
        unchecked = (f"No answer is known to be right: the task is {kind.title}.",)
        return CheckedTask(kind.name, examples, None, floor, unchecked)
    perfect = measure.evaluate(_engine(examples, perfect=True), _ignore).metrics
    return CheckedTask(kind.name, examples, perfect, floor, ())


class _Given(OneSplitSource):
    """Examples as a source of somebody else's would give them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]):
        super().__init__("validation")
        self._rows = [{key: np.asarray(value) for key, value in row.items()} for row in rows]
        if any(set(row) != set(self._rows[0]) for row in self._rows):
            raise UserError("the rows of check_task have different fields: give all the same.")

    def list_shards(self, split: str) -> Sequence[str]:
        return [split]

    def elements(self, shuffle: bool, seed: int | None, shard: seqio.ShardInfo) -> tf.data.Dataset:
        signature = {
            key: tf.TensorSpec([None] * value.ndim, tf.convert_to_tensor(value).dtype)
            for key, value in self._rows[0].items()
        }
        return tf.data.Dataset.from_generator(lambda: iter(self._rows), output_signature=signature)


def _example(task: LoadedTask, kind: Kind, number: int) -> CheckedExample:
    example, target = task.examples[number], task.targets[number]
    prompt, text = _text(task, example, "inputs"), _text(task, example, "targets")
    expected = kind.expected(target, number, text)
    return CheckedExample(expected.item, prompt, expected.texts, expected.right)


def _text(task: LoadedTask, example: Mapping[str, Any], feature: str) -> str:
    if f"{feature}_pretokenized" in example:
        return bytes(example[f"{feature}_pretokenized"]).decode()
    return task.task.output_features[feature].vocabulary.decode(example[feature].tolist())


class _Fixed:
    """A scorer and a generator whose outputs are known beforehand."""

    def __init__(self, examples: Sequence[CheckedExample], perfect: bool):
        self._examples, self._perfect = examples, perfect

    def score(self, requests, advance) -> np.ndarray:
        del requests, advance
        return np.array([0.0 if e.right == self._perfect else -100.0 for e in self._examples])

    def score_greedy(self, requests, advance) -> tuple[np.ndarray, np.ndarray]:
        scores = self.score(requests, advance)
        return scores, np.full(len(scores), self._perfect)

    def generate(self, prompts, sampling, items, advance) -> list[list[Completion]]:
        del prompts, items, advance
        texts = [e.targets[0] if self._perfect else "" for e in self._examples]
        return [[Completion(text, 0, "eos")] * sampling.samples for text in texts]


def _engine(examples: Sequence[CheckedExample], *, perfect: bool) -> Engine:
    fixed = cast(Any, _Fixed(examples, perfect))
    return Engine(fixed, fixed)


def _ignore(done: int) -> None:
    """Nobody watches the progress."""
