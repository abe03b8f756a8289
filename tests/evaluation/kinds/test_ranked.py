import importlib.resources

import numpy as np
import pandas as pd
import pytest
import scipy.special
import seqio
import t5.data.postprocessors
import t5.data.preprocessors
import t5.evaluation.metrics
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.errors import UserError
from code_ablate.evaluation import declarations, few_shot, kinds
from code_ablate.evaluation.kinds import ranked as rc

# SeqIO's own small model, for its tests.
PIECES = str(
    importlib.resources.files("seqio") / "test_data" / "sentencepiece" / "sentencepiece.model"
)

ROWS = [
    {"id": "a", "q": "Ä?", "choices": ["x", "längst", "zz"], "gold": 1},
    {"id": "b", "q": "B?", "choices": ["yes", "no"], "gold": 0},
    {"id": "c", "q": "C?", "choices": ["l", "r"], "gold": 1},
]


def source(rows):
    signature = {
        "id": tf.TensorSpec([], tf.string),
        "q": tf.TensorSpec([], tf.string),
        "choices": tf.TensorSpec([None], tf.string),
        "gold": tf.TensorSpec([], tf.int32),
    }
    return seqio.FunctionDataSource(
        lambda split, shuffle_files, seed=None: tf.data.Dataset.from_generator(
            lambda: iter(rows), output_signature=signature
        ),
        splits=["validation"],
    )


def one_context(row):
    return tf.strings.join([row["q"], " A:"]), tf.strings.join([" ", row["choices"]])


def context_per_choice(row):
    """As WinoGrande is scored: the choice stands in the context, the continuation is shared."""
    contexts = tf.strings.join([row["choices"], " because"])
    return contexts, tf.fill(tf.shape(row["choices"]), tf.strings.join([" of ", row["q"]]))


@pytest.fixture
def add_task():
    names = []

    def add(name, prompt, rows=ROWS, **kwargs):
        names.append(name)
        return rc.add_task(name, source(rows), prompt, category="reasoning", **kwargs)

    yield add
    for name in names:
        seqio.TaskRegistry.remove(name)
        declarations.forget(name)


def evaluate(name, score):
    evaluator = seqio.Evaluator(
        name,
        feature_converter=seqio.PrefixLMFeatureConverter(pack=False),
        async_compute_metrics=False,
    )
    metrics, _ = evaluator.evaluate(compute_metrics=True, score_fn=score)
    return metrics.result()[name]


def targets_of(task):
    examples = task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator()
    return [task.postprocess_fn(e["targets"], example=e, is_target=True) for e in examples]


def pretend_score(example):
    """A fake model: minus the sum of the target ids, so that scores depend on the continuation."""
    weights = example["decoder_loss_weights"]
    return -float((example["decoder_target_tokens"] * weights).sum()) / 100


def fake_scores(dataset, model_feature_shapes=None):
    return [(int(i), pretend_score(e)) for i, e in reversed(list(dataset.as_numpy_iterator()))]


def test_examples_of_a_task(add_task):
    task = add_task("test.quiz", one_context, chance=0.4)
    rows = list(task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator())
    vocabulary = task.output_features["targets"].vocabulary
    texts = [
        (vocabulary.decode(r["inputs"].tolist()), vocabulary.decode(r["targets"].tolist()))
        for r in rows
    ]
    assert texts[:3] == [("Ä? A:", " x"), ("Ä? A:", " längst"), ("Ä? A:", " zz")]
    assert [tuple(r["idx"]) for r in rows] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]
    assert targets_of(task)[1] == rc.Choice(
        (0, 1), True, "a", 3, 8
    )  # " längst" is 7 letters, 8 bytes
    expected = declarations.TaskInfo("reasoning", kinds.ranked.KIND, 0.4)
    assert declarations.info("test.quiz") == expected
    assert rc.choices_per_item(targets_of(task)).tolist() == [3, 2, 2]


