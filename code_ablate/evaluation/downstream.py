"""One downstream SeqIO Task, run through seqio.Evaluator with our scorer.

    task = DownstreamTask.load("arc_easy", vocabulary, split="validation", max_items=500, seed=0)
    items, metrics = task.evaluate(scorer)

A Task that was written for T5X works: its vocabulary is replaced by the model's, its metric_fns are
called with log-likelihoods. Rows per item are kept for Tasks that rank continuations.
"""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seqio
import tensorflow as tf

from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation import rank_classification, registry
from code_ablate.evaluation.scoring import Request, Scorer

_SERIAL = itertools.count()


@dataclass(frozen=True)
class DownstreamTask:
    """A Task with its examples in memory, tokenised with the model's vocabulary."""

    name: str
    evaluator: seqio.Evaluator
    requests: tuple[Request, ...]
    """One per example of the Task (for rank classification: per item and choice)."""
    targets: tuple
    """What the Task's postprocessor makes of each example; argument of its metric_fns."""
    items: int
    available: int
    """Items in the split, of which `items` are used."""
    cropped: int
    """Examples longer than what the model sees at once: they lose context, from the left."""

    @classmethod
    def load(
        cls,
        name: str,
        vocabulary: Vocabulary,
        *,
        split: str,
        max_items: int,
        seed: int,
        longest: int,
    ) -> "DownstreamTask":
        """Reads and tokenises the Task. Raises UserError if it cannot be scored.

        `longest`: tokens that the model sees at once, to count the examples that have more.
        """
        task = seqio.TaskRegistry.get(name)
        _require_scores(task, split)
        sample = _Sample(max_items, seed)
        features = {
            key: _with_vocabulary(feature, vocabulary)
            for key, feature in task.output_features.items()
        }
        variant = task.replace(
            name=f"{name}__{next(_SERIAL)}",
            output_features=features,
            preprocessors=[sample, *task.preprocessors],
        )
        with _registered(variant), _quiet():
            evaluator = seqio.Evaluator(
                variant.name,
                feature_converter=seqio.PrefixLMFeatureConverter(pack=False),
                eval_split=split,
                async_compute_metrics=False,
            )
        # The Task's own examples, not those of the feature converter: these are not padded.
        examples = list(evaluator.cached_task_datasets[variant.name].as_numpy_iterator())
        if not examples:
            raise UserError(f"evaluation task {name!r} has no examples in its {split!r} split.")
        requests = tuple(_request(name, example, vocabulary.eos_id) for example in examples)
        return cls(
            name,
            evaluator,
            requests,
            _choices(task, examples),
            sample.used,
            sample.available,
            cropped=sum(len(request.tokens) > longest for request in requests),
        )

    def evaluate(
        self, scorer: Scorer, advance: Callable[[int], object] = lambda done: None
    ) -> tuple[pd.DataFrame, dict[str, float]]:
        """(table with a row per item, what the Task's metric_fns return)."""
        (task,) = self.evaluator.eval_tasks

        def score(dataset, model_feature_shapes=None) -> list[tuple[int, float]]:
            del dataset, model_feature_shapes  # read once, by `load`
            scores = scorer.score(self.requests, advance)
            return list(enumerate(scores.tolist()))

        with _quiet():
            metrics, outputs = self.evaluator.evaluate(compute_metrics=True, score_fn=score)
        summary = {key: float(value) for key, value in metrics.result()[task.name].items()}
        scores = next(iter(outputs[task.name].values()))
        items = rank_classification.score_items(self.targets, scores)
        info = registry.info(self.name)
        items.insert(0, "task", self.name)
        items.insert(1, "category", info.category if info else "other")
        items.insert(2, "kind", registry.RANKED)
        return items, summary

    def describe(self) -> dict:
        """Category, chance level and numbers of items."""
        info = registry.info(self.name)
        choices = rank_classification.choices_per_item(self.targets)
        return {
            "category": info.category if info else "other",
            "kind": registry.RANKED,
            "chance": float(np.mean(1 / choices)),
            "items": self.items,
            "available": self.available,
            "examples": len(self.requests),
            "cropped": self.cropped,
        }


