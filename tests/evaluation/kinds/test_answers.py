from decimal import Decimal

import numpy as np
import pytest
import seqio
import t5.evaluation.metrics

from code_ablate.errors import UserError
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.kinds import answers
from code_ablate.evaluation.kinds.answers import Accepted
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.source import ANSWERS, EvaluationSet
from tests.evaluation.sets.written import write

ROWS = [
    {"id": "a", "question": "Capital of France?", "answers": ["Paris", "City of Light"]},
    {"id": "b", "question": "Größe?", "answers": ["groß"]},
]

SHORT = Sampling(max_tokens=8)


def prompt(row):
    return row["question"] + " A:"


@pytest.fixture
def add_task(tmp_path):
    file = write(tmp_path / "quiz.jsonl", ROWS)

    def add(shots=0, metric=answers.squad):
        source = EvaluationSet(
            "quiz", file=file, fields=("question",), form=ANSWERS, examples=file if shots else None
        )
        return answers.add_task(
            "test.quiz",
            source,
            prompt,
            category="world_knowledge",
            metric=metric,
            sampling=SHORT,
            shots=shots,
        )

    yield add
    seqio.TaskRegistry.remove("test.quiz")
    declarations.forget("test.quiz")


def examples(task):
    return list(task.get_dataset(None, "validation", shuffle=False).as_numpy_iterator())


def test_examples_of_a_task(add_task):
    task = add_task()
    rows = examples(task)
    assert [row["inputs_pretokenized"].decode() for row in rows] == [
        "Capital of France? A:",
        "Größe? A:",
    ]
    targets = [task.postprocess_fn("", example=row, is_target=True) for row in rows]
    assert targets == [Accepted("a", ("Paris", "City of Light")), Accepted("b", ("groß",))]
    assert task.postprocess_fn(" said ", example=rows[0], is_target=False) == " said "
    assert declarations.info("test.quiz") == declarations.TaskInfo(
        "world_knowledge", kinds.answers.KIND, sampling=SHORT
    )


def test_solved_examples(add_task):
    expected = "Capital of France? A: Paris\n\nCapital of France? A:"
    assert examples(add_task(shots=1))[0]["inputs_pretokenized"].decode() == expected


def test_through_the_evaluator(add_task):
    task = add_task()
    evaluator = seqio.Evaluator(
        "test.quiz",
        feature_converter=seqio.PrefixLMFeatureConverter(pack=False),
        async_compute_metrics=False,
    )
    said = ["the city of light.", "gross"]
    encode = task.output_features["targets"].vocabulary.encode

    def predict(dataset, model_feature_shapes=None):
        padded = np.zeros((2, 32), int)  # as decoding to a fixed length gives them
        for row, text in zip(padded, said, strict=True):
            row[: len(encode(text))] = encode(text)
        return [(i, padded[i]) for i, _ in dataset.as_numpy_iterator()]

    metrics, _ = evaluator.evaluate(compute_metrics=True, predict_fn=predict)
    assert metrics.result()["test.quiz"] == {"exact_match": 0.5, "f1": 0.5}


QUESTIONS = [
    (Accepted("a", ("Sunset Boulevard", "West Sunset")), "sunset  boulevard.", 1.0),
    (Accepted("b", ("The Beatles",)), "beatles", 1.0),
    (Accepted("c", ("42",)), "43", 0.0),
    (Accepted("d", ("a cat",)), "", 0.0),
]


@pytest.mark.parametrize("metric", [answers.squad, answers.trivia_qa])
def test_scores_per_item_are_those_of_t5(metric):
    targets, predictions, correct = zip(*QUESTIONS, strict=True)
    scores, note = answers.correct_per_item([metric], targets, predictions)
    assert scores.tolist() == list(correct) and note == ""
    theirs = getattr(t5.evaluation.metrics, metric.__name__)
    percent = theirs([target.answers for target in targets], predictions)
    assert metric(targets, predictions) == {
        "exact_match": percent["em"] / 100,
        "f1": percent["f1"] / 100,
    }
    assert scores.mean() == percent["em"] / 100
    # A Task written for T5X: answers as lists, t5's metric.
    lists = [list(target.answers) for target in targets]
    scores, note = answers.correct_per_item([theirs], lists, predictions)
    assert scores.tolist() == list(correct) and note == ""


def test_the_two_normal_forms_differ_in_punctuation():
    target, said = Accepted("a", ("rock-and-roll",)), "rock and roll"
    assert answers.trivia_qa([target], [said])["exact_match"] == 1
    assert answers.squad([target], [said])["exact_match"] == 0


def test_exact():
    targets = [Accepted("a", ("True",)), Accepted("b", ("True",)), Accepted("c", ("(A)", "(B)"))]
    said = [" True\n", "true", "(B)"]
    assert answers.correct_per_item([answers.exact], targets, said)[0].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("So the answer is 18.", 18),
        ("2 + 2 = 4, so 1,234.50 dollars", Decimal("1234.5")),
        ("It costs $-5", -5),
        ("It costs -$5 and then nothing", -5),
        ("7-3", 3),
        ("minus -3", -3),
        ("(4)-3 is wrong", 3),
        ("3.", 3),
        ("a half is .5", Decimal("0.5")),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number(text, number):
    assert answers.number_at_the_end(text) == number


def test_last_number_compares_values():
    targets = [Accepted("a", ("1,000",)), Accepted("b", ("18",)), Accepted("c", ("18",))]
    said = ["it is $1000.00.", "18 and 19", "no idea"]
    assert answers.correct_per_item([answers.last_number], targets, said)[0].tolist() == [1, 0, 0]


def test_what_cannot_be_scored():
    with pytest.raises(UserError, match="a string, a list of strings"):
        answers.exact([3], ["x"])

    def distance(targets, predictions):  # a mean of items, and no share of anything
        lengths = [abs(len(t) - len(p)) for t, p in zip(targets, predictions, strict=True)]
        return {"distance": float(np.mean(lengths))}

    scores, note = answers.correct_per_item([distance], ["x", "y"], ["xyz", "yyyy"])
    assert np.isnan(scores).all() and "no score" in note