def test_another_vocabulary_takes_the_place_of_the_registered_one(add_task):
    task = add_task("test.quiz", one_context)
    model = seqio.SentencePieceVocabulary(PIECES)
    features = {k: seqio.Feature(model, add_eos=False) for k in ("inputs", "targets")}
    variant = task.replace(output_features=features)
    for row in variant.get_dataset(None, "validation").as_numpy_iterator():
        for name in features:
            assert row[name].tolist() == model.encode(row[f"{name}_pretokenized"].decode())


@pytest.mark.parametrize("prompt", [one_context, context_per_choice])
def test_through_the_evaluator(add_task, prompt):
    task = add_task("test.quiz", prompt)
    metrics = evaluate("test.quiz", fake_scores)
    targets = targets_of(task)
    scores = [
        -sum(e["targets"].tolist()) / 100
        for e in task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator()
    ]
    assert metrics == pytest.approx(rc.rank_classification(targets, scores))
    assert metrics["accuracy"] == pytest.approx(
        t5.evaluation.metrics.rank_classification(as_t5(targets), scores)["accuracy"] / 100
    )


def test_contexts_that_differ_before_one_continuation(add_task):
    task = add_task("test.partial", context_per_choice)
    rows = list(task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator())
    decode = task.output_features["targets"].vocabulary.decode
    assert [decode(r["inputs"].tolist()) for r in rows[3:5]] == ["yes because", "no because"]
    assert len({decode(r["targets"].tolist()) for r in rows[3:5]}) == 1

    def by_context(dataset, model_feature_shapes=None):
        """Likes short contexts, so that it says "no", "x", and the first of "l" and "r"."""
        causal = [
            (int(i), -float((e["decoder_target_tokens"] > 0).sum()))
            for i, e in dataset.as_numpy_iterator()
        ]
        return causal

    assert evaluate("test.partial", by_context)["accuracy"] == 0.0


def as_t5(targets):
    return [(target.idx, target.is_correct, 1.0, 1) for target in targets]


@st.composite
def scored_items(draw):
    targets, scores = [], []
    for item in range(draw(st.integers(1, 6))):
        choices = draw(st.integers(2, 5))
        gold = draw(st.integers(0, choices - 1))
        for choice in range(choices):
            size = draw(st.integers(1, 30))
            targets.append(rc.Choice((item, choice), choice == gold, f"i{item}", choices, size))
            scores.append(draw(st.floats(-50, 0)))
    order = draw(st.permutations(range(len(targets))))
    return targets, scores, order


@given(scored_items())
@settings(deadline=None, max_examples=100)
def test_scores_agree_with_t5_scipy_and_a_plain_loop(drawn):
    targets, scores, order = drawn
    items = rc.score_items([targets[i] for i in order], np.array(scores)[order])
    metrics = rc.means(items)
    accuracy = t5.evaluation.metrics.rank_classification(as_t5(targets), scores)["accuracy"]
    assert metrics["accuracy"] == pytest.approx(accuracy / 100)

    bits = size = 0.0
    for number, row in items.iterrows():
        mine = [(t, s) for t, s in zip(targets, scores, strict=True) if t.idx[0] == number]
        (gold,) = [t.idx[1] for t, _ in mine if t.is_correct]
        values = np.array([s for _, s in mine])
        lengths = np.array([t.bytes for t, _ in mine])
        assert row["item"] == f"i{number}"
        assert (row["choices"], row["gold"]) == (len(mine), gold)
        assert row["predicted"] == values.argmax()
        assert row["predicted_per_byte"] == (values / lengths).argmax()
        assert row["correct"] == float(values.argmax() == gold)
        assert row["correct_per_byte"] == float((values / lengths).argmax() == gold)
        assert row["bits"] == pytest.approx(-values[gold] / np.log(2))
        assert row["bytes"] == lengths[gold]
        assert row["gold_probability"] == pytest.approx(scipy.special.softmax(values)[gold])
        assert row["margin"] == pytest.approx(values[gold] - np.delete(values, gold).max())
        bits, size = bits + row["bits"], size + row["bytes"]
    assert metrics["bits_per_byte"] == pytest.approx(bits / size)


