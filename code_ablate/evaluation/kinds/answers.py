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
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from etils import epy
from jaxtyping import Float

from code_ablate.errors import UserError
from code_ablate.evaluation import few_shot
from code_ablate.evaluation.declarations import TaskInfo, declare, sampling_settings
from code_ablate.evaluation.kinds.numbers import number_at_the_end
from code_ablate.evaluation.kinds.own_metrics import (
    PREFIX,
    MetricScores,
    apply_metrics,
    as_shares,
)
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Expected, Kind, Outcome
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
    question; the source is then an `EvaluationSet`.
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
    """Exact match of the text as it stands, without the white space around it.

    A letter with its accent is one text, whether it is one code point or two (Unicode's NFC).
    """
    right = [
        _nfc(prediction.strip()) in {_nfc(answer.strip()) for answer in comparable(exact, target)}
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
    percent = theirs(
        [tuple(map(_nfc, accepted[n])) for n in asked], [_nfc(predictions[n]) for n in asked]
    )
    share = len(asked) / len(accepted)  # the rest are wrong, whatever was said
    return {EXACT_MATCH: percent["em"] / 100 * share, "f1": percent["f1"] / 100 * share}


def _nfc(text: str) -> str:
    """The text with letters and their accents composed: equal texts are equal strings."""
    return unicodedata.normalize("NFC", text)


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
        form = _has_number
    else:
        return answers
    return tuple(answer for answer in answers if form(answer))


def _has_number(answer: str) -> bool:
    return number_at_the_end(answer) is not None


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


def correct_per_item(
    metrics: Sequence[Metric], targets: Sequence[Any], predictions: Sequence[str]
) -> tuple[Float[np.ndarray, " items"], str]:
    """(score of each item from 0 to 1, a note): by the first metric that has one for each.

    Scores are NaN where it has another range, and where there is no such metric; then the note says
    so. See `own_metrics`.
    """
    return _correct(apply_metrics(metrics, targets, predictions), len(targets))


def _correct(found: MetricScores, items: int) -> tuple[Float[np.ndarray, " items"], str]:
    for name, score_I in found.items.items():
        shares = as_shares(name, score_I)
        return np.full(items, np.nan) if shares is None else shares, ""
    return np.full(items, np.nan), "its metrics have no score for single items, only for all"


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
            apply_metrics(
                self._functions, task.targets, self._predictions([""] * len(task.targets))
            )
        except UserError as error:
            raise UserError(f"evaluation task {task.name!r}: {error}") from error
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
        targets, predictions = self._task.targets, self._predictions(items["prediction"])
        found = apply_metrics(self._functions, targets, predictions)
        correct, note = _correct(found, len(targets))
        columns = {PREFIX + name: score_I for name, score_I in found.items.items()}
        notes = (*found.notes, *((note,) if note else ()))
        items = items.assign(correct=correct, **columns)
        return Outcome(items, dict(found.whole), notes, tuple(found.items))

    def _predictions(self, texts: Iterable[str]) -> list:
        return [
            self._task.postprocess(text, example)
            for text, example in zip(texts, self._task.examples, strict=True)
        ]


def _expected(target: Any, number: int, text: str) -> Expected:
    """All accepted answers."""
    del text
    item = str(getattr(target, "item", number))
    return Expected(item, as_accepted(target, number).answers, True)


KIND = Kind(
    name="exact_match",
    title="exact match",
    score="correct",
    columns=("correct",),
    generates=True,
    chance="",
    how=(
        "Exact match = share of items whose generated answer the task's own metric calls right; a "
        "metric of another name keeps it, and is the mean of its scores of single items."
    ),
    measure=AnswersMeasure,
    settings=sampling_settings,
    expected=_expected,
)
