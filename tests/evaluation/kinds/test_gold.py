import numpy as np
import pytest
import seqio

from code_ablate.errors import UserError
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.kinds import gold
from code_ablate.evaluation.sets.source import TEXT, EvaluationSet
from tests.evaluation.sets.written import write

ROWS = [
    {"id": "a", "question": "Ä?", "proof": "längst"},
    {"id": "b", "question": "B?", "proof": "yes"},
    {"id": "c", "question": "C?", "proof": "no"},
]


def prompt(row):
    return row["question"] + " A:", " " + row["proof"]


@pytest.fixture
def task(tmp_path):
    file = write(tmp_path / "proofs.jsonl", ROWS)
    source = EvaluationSet("proofs", file=file, fields=("question", "proof"), form=TEXT)
    yield gold.add_task("test.proofs", source, prompt, category="mathematics", convention="ours")
    seqio.TaskRegistry.remove("test.proofs")
    declarations.forget("test.proofs")


def test_examples_of_a_task(task):
    rows = list(task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator())
    texts = [(row["inputs_pretokenized"], row["targets_pretokenized"]) for row in rows]
    assert [(a.decode(), b.decode()) for a, b in texts[:2]] == [
        ("Ä? A:", " längst"),
        ("B? A:", " yes"),
    ]
    targets = [task.postprocess_fn("", example=row, is_target=True) for row in rows]
    assert targets == [gold.Gold("a", 8), gold.Gold("b", 4), gold.Gold("c", 3)]
    assert declarations.info("test.proofs") == declarations.TaskInfo(
        "mathematics", kinds.gold.KIND, convention="ours"
    )


def test_through_the_evaluator(task):
    evaluator = seqio.Evaluator(
        "test.proofs",
        feature_converter=seqio.PrefixLMFeatureConverter(pack=False),
        async_compute_metrics=False,
    )

    def score(dataset, model_feature_shapes=None):
        return [(int(i), -float(i + 1)) for i, _ in dataset.as_numpy_iterator()]

    metrics, _ = evaluator.evaluate(compute_metrics=True, score_fn=score)
    expected = (1 + 2 + 3) / np.log(2) / (8 + 4 + 3)
    assert metrics.result()["test.proofs"] == {"bits_per_byte": pytest.approx(expected)}


def test_scores_per_item():
    targets = [gold.Gold("a", 8), gold.Gold("b", 4)]
    items = gold.score_items(targets, [-8 * np.log(2), -2 * np.log(2)], [True, False])
    assert items.to_dict("list") == {
        "item": ["a", "b"],
        "bits": [8.0, 2.0],
        "bytes": [8.0, 4.0],
        "correct": [1.0, 0.0],
    }
    assert gold.means(items) == {"bits_per_byte": 10 / 12, "accuracy": 0.5}


def test_what_cannot_be_scored():
    one = [gold.Gold("a", 8)]
    with pytest.raises(ValueError, match="1 items, but 2 scores"):
        gold.score_items(one, [-1.0, -2.0], [True])
    with pytest.raises(ValueError, match="'a' has a score that is not finite"):
        gold.score_items(one, [np.nan], [True])
    with pytest.raises(UserError, match=r"gold\.postprocess"):
        gold.score_items(["text"], [-1.0], [True])


def test_solved_examples_are_contexts_with_their_continuations(tmp_path):
    file = write(tmp_path / "proofs.jsonl", ROWS)
    source = EvaluationSet(
        "proofs", file=file, fields=("question", "proof"), form=TEXT, examples=file
    )
    task = gold.add_task("test.shots", source, prompt, category="mathematics", shots=2)
    try:
        row = next(task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator())
        expected = "B? A: yes\n\nC? A: no\n\nÄ? A:"  # never itself
        assert row["inputs_pretokenized"].decode() == expected
    finally:
        seqio.TaskRegistry.remove("test.shots")
        declarations.forget("test.shots")
