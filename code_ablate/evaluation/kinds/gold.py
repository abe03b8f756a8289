"""Bits per byte of the right continuation, given the prompt: for answers that are long, or open.

    rows = EvaluationSet("proofs", file="proofs.jsonl", fields=("problem", "proof"), form="text")
    add_task("my.proofs", rows, lambda row: (row["problem"], " " + row["proof"]),
             category="mathematics")
    items = score_items(targets, scores, greedy)       # one row per item
    means(items)["bits_per_byte"]

`prompt` maps a row to (context, continuation); the continuation brings its leading space. The score
is the log-likelihood of the continuation given the context, summed over its tokens, in nats. Both
are tokenised apart, without EOS. An item counts as correct when greedy decoding would give exactly
the continuation, as LAMBADA's accuracy is defined.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from etils import epy
from jaxtyping import Bool, Float

from code_ablate.errors import UserError
from code_ablate.evaluation import few_shot
from code_ablate.evaluation.declarations import TaskInfo, declare, no_settings
from code_ablate.evaluation.kinds.continuations import Continuations, repeated_note
from code_ablate.evaluation.kinds.own_metrics import PREFIX, apply_metrics
from code_ablate.evaluation.measure import Advance, Engine, Kind, Outcome

with epy.lazy_imports():  # facts of the kinds are read where these are not installed
    import pandas as pd
    import seqio
    import tensorflow as tf

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask
    from code_ablate.evaluation.sets.origins import Row

    Prompt = Callable[[Mapping[str, tf.Tensor]], tuple[tf.Tensor, tf.Tensor]]


class Gold(NamedTuple):
    """One item, as the metric sees it: what `postprocess` makes of an example."""

    item: str
    """Id of the item."""

    bytes: int
    """UTF-8 bytes of the continuation, with its leading space."""


def preprocessors(prompt: Prompt) -> tuple[Callable[..., tf.data.Dataset], ...]:
    """Preprocessors of a Task whose rows are as `EvaluationSet` yields them."""

    def context_and_continuation(dataset: tf.data.Dataset) -> tf.data.Dataset:
        def formatted(row):
            context, continuation = prompt(row)
            size = tf.strings.length(continuation, "BYTE")
            return {"inputs": context, "targets": continuation, "item": row["id"], "bytes": size}

        return dataset.map(formatted, num_parallel_calls=tf.data.AUTOTUNE)

    return context_and_continuation, seqio.preprocessors.tokenize


def postprocess(
    target: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> Any:
    """The `Gold` of an example; anything else passes."""
    if not is_target or example is None:
        return target
    return Gold(bytes(example["item"]).decode(), int(example["bytes"]))


def add_task(
    name: str,
    source: seqio.DataSource,
    prompt: Prompt,
    *,
    category: str,
    shots: int = 0,
    convention: str = "",
) -> seqio.Task:
    """Registers a Task with SeqIO, and what the suite has to know about it.

    `shots`: solved examples before each context; the source is then an `EvaluationSet`.
    """
    if shots:
        source = few_shot.with_solved(source, shots, functools.partial(solved_example, prompt))
        prompt = functools.partial(_after_solved, prompt)
    declare(name, TaskInfo(category, KIND, convention=convention))
    return seqio.TaskRegistry.add(
        name,
        source=source,
        preprocessors=preprocessors(prompt),
        output_features=few_shot.evaluation_features(),
        postprocess_fn=postprocess,
        metric_fns=[gold_bits_per_byte],
    )


def solved_example(prompt: Prompt, row: Row) -> str:
    """A row as it stands before other questions: context and continuation."""
    return few_shot.as_text(tf.strings.join(prompt(few_shot.as_tensors(row))))


def _after_solved(prompt: Prompt, row: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    context, continuation = prompt(row)
    return tf.strings.join([row["solved"], context]), continuation


def score_items(
    targets: Sequence[Any],
    scores: Sequence[float] | Float[np.ndarray, " items"],
    greedy: Sequence[bool] | Bool[np.ndarray, " items"],
) -> pd.DataFrame:
    """Scores per item: item; bits (-log2 p of the continuation); bytes (of it); correct (1 or 0).

    `greedy` says whether every token of the continuation is the likeliest one. Raises ValueError
    for lengths that differ and scores that are not finite, UserError for targets of other tasks.
    """
    if not len(targets) == len(scores) == len(greedy):
        raise ValueError(f"{len(targets)} items, but {len(scores)} scores, {len(greedy)} marks.")
    wrong = [target for target in targets if not isinstance(target, Gold)]
    if wrong:
        raise UserError(
            f"a task of this kind must be postprocessed by gold.postprocess: {wrong[0]!r}."
        )
    score_I = np.asarray(scores, float)
    if not np.isfinite(score_I).all():
        first = targets[int((~np.isfinite(score_I)).argmax())].item
        raise ValueError(f"item {first!r} has a score that is not finite.")
    return pd.DataFrame(
        {
            "item": [target.item for target in targets],
            "bits": -score_I / np.log(2),
            "bytes": [float(target.bytes) for target in targets],
            "correct": np.asarray(greedy, float),
        }
    )


def means(items: pd.DataFrame) -> dict[str, float]:
    """Bits per byte over all items together, and the fraction that greedy decoding would give."""
    return {
        "bits_per_byte": float(items["bits"].sum() / items["bytes"].sum()),
        "accuracy": float(items["correct"].mean()),
    }


def gold_bits_per_byte(targets, scores) -> dict[str, float]:
    """The SeqIO metric function: bits per byte; the scores alone do not say what is likeliest."""
    items = score_items(targets, scores, np.zeros(len(targets), bool))
    return {"bits_per_byte": means(items)["bits_per_byte"]}


class GoldMeasure:
    """A Task with an example for each item, whose target is the right answer."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if it cannot be scored, or has an id twice."""
        self._task, self._continuations = task, Continuations(task)
        task.item_names()  # raises where one is there twice

    @property
    def work(self) -> int:
        """Requests, in pieces that the model sees at once."""
        return self._continuations.work

    def describe(self) -> dict:
        """There is no chance level: any text has some probability."""
        requests = self._continuations.requests
        notes = repeated_note([request.tokens.tobytes()] for request in requests)
        return self._continuations.describe(KIND.name, notes=notes)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Scores the right answers; one is `correct` if each of its tokens was the likeliest."""
        scores, greedy = engine.scorer.score_greedy(self._continuations.requests, advance)
        items = score_items(self._task.targets, scores, greedy)
        functions, targets = self._task.task.score_metric_fns, self._task.targets
        found = apply_metrics(functions, targets, scores)
        own = [function for function in functions if function is not gold_bits_per_byte]
        mine = apply_metrics(own, targets, scores).items
        columns = {PREFIX + name: score_I for name, score_I in mine.items()}
        return Outcome(items.assign(**columns), dict(found.whole), found.notes, tuple(mine))


KIND = Kind(
    name="gold_bits_per_byte",
    title="gold bits per byte",
    score="bits",
    # `correct` says that greedy decoding would give exactly the continuation.
    columns=("bits", "correct"),
    generates=False,
    chance="",
    how=(
        "Gold bits per byte = bits of the right answers, given their prompts / bytes of the right "
        "answers; greedy decoding gives a right answer if each of its tokens is the likeliest."
    ),
    measure=GoldMeasure,
    settings=no_settings,
)
