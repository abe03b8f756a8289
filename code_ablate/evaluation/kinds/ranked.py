"""Rank classification: which of several continuations does the model find likeliest?

    add_task("my.quiz", EvaluationSet("my_quiz", file="quiz.jsonl", fields=("question",)), prompt,
             category="reasoning")                     # registers a SeqIO Task
    items = score_items(targets, scores)               # one row per item
    means(items)["accuracy"]

`prompt` maps a row to (contexts, continuations): one context or one per choice; a continuation
brings its leading space. With `shots=5` each context begins with that many solved examples. The
scores are log-likelihoods of the continuation given the context,
summed over its tokens, in nats. Contexts and continuations are tokenised apart, without EOS. Built
on t5's preprocessor; the scores per item (`score_items`) and the means (`rank_classification`, the
metric) are one computation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from etils import epy
from jaxtyping import Float, Int

from code_ablate.errors import UserError
from code_ablate.evaluation import few_shot
from code_ablate.evaluation.declarations import TaskInfo, declare, no_settings
from code_ablate.evaluation.kinds.continuations import Continuations, repeated_note
from code_ablate.evaluation.kinds.own_metrics import PREFIX, apply_metrics
from code_ablate.evaluation.measure import Advance, Engine, Expected, Kind, Outcome

with epy.lazy_imports():  # facts of the kinds are read where these are not installed
    import pandas as pd
    import seqio
    import tensorflow as tf
    from t5.data import preprocessors as t5_preprocessors

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask
    from code_ablate.evaluation.sets.origins import Row

    Prompt = Callable[[Mapping[str, tf.Tensor]], tuple[tf.Tensor, tf.Tensor]]


class Choice(NamedTuple):
    """One choice of one item, as the metric sees it: what `postprocess` makes of an example."""

    idx: tuple[int, int]
    """(number of the item, number of the choice)."""

    is_correct: bool
    """Whether this choice is the gold one."""

    item: str
    """Id of the item."""

    choices: int | None
    """How many choices the item has; None where the task does not say."""

    bytes: float
    """UTF-8 bytes of the continuation, with its leading space; NaN where the task does not say."""


def preprocessors(prompt: Prompt) -> tuple[Callable[..., tf.data.Dataset], ...]:
    """Preprocessors of a rank classification Task whose rows are as `EvaluationSet` yields them."""

    def contexts_and_continuations(dataset: tf.data.Dataset) -> tf.data.Dataset:
        def formatted(row):
            contexts, continuations = prompt(row)
            count = tf.size(continuations)
            return {
                "contexts": tf.broadcast_to(contexts, [count]),
                "continuations": continuations,
                "gold": row["gold"],
                "item": row["id"],
                "choices": count,
            }

        return dataset.map(formatted, num_parallel_calls=tf.data.AUTOTUNE)

    def one_example_per_choice(dataset: tf.data.Dataset) -> tf.data.Dataset:
        return t5_preprocessors.rank_classification(
            dataset,
            inputs_fn=lambda row: row["contexts"],
            targets_fn=lambda row: row["continuations"],
            is_correct_fn=lambda row: tf.one_hot(row["gold"], row["choices"]),
            passthrough_feature_keys=("item", "choices"),
        )

    def count_bytes(dataset: tf.data.Dataset) -> tf.data.Dataset:
        return dataset.map(
            lambda example: {**example, "bytes": tf.strings.length(example["targets"], "BYTE")}
        )

    return (
        contexts_and_continuations,
        one_example_per_choice,
        count_bytes,
        seqio.preprocessors.tokenize,
    )


def postprocess(
    target: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> Any:
    """The `Choice` of an example; anything else passes."""
    if not is_target or example is None:
        return target
    item, choice = (int(number) for number in example["idx"])
    return Choice(
        idx=(item, choice),
        is_correct=bool(example["is_correct"]),
        item=bytes(example["item"]).decode(),
        choices=int(example["choices"]),
        bytes=int(example["bytes"]),
    )


def add_task(
    name: str,
    source: seqio.DataSource,
    prompt: Prompt,
    *,
    category: str,
    chance: float | None = None,
    shots: int = 0,
    convention: str = "",
) -> seqio.Task:
    """Registers a rank classification Task with SeqIO, and what the suite has to know about it.

    `shots`: solved examples before each context; the source is then an `EvaluationSet`.
    """
    if shots:
        source = few_shot.with_solved(source, shots, functools.partial(solved_example, prompt))
        prompt = functools.partial(_after_solved, prompt)
    declare(name, TaskInfo(category, KIND, chance, convention))
    return seqio.TaskRegistry.add(
        name,
        source=source,
        preprocessors=preprocessors(prompt),
        output_features=few_shot.evaluation_features(),
        postprocess_fn=postprocess,
        metric_fns=[rank_classification],
    )


def solved_example(prompt: Prompt, row: Row) -> str:
    """A row as it stands before other questions: with the continuation of the gold choice."""
    contexts, continuations = prompt(few_shot.as_tensors(row))
    context = tf.broadcast_to(contexts, tf.shape(continuations))[row["gold"]]
    return few_shot.as_text(context + continuations[row["gold"]])


def _after_solved(prompt: Prompt, row: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    contexts, continuations = prompt(row)
    return tf.strings.join([row["solved"], contexts]), continuations


def as_choice(target: Any) -> Choice:
    """A `Choice` from what a Task's postprocessor gave: `postprocess` or t5's own.

    t5's says neither the id nor the bytes: the item is named by its number, and scores per byte are
    NaN. Raises UserError for anything else.
    """
    if isinstance(target, Choice):
        return target
    try:
        idx, is_correct, _weight, _tokens = target
        item, choice = map(int, idx)
        return Choice((item, choice), bool(is_correct), str(item), None, np.nan)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"a rank classification task must be postprocessed by t5's rank_classification or by "
            f"this module's postprocess; this one gives {target!r}."
        ) from error


def choices_per_item(targets: Sequence[Any]) -> Int[np.ndarray, " items"]:
    """How many choices each item has, in the order of the items."""
    numbers = [as_choice(target).idx[0] for target in targets]
    return np.unique(np.array(numbers, int), return_counts=True)[1]


def score_items(
    targets: Sequence[Any], scores: Sequence[float] | Float[np.ndarray, " examples"]
) -> pd.DataFrame:
    """Scores per item: one row per item, in the order of the items.

    Columns: item; choices; gold, predicted, predicted_per_byte (indices); correct, correct_per_byte
    (0 or 1); bits (-log2 p of the gold continuation) and bytes (of it); gold_probability (softmax
    over the choices); margin (log-likelihood of the gold minus that of the best other, nats). Per
    byte means that each score is divided by the bytes of its continuation before the best is taken.
    Of equal scores the first wins.

    Raises ValueError for items with missing choices, with more or less than one gold, and for
    scores that are not finite.
    """
    if len(targets) != len(scores):
        raise ValueError(f"{len(targets)} choices, but {len(scores)} scores.")
    targets = [as_choice(target) for target in targets]
    numbers = sorted({target.idx[0] for target in targets})
    row_of = {number: row for row, number in enumerate(numbers)}
    shape = (len(numbers), 1 + max((target.idx[1] for target in targets), default=0))
    score_IC = np.full(shape, -np.inf)
    bytes_IC = np.ones(shape)
    gold_IC = np.zeros(shape, bool)
    seen_IC = np.zeros(shape, bool)
    item_I = np.empty(len(numbers), object)
    choices_I = np.zeros(len(numbers), int)
    for target, score in zip(targets, scores, strict=True):
        row, column = row_of[target.idx[0]], target.idx[1]
        score_IC[row, column], bytes_IC[row, column] = score, target.bytes
        gold_IC[row, column], seen_IC[row, column] = target.is_correct, True
        item_I[row] = target.item
        choices_I[row] = target.choices or max(choices_I[row], column + 1)
    _check(score_IC, gold_IC, seen_IC, choices_I, item_I)

    rows = np.arange(len(numbers))
    gold_I = gold_IC.argmax(1)
    predicted_I = score_IC.argmax(1)
    unknown_I = np.isnan(bytes_IC).any(1)
    predicted_per_byte_I = (score_IC / bytes_IC).argmax(1).astype(float)
    correct_per_byte_I = (predicted_per_byte_I == gold_I).astype(float)
    predicted_per_byte_I[unknown_I] = correct_per_byte_I[unknown_I] = np.nan
    gold_score_I = score_IC[rows, gold_I]
    best_other_I = np.where(gold_IC, -np.inf, score_IC).max(1)
    return pd.DataFrame(
        {
            "item": item_I,
            "choices": choices_I.astype(float),
            "gold": gold_I.astype(float),
            "predicted": predicted_I.astype(float),
            "predicted_per_byte": predicted_per_byte_I,
            "correct": (predicted_I == gold_I).astype(float),
            "correct_per_byte": correct_per_byte_I,
            "bits": -gold_score_I / np.log(2),
            "bytes": bytes_IC[rows, gold_I],
            "gold_probability": np.exp(gold_score_I - np.logaddexp.reduce(score_IC, axis=1)),
            "margin": gold_score_I - best_other_I,
        }
    )


def _check(score_IC, gold_IC, seen_IC, choices_I, item_I) -> None:
    for problem, wrong_I in {
        "has choices that were not scored; evaluate whole items": seen_IC.sum(1) != choices_I,
        "must have exactly one gold choice": gold_IC.sum(1) != 1,
        "has a score that is not finite": (seen_IC & ~np.isfinite(score_IC)).any(1),
    }.items():
        if wrong_I.any():
            first = item_I[wrong_I.argmax()]
            raise ValueError(f"item {first!r} {problem} ({wrong_I.sum()} of {len(item_I)} items).")


def means(items: pd.DataFrame) -> dict[str, float]:
    """The scores of a set of items, as fractions of 1, bits per byte, and nats."""
    return {
        "accuracy": float(items["correct"].mean()),
        "accuracy_per_byte": float(items["correct_per_byte"].mean()),
        "bits_per_byte": float(items["bits"].sum() / items["bytes"].sum(skipna=False)),
        "gold_probability": float(items["gold_probability"].mean()),
        "margin": float(items["margin"].mean()),
    }


def rank_classification(targets, scores) -> dict[str, float]:
    """The SeqIO metric function: the means of `score_items`."""
    return means(score_items(targets, scores))


class RankedMeasure:
    """A Task with an example for each choice of each item."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if items lack choices or a gold one, or have an id twice."""
        self._task, self._continuations = task, Continuations(task)
        self._choices = tuple(_choice(task, number) for number in range(len(task.examples)))
        # Ranked once with scores that say nothing: what is wrong is found here, not after training.
        try:
            items = score_items(self._choices, np.zeros(len(self._choices)))
        except ValueError as error:
            raise UserError(
                f"evaluation task {task.name!r} cannot be scored by rank classification: {error}"
            ) from error
        task.require_distinct(list(items["item"]))

    @property
    def work(self) -> int:
        """Requests, in pieces that the model sees at once."""
        return self._continuations.work

    def describe(self) -> dict:
        """The chance level is the mean of 1 / choices."""
        choices = choices_per_item(self._choices)
        chance = float(np.mean(1 / choices))
        return self._continuations.describe(
            KIND.name, chance=chance, notes=self._notes(len(choices))
        )

    def _notes(self, items: int) -> list[str]:
        """Items with options that cannot be told apart, and items that are there twice."""
        groups = _examples_of_items(self._choices)
        whole = [[self._continuations.requests[n].tokens.tobytes() for n in g] for g in groups]
        seen = [[self._continuations.seen(n) for n in group] for group in groups]
        equal = sum(len(set(options)) < len(options) for options in whole)
        cropped = sum(len(set(options)) < len(options) for options in seen) - equal
        notes = []
        if equal:
            notes.append(
                f"{equal} of {items} items have options that are equal: the first of them is "
                "taken, so that the other is never right"
            )
        if cropped:
            notes.append(
                f"{cropped} of {items} items are longer than the model sees, and have options that "
                "differ only before that: the first of them is taken"
            )
        unused = [f.__name__ for f in self._task.task.predict_metric_fns]
        if unused:
            notes.append(
                f"the task is scored by rank classification: its metrics of predictions, "
                f"{', '.join(map(repr, unused))}, are not computed"
            )
        return notes + repeated_note(whole)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Scores every choice."""
        scores = engine.scorer.score(self._continuations.requests, advance)
        items = score_items(self._choices, scores)
        found = apply_metrics(self._task.task.score_metric_fns, self._task.targets, scores)
        own = [f for f in self._task.task.score_metric_fns if not _is_known(f)]
        groups = _examples_of_items(self._choices)
        mine = apply_metrics(own, self._task.targets, scores, groups).items
        columns = {PREFIX + name: score_I for name, score_I in mine.items()}
        notes = (*found.notes, *_tie_notes(scores, groups))
        return Outcome(items.assign(**columns), dict(found.whole), notes, tuple(mine))


def _tie_notes(scores: Float[np.ndarray, " examples"], groups: list[list[int]]) -> list[str]:
    """How many items have their highest score twice: ties favour the first option."""
    tied = sum(int(np.sum(scores[group] == scores[group].max()) > 1) for group in groups)
    if not tied:
        return []
    return [f"{tied} of {len(groups)} items have two highest scores, of which the first is taken"]


def _is_known(function: Callable) -> bool:
    """Whether it is this module's metric or t5's, whose scores the table of items has."""
    of_t5 = (getattr(function, "__module__", None) or "").startswith("t5.")
    return function is rank_classification or (
        of_t5 and getattr(function, "__name__", "") == "rank_classification"
    )


def _examples_of_items(choices: Sequence[Choice]) -> list[list[int]]:
    """The numbers of each item's choices, in the order of the items."""
    groups: dict[int, list[int]] = {}
    for number, choice in enumerate(choices):
        groups.setdefault(choice.idx[0], []).append(number)
    return [groups[item] for item in sorted(groups)]


def _choice(task: LoadedTask, number: int) -> Choice:
    """The example's target, with the bytes of its continuation where the task does not say."""
    choice = as_choice(task.targets[number])
    example = task.examples[number]
    if np.isnan(choice.bytes) and "targets_pretokenized" in example:
        return choice._replace(bytes=len(example["targets_pretokenized"]))
    return choice


def _expected(target: Any, number: int, text: str) -> Expected:
    """A choice, and whether it is the gold one."""
    del number
    choice = as_choice(target)
    return Expected(choice.item, (text,), choice.is_correct)


KIND = Kind(
    name="rank_classification",
    title="accuracy",
    score="correct",
    columns=("correct", "correct_per_byte", "bits"),
    generates=False,
    chance="the mean of 1 / choices",
    how=(
        "Accuracy = share of items whose right answer has the highest log-likelihood of those "
        "offered; “per byte” divides each answer's log-likelihood by its bytes first. Bits per "
        "byte of the right answer = sum of its bits / sum of its bytes."
    ),
    measure=RankedMeasure,
    settings=no_settings,
    expected=_expected,
)