def test_the_length_in_bytes_decides_per_byte():
    targets = [rc.Choice((0, 0), False, "a", 2, 2), rc.Choice((0, 1), True, "a", 2, 10)]
    items = rc.score_items(targets, [-4.0, -5.0])
    assert items["correct"].tolist() == [0.0]
    assert items["correct_per_byte"].tolist() == [1.0]
    assert items["margin"].tolist() == [-1.0]


def test_columns_are_those_of_the_results_table():
    items = rc.score_items([rc.Choice((0, i), i == 0, "a", 2, 3) for i in range(2)], [-1.0, -2.0])
    assert list(items) == [
        *("item", "choices", "gold", "predicted", "predicted_per_byte", "correct"),
        *("correct_per_byte", "bits", "bytes", "gold_probability", "margin"),
    ]
    assert all(pd.api.types.is_float_dtype(items[name]) for name in list(items)[1:])


@pytest.mark.parametrize(
    ("targets", "scores", "message"),
    [
        ([rc.Choice((0, 0), True, "a", 2, 1)], [-1.0], "'a' has choices that were not scored"),
        ([rc.Choice((0, i), False, "a", 2, 1) for i in range(2)], [-1.0, -2.0], "exactly one gold"),
        ([rc.Choice((0, i), True, "a", 2, 1) for i in range(2)], [-1.0, -2.0], "exactly one gold"),
        ([rc.Choice((0, i), i == 0, "a", 2, 1) for i in range(2)], [-1.0, np.nan], "not finite"),
        ([rc.Choice((0, i), i == 0, "a", 2, 1) for i in range(2)], [-np.inf] * 2, "not finite"),
        ([rc.Choice((0, i), i == 0, "a", 2, 1) for i in range(2)], [-1.0], "2 choices, but 1"),
    ],
)
def test_what_cannot_be_scored(targets, scores, message):
    with pytest.raises(ValueError, match=message):
        rc.score_items(targets, scores)


def test_a_task_that_is_not_rank_classification():
    with pytest.raises(UserError, match="rank classification"):
        rc.score_items(["some text"], [-1.0])


def test_a_task_written_for_t5x_goes_through_the_same_evaluator():
    def preprocess(dataset):
        return t5.data.preprocessors.rank_classification(
            dataset,
            inputs_fn=lambda row: tf.fill(tf.shape(row["choices"]), row["q"]),
            targets_fn=lambda row: row["choices"],
            is_correct_fn=lambda row: tf.one_hot(row["gold"], tf.size(row["choices"])),
        )

    seqio.TaskRegistry.add(
        "test.t5x",
        source=source(ROWS),
        preprocessors=[preprocess, seqio.preprocessors.tokenize],
        output_features=few_shot.evaluation_features(),
        postprocess_fn=t5.data.postprocessors.rank_classification,
        metric_fns=[t5.evaluation.metrics.rank_classification],
    )
    try:
        task = seqio.TaskRegistry.get("test.t5x")
        metrics = evaluate("test.t5x", fake_scores)
        targets = targets_of(task)
        scores = [
            -sum(e["targets"].tolist()) / 100
            for e in task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator()
        ]
        items = rc.score_items(targets, scores)
        assert metrics["accuracy"] == pytest.approx(100 * rc.means(items)["accuracy"])
        assert items["item"].tolist() == ["0", "1", "2"]
        assert items["choices"].tolist() == [3, 2, 2]
        assert items[["bytes", "correct_per_byte", "predicted_per_byte"]].isna().all(axis=None)
        assert np.isnan(rc.means(items)["bits_per_byte"])
    finally:
        seqio.TaskRegistry.remove("test.t5x")