def _require_scores(task: seqio.Task, split: str) -> None:
    if split not in task.splits:
        raise UserError(
            f"evaluation task {task.name!r} has splits {list(task.splits)}, not {split!r}."
        )
    if not task.score_metric_fns:
        raise UserError(
            f"evaluation task {task.name!r} has no metric_fn(targets, scores): only tasks that "
            "rank continuations by their likelihood can be evaluated."
        )
    if set(task.output_features) != {"inputs", "targets"}:
        raise UserError(
            f"evaluation task {task.name!r} has features {sorted(task.output_features)}; "
            "it needs 'inputs' and 'targets'."
        )


def _with_vocabulary(feature: seqio.Feature, vocabulary: Vocabulary) -> seqio.Feature:
    return seqio.Feature(
        vocabulary=vocabulary.seqio,
        add_eos=False,  # a continuation is scored as it stands, not together with its end
        required=feature.required,
        dtype=feature.dtype,
        rank=feature.rank,
    )


class _Sample:
    """A first preprocessor that keeps a seeded choice of the source's rows, and counts them."""

    def __init__(self, max_items: int, seed: int):
        self._max_items, self._seed = max_items, seed
        self.available = self.used = 0

    def __call__(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        self.available = int(dataset.reduce(np.int64(0), lambda n, _: n + 1))
        self.used = min(self.available, self._max_items)
        if self.used == self.available:
            return dataset
        chosen = np.zeros(self.available, bool)
        chosen[np.random.default_rng(self._seed).permutation(self.available)[: self.used]] = True
        keep = tf.constant(chosen)
        return dataset.enumerate().filter(lambda i, _: keep[i]).map(lambda _, row: row)


def _request(name: str, example: Mapping[str, np.ndarray], eos_id: int) -> Request:
    """Context and continuation, after the EOS that comes before every document."""
    context, continuation = example["inputs"], example["targets"]
    if not len(continuation):
        raise UserError(f"evaluation task {name!r} has an example with an empty continuation.")
    tokens = np.concatenate([[eos_id], context, continuation]).astype(np.int32)
    return Request(tokens, first=1 + len(context))


def _choices(
    task: seqio.Task, examples: Sequence[Mapping]
) -> tuple[rank_classification.Choice, ...]:
    """What is ranked, with the bytes of each continuation. Raises UserError if it cannot be."""
    choices = []
    for example in examples:
        target = example["targets"]
        if task.postprocessor is not None:
            target = task.postprocess_fn(target, example=example, is_target=True)
        choice = rank_classification.as_choice(target)
        if np.isnan(choice.bytes) and "targets_pretokenized" in example:
            choice = choice._replace(bytes=len(example["targets_pretokenized"]))
        choices.append(choice)
    # Ranked once with scores that say nothing: what is wrong is found here, not after training.
    try:
        items = rank_classification.score_items(choices, np.zeros(len(choices)))
    except ValueError as error:
        raise UserError(f"evaluation task {task.name!r} cannot be ranked: {error}") from error
    repeated = items["item"][items["item"].duplicated()]
    if len(repeated):
        raise UserError(
            f"evaluation task {task.name!r} has more than one item with the id "
            f"{repeated.iloc[0]!r}: give each row an id of its own."
        )
    return tuple(choices)


@contextlib.contextmanager
def _registered(task: seqio.Task) -> Iterator[None]:
    """seqio.Evaluator finds its Task by name."""
    seqio.TaskRegistry.add_provider(task.name, task)
    try:
        yield
    finally:
        seqio.TaskRegistry.remove(task.name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """SeqIO logs every evaluation at length through absl."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
