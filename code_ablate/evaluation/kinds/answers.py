"""Short answers that are generated and compared with all that count as right.

    add_task("my.capitals", EvaluationSet("capitals", file="capitals.jsonl", fields=("question",),
             form="answers"), lambda row: row["question"], category="world_knowledge",
             metric=squad, sampling=Sampling(max_tokens=16))
    correct, note = correct_per_item([squad], targets, predictions)      # from 0 to 1

`prompt` maps a row to the text before the answer. A metric says how an answer is brought into the
form in which it is compared: `trivia_qa` and `squad` by t5's functions (lower case, no punctuation,
no articles, the best of the accepted answers), `exact` by cutting white space alone, `last_number`
by the last number in the text. An accepted answer of which that form leaves nothing ("The", "A+")
matches no answer, least of all an empty one: `comparable` says which are left.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from etils import epy
from jaxtyping import Float

from code_ablate.errors import UserError
from code_ablate.evaluation import few_shot
from code_ablate.evaluation.declarations import TaskInfo, declare, sampling_settings
from code_ablate.evaluation.kinds.numbers import number_at_the_end
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Kind, Outcome
from code_ablate.evaluation.sampling import Sampling

with epy.lazy_imports():  # facts of the kinds are read where these are not installed
    import seqio
    import t5.evaluation.metrics
    import t5.evaluation.qa_utils
    import tensorflow as tf

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask
    from code_ablate.evaluation.sets.origins import Row

    Prompt = Callable[[Mapping[str, tf.Tensor]], tf.Tensor]


Metric = Callable[[Sequence[Any], Sequence[str]], Mapping[str, float]]

EXACT_MATCH = "exact_match"


class Accepted(NamedTuple):
    """One item, as the metric sees it: what `postprocess` makes of an example."""

    item: str
    """Id of the item."""

    answers: tuple[str, ...]
    """All that count as right."""


def preprocessors(prompt: Prompt) -> tuple[Callable[..., tf.data.Dataset], ...]:
    """Preprocessors of a Task whose rows are as `EvaluationSet` yields them."""

    def question_and_answers(dataset: tf.data.Dataset) -> tf.data.Dataset:
        def formatted(row):
            return {
                "inputs": prompt(row),
                "targets": tf.strings.join([" ", row["answers"][0]]),
                "item": row["id"],
                "answers": row["answers"],
            }

        return dataset.map(formatted, num_parallel_calls=tf.data.AUTOTUNE)

    return question_and_answers, seqio.preprocessors.tokenize


def postprocess(
    target: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> Any:
    """The `Accepted` of an example; a generated answer passes."""
    if not is_target or example is None:
        return target
    answers = tuple(bytes(answer).decode() for answer in example["answers"])
    return Accepted(bytes(example["item"]).decode(), answers)


def add_task(
    name: str,
    source: seqio.DataSource,
    prompt: Prompt,
    *,
    category: str,
    metric: Metric,
    sampling: Sampling,
    shots: int = 0,
    convention: str = "",
) -> seqio.Task:
    """Registers a Task with SeqIO, and what the suite has to know about it.

    `metric` is one of this module's, or one like them. `shots`: solved examples before each
    question; the source is then a `EvaluationSet`.
    """
    if shots:
        source = few_shot.with_solved(source, shots, functools.partial(solved_example, prompt))
        prompt = functools.partial(_after_solved, prompt)
    declare(name, TaskInfo(category, KIND, convention=convention, sampling=sampling))
    return seqio.TaskRegistry.add(
        name,
        source=source,
        preprocessors=preprocessors(prompt),
        output_features=few_shot.evaluation_features(),
        postprocess_fn=postprocess,
        metric_fns=[metric],
    )


def solved_example(prompt: Prompt, row: Row) -> str:
    """A row as it stands before other questions: with the first of its accepted answers."""
    return f"{few_shot.as_text(prompt(few_shot.as_tensors(row)))} {row['answers'][0]}"


def _after_solved(prompt: Prompt, row: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.strings.join([row["solved"], prompt(row)])


def trivia_qa(targets, predictions) -> dict[str, float]:
    """Exact match and token F1 as TriviaQA's own script computes them, in fractions of 1."""
    return _by_t5(trivia_qa, t5.evaluation.metrics.trivia_qa, targets, predictions)


