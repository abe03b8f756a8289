"""Open-ended tasks: a prompt without a right answer. What a model writes is kept for a judge.

    add_task("my.prompts", EvaluationSet("my_prompts", file="prompts.jsonl", fields=("prompt",),
             form="text"), lambda row: row["prompt"], category="open_ended")
    items = score_items(targets, completions)         # one row per item

A pre-trained model that was never taught to follow instructions is given the request in a frame,
`FRAME`, which makes an answer the likely continuation; it stops where it would begin another
request. What comes of the answers is in code_ablate.evaluation.judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from etils import epy

from code_ablate.errors import UserError
from code_ablate.evaluation import few_shot
from code_ablate.evaluation.declarations import TaskInfo, declare, sampling_settings
from code_ablate.evaluation.kinds.own_metrics import PREFIX, apply_metrics
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Expected, Kind, Outcome
from code_ablate.evaluation.sampling import Completion, Sampling

with epy.lazy_imports():  # facts of the kinds are read where these are not installed
    import pandas as pd
    import seqio
    import tensorflow as tf

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask

    Prompt = Callable[[Mapping[str, tf.Tensor]], tf.Tensor]

FRAME = ("Instruction: ", "\nResponse:")
"""Stand before and after the request."""

SAMPLING = Sampling(max_tokens=256, stop=("\nInstruction:",))
"""Greedy, so that the answers of two models differ by their parameters alone."""


class Asked(NamedTuple):
    """What `postprocess` makes of an example."""

    item: str
    """Id of the item."""

    prompt: str
    """The request, as a judge sees it."""

    input: str
    """The request, as the model is given it."""

    group: str
    """Sort of request, by which win rates are told apart; empty where there is none."""


def _no_group(row: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """All requests are of one sort."""
    del row
    return tf.constant("")


def preprocessors(
    prompt: Prompt, group: Prompt = _no_group
) -> tuple[Callable[..., tf.data.Dataset], ...]:
    """Preprocessors of a Task whose rows have an "id" and what `prompt` makes a request of.

    `group` names the sort of request that a row is.
    """

    def in_a_frame(dataset: tf.data.Dataset) -> tf.data.Dataset:
        def framed(row):
            request = prompt(row)
            return {
                "inputs": tf.strings.join([FRAME[0], request, FRAME[1]]),
                "targets": "",  # nothing is right
                "item": row["id"],
                "prompt": request,
                "group": group(row),
            }

        return dataset.map(framed, num_parallel_calls=tf.data.AUTOTUNE)

    return (in_a_frame, seqio.preprocessors.tokenize)


def postprocess(
    target: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> Any:
    """The `Asked` of an example; a model's answer passes.

    Raises UserError for text that is not UTF-8.
    """
    if not is_target or example is None:
        return target
    fields = ("item", "prompt", "inputs_pretokenized", "group")
    try:
        return Asked(*(bytes(example[name]).decode() for name in fields))
    except UnicodeDecodeError as error:
        item = bytes(example["item"]).decode(errors="replace")
        raise UserError(
            f"item {item!r} of an open-ended task is not UTF-8 ({error}): mend its data."
        ) from None


def add_task(
    name: str,
    source: seqio.DataSource,
    prompt: Prompt,
    *,
    category: str,
    group: Prompt = _no_group,
    sampling: Sampling = SAMPLING,
    convention: str = "",
) -> seqio.Task:
    """Registers an open-ended Task with SeqIO, and what the suite has to know about it.

    `group` names the sort of request that a row is: win rates are given for each as well.
    """
    info = TaskInfo(category, KIND, convention=convention, sampling=sampling)
    declare(name, info)
    return seqio.TaskRegistry.add(
        name,
        source=source,
        preprocessors=preprocessors(prompt, group),
        output_features=few_shot.evaluation_features(),
        postprocess_fn=postprocess,
        metric_fns=[answer_length],
    )


def score_items(targets: Sequence[Asked], completions: Sequence[Completion]) -> pd.DataFrame:
    """One row per item, in the order of the items: what a judge will be shown.

    Columns: item; prompt, input and group (see `Asked`); prediction (the answer as generated,
    white space and all); generated_tokens; ended_by. Raises ValueError if the lengths differ.
    """
    rows = [
        (*target, answer.text, answer.tokens, answer.ended_by)
        for target, answer in zip(targets, completions, strict=True)
    ]
    return pd.DataFrame(
        rows, columns=[*Asked._fields, "prediction", "generated_tokens", "ended_by"]
    )


def answer_length(targets: Sequence[Asked], predictions: Sequence[str]) -> dict[str, float]:
    """The SeqIO metric function: mean length of the answers, and the share that is empty."""
    del targets
    characters = [len(answer.strip()) for answer in predictions]
    return {
        "characters": float(np.mean(characters)),
        "empty": float(np.mean([length == 0 for length in characters])),
    }


class OpenEndedMeasure:
    """A Task whose targets are requests, without right answers."""

    def __init__(self, task: LoadedTask):
        """Raises UserError for an id that is there twice."""
        self._task, self._prompts = task, Prompts(task)

    @property
    def work(self) -> int:
        """Answers to generate."""
        return self._prompts.work

    def describe(self) -> dict:
        """There is no score, and so no chance level."""
        return self._prompts.describe(KIND.name)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Generates an answer to each prompt."""
        first = [answers[0] for answers in self._prompts.answer(engine, advance)]
        items = score_items(self._task.targets, first)
        functions = self._task.task.predict_metric_fns
        texts = [completion.text for completion in first]
        found = apply_metrics(functions, self._task.targets, texts)
        own = [function for function in functions if function is not answer_length]
        mine = apply_metrics(own, self._task.targets, texts).items
        items = items.assign(**{PREFIX + name: score_I for name, score_I in mine.items()})
        items = items.astype({"generated_tokens": float})
        return Outcome(items, dict(found.whole), found.notes, tuple(mine))


def _expected(target: Any, number: int, text: str) -> Expected:
    """Nothing that is known to be right."""
    del text
    return Expected(str(getattr(target, "item", number)), (), True)


KIND = Kind(
    name="open_ended",
    title="open-ended",
    score=None,
    columns=("generated_tokens",),
    generates=True,
    chance="",
    how="Open-ended answers have no score of their own: only a judge can tell.",
    measure=OpenEndedMeasure,
    settings=sampling_settings,
    expected=_expected,
)
