"""Tasks through seqio.Evaluator, with a scorer that is a table."""

import dataclasses

import numpy as np
import pytest
import seqio
import t5.data
import t5.evaluation.metrics
import tensorflow as tf

from code_ablate.errors import UserError
from code_ablate.evaluation.downstream import DownstreamTask

QUESTIONS = ["the sky is", "grass is", "snow is"]
ANSWERS = [[" blue", " green"], [" red", " green"], [" white", " black"]]
GOLD = [0, 1, 0]


@dataclasses.dataclass(frozen=True)
class Bytes:
    """A vocabulary in which id 0 is an ordinary token: byte b has the id b - 32."""

    eos_id: int = 200

    @property
    def seqio(self):
        return ShiftedBytes()


class ShiftedBytes(seqio.ByteVocabulary):
    def _encode(self, s):
        return [b - 32 for b in s.encode()]

    def _encode_tf(self, s):
        return tf.cast(tf.io.decode_raw(s, tf.uint8), tf.int32) - 32


class Table:
    """Scores by what is scored: the likelier, the earlier in the alphabet."""

    def __init__(self):
        self.seen = []

    def score(self, requests, advance=None):
        self.seen = list(requests)
        return np.array([-float(r.tokens[r.first + 1]) for r in requests])


def register(name, ids=None, **kwargs):
    def rows(split, shuffle_files, seed=None):
        return tf.data.Dataset.from_tensor_slices(
            {"question": QUESTIONS, "answers": ANSWERS, "gold": GOLD}
        )

    features = {
        key: seqio.Feature(seqio.ByteVocabulary(), add_eos=False) for key in ("inputs", "targets")
    }
    defaults = {
        "source": seqio.FunctionDataSource(rows, splits=("validation",)),
        "preprocessors": [
            lambda ds: t5.data.preprocessors.rank_classification(
                ds,
                inputs_fn=lambda row: tf.fill([2], row["question"]),
                targets_fn=lambda row: row["answers"],
                is_correct_fn=lambda row: tf.one_hot(row["gold"], 2),
            ),
            seqio.preprocessors.tokenize,
        ],
        "postprocess_fn": t5.data.postprocessors.rank_classification,
        "metric_fns": [t5.evaluation.metrics.rank_classification],
        "output_features": features,
    }
    seqio.TaskRegistry.add(name, **{**defaults, **kwargs})
    return name


def load(name, **kwargs):
    defaults = {"split": "validation", "max_items": 10, "seed": 0, "longest": 64}
    return DownstreamTask.load(name, Bytes(), **{**defaults, **kwargs})


@pytest.fixture(scope="module")
def t5x_task():
    return register("test_downstream_t5x")


def test_a_rank_task_written_for_t5x_is_scored_per_item(t5x_task):
    task, scorer = load(t5x_task), Table()
    items, metrics = task.evaluate(scorer)
    # " blue" before " green", " green" before " red", " black" before " white"
    assert list(items.correct) == [1, 1, 0]
    assert metrics["accuracy"] == pytest.approx(200 / 3)
    assert list(items.bytes) == [5, 6, 6]
    assert np.isfinite(items.correct_per_byte).all()
    assert task.describe()["chance"] == 0.5


def test_a_token_with_id_0_is_a_token_like_others(t5x_task):
    scorer = Table()
    load(t5x_task).evaluate(scorer)
    # The space has id 0; it stands in every context and begins every continuation.
    request = scorer.seen[0]
    assert request.tokens[0] == 200
    assert bytes((request.tokens[1 : request.first] + 32).tolist()).decode() == "the sky is"
    assert bytes((request.tokens[request.first :] + 32).tolist()).decode() == " blue"


def test_a_seeded_choice_of_items_is_counted(t5x_task):
    task = load(t5x_task, max_items=2)
    assert (task.items, task.available, len(task.requests)) == (2, 3, 4)


def test_examples_that_lose_context_are_counted(t5x_task):
    assert load(t5x_task, longest=13).cropped == 5  # all but "grass is red"
    assert load(t5x_task).describe()["cropped"] == 0


def test_bad_tasks_are_refused_when_they_are_loaded():
    unranked = register("test_downstream_unranked", postprocess_fn=lambda x, **kwargs: "text")
    with pytest.raises(UserError, match="rank"):
        load(unranked)
    with pytest.raises(UserError, match="splits"):
        load(unranked, split="test")

    def predictions(targets, predictions):
        return {}

    with pytest.raises(UserError, match="only tasks that rank"):
        load(register("test_downstream_predicts", metric_fns=[predictions]))