def squad(targets, predictions) -> dict[str, float]:
    """Exact match and token F1 as SQuAD's own script computes them, in fractions of 1."""
    return _by_t5(squad, t5.evaluation.metrics.squad, targets, predictions)


def exact(targets, predictions) -> dict[str, float]:
    """Exact match of the text as it stands, without the white space around it."""
    right = [
        prediction.strip() in {answer.strip() for answer in comparable(exact, target)}
        for target, prediction in zip(targets, predictions, strict=True)
    ]
    return {EXACT_MATCH: float(np.mean(right))}


def last_number(targets, predictions) -> dict[str, float]:
    """Whether the last number of the text has the value of that of an accepted answer."""
    right = []
    for target, prediction in zip(targets, predictions, strict=True):
        said = number_at_the_end(prediction)
        wanted = [number_at_the_end(answer) for answer in as_accepted(target).answers]
        right.append(said is not None and said in wanted)
    return {EXACT_MATCH: float(np.mean(right))}


def _by_t5(
    ours: Metric, theirs: Metric, targets: Sequence[Any], predictions: Sequence[str]
) -> dict[str, float]:
    accepted = [comparable(ours, target) for target in targets]
    asked = [number for number, answers in enumerate(accepted) if answers]
    if not asked:
        return {EXACT_MATCH: 0.0, "f1": 0.0}
    percent = theirs([accepted[n] for n in asked], [predictions[n] for n in asked])
    share = len(asked) / len(accepted)  # the rest are wrong, whatever was said
    return {EXACT_MATCH: percent["em"] / 100 * share, "f1": percent["f1"] / 100 * share}


def comparable(metric: Metric, target: Any) -> tuple[str, ...]:
    """The accepted answers of which something is left in the form that `metric` compares.

    All of them for a metric that is not of this module.
    """
    answers = as_accepted(target).answers
    if metric is trivia_qa:
        form: Callable[[str], Any] = t5.evaluation.qa_utils.normalize_trivia_qa
    elif metric is squad:
        form = t5.evaluation.qa_utils.normalize_squad
    elif metric is exact:
        form = str.strip
    elif metric is last_number:
        form = _number_text
    else:
        return answers
    return tuple(answer for answer in answers if form(answer))


def _number_text(answer: str) -> str:
    number = number_at_the_end(answer)
    return "" if number is None else str(number)


def as_accepted(target: Any, number: int = 0) -> Accepted:
    """An `Accepted` from what a Task's postprocessor gave: `postprocess`, or a string or several.

    Strings do not say the id: the item is named by its number. Raises UserError for the rest.
    """
    if isinstance(target, Accepted):
        return target
    answers = (target,) if isinstance(target, str) else target
    if isinstance(answers, Sequence) and answers and all(isinstance(a, str) for a in answers):
        return Accepted(str(number), tuple(answers))
    raise UserError(
        "the targets of a task with generated answers must be postprocessed into a string, a list "
        f"of strings or an answers.Accepted; this one gives {target!r}."
    )


OWN_METRICS = (trivia_qa, squad, exact, last_number)
"""The metrics of this module."""

PREFERRED = (EXACT_MATCH, "em", "accuracy", "sequence_accuracy")
"""Metrics that say how much of an answer is right, ours in fractions of 1 and t5's in percent."""


def correct_per_item(
    metrics: Sequence[Metric], targets: Sequence[Any], predictions: Sequence[Any]
) -> tuple[Float[np.ndarray, " items"], str]:
    """(score of each item from 0 to 1, a note): a Task's metric applied to one item at a time.

    It is the first of `PREFERRED`, else the first that finds single items either right or wrong;
    and its mean over single items must be its value on all of them, so that a mean of these scores
    is the Task's own. Where there is no such metric the scores are NaN, and the note says so.
    """
    found: dict[str, np.ndarray] = {}
    for metric in metrics:
        whole = metric(list(targets), list(predictions))
        try:
            singles = [metric([t], [p]) for t, p in zip(targets, predictions, strict=True)]
            scores = {name: np.array([one[name] for one in singles], float) for name in whole}
        except (ArithmeticError, KeyError, TypeError, ValueError):
            continue  # it has no meaning for one item
        for name, score_I in scores.items():
            scale = 100.0 if score_I.max() > 1 else 1.0
            is_mean = np.isclose(score_I.mean(), float(whole[name]), rtol=1e-5, atol=1e-8)
            right_or_wrong = np.isin(score_I, (0.0, scale)).all()
            if is_mean and (right_or_wrong or name in PREFERRED):
                found[name] = score_I / scale
    for name in (*PREFERRED, *found):
        if name in found:
            return found[name], ""
    note = "its metrics do not find single items right or wrong, so that these have no score"
    return np.full(len(targets), np.nan), note


class AnswersMeasure:
    """A Task with an example for each item, and metric_fns that compare predictions."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if nothing compares its answers, or what does fails."""
        self._task, self._prompts = task, Prompts(task)
        self._functions = task.task.predict_metric_fns
        if not self._functions:
            raise UserError(
                f"evaluation task {task.name!r} generates answers, but has no "
                "metric_fn(targets, predictions): give it one."
            )
        # As if nothing were answered: what is wrong is found here, not after training.
        try:
            task.metrics(self._functions, self._predictions([""] * len(task.examples)))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UserError(
                f"the metric_fns of evaluation task {task.name!r} fail on empty answers: {error!r}"
            ) from error

    @property
    def work(self) -> int:
        """Answers to generate."""
        return self._prompts.work

    def describe(self) -> dict:
        """Says nothing of chance: guessing is hardly ever right."""
        return self._prompts.describe(KIND.name, notes=self._notes())

    def _notes(self) -> list[str]:
        """Items that no answer can be right for, and items that an empty answer is right for."""
        notes, targets = [], self._task.targets
        own = [function for function in self._functions if function in OWN_METRICS]
        empty = [t for t in targets if any(not comparable(metric, t) for metric in own)]
        if empty:
            example = as_accepted(empty[0]).answers[0]
            notes.append(
                f"{len(empty)} of {len(targets)} items have no answer that can be compared, such "
                f"as {example!r}, of which nothing is left: they count as wrong"
            )
        correct, _ = correct_per_item(
            self._functions, targets, self._predictions([""] * len(targets))
        )
        unasked = int((correct > 0).sum())
        if unasked:
            notes.append(
                f"{unasked} of {len(targets)} items call an empty answer right, by the task's own "
                "metric"
            )
        return notes

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Generates an answer to each prompt, and has it judged."""
        items = self._prompts.table(self._prompts.answer(engine, advance))
        predictions = self._predictions(items["prediction"])
        metrics = self._task.metrics(self._functions, predictions)
        correct, note = correct_per_item(self._functions, self._task.targets, predictions)
        return Outcome(items.assign(correct=correct), metrics, (note,) if note else ())

    def _predictions(self, texts: Iterable[str]) -> list:
        return [
            self._task.postprocess(text, example)
            for text, example in zip(texts, self._task.examples, strict=True)
        ]


KIND = Kind(
    name="exact_match",
    title="exact match",
    score="correct",
    columns=("correct",),
    generates=True,
    chance="",
    how=("Exact match = share of items whose generated answer the task's own metric calls right."),
    measure=AnswersMeasure,
    settings=sampling_settings,
)
