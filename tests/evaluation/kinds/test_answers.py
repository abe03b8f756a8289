from fractions import Fraction

import numpy as np
import pytest
import seqio
import t5.evaluation.metrics

from code_ablate.errors import UserError
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.kinds import answers
from code_ablate.evaluation.kinds.answers import Accepted
from code_ablate.evaluation.kinds.numbers import number_at_the_end
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.source import ANSWERS, EvaluationSet
from code_ablate.evaluation.suite_config import SuiteConfig
from tests.evaluation.sets.written import write
from tests.evaluation.test_downstream import Bytes

ROWS = [
    {"id": "a", "question": "Capital of France?", "answers": ["Paris", "City of Light"]},
    {"id": "b", "question": "Größe?", "answers": ["groß"]},
]

SHORT = Sampling(max_tokens=8)


def prompt(row):
    return row["question"] + " A:"


@pytest.fixture
def add_task(tmp_path):
    def add(shots=0, metric=answers.squad, rows=ROWS):
        file = write(tmp_path / "quiz.jsonl", rows)
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


def measured():
    config = SuiteConfig(tasks=("test.quiz",))
    return answers.AnswersMeasure(LoadedTask.load("test.quiz", Bytes(), config, longest=65))


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
    expected = "Größe? A: groß\n\nCapital of France? A:"  # never itself
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
        ("2 + 2 = 4, so 1,234.50 dollars", Fraction("1234.5")),
        ("It costs $-5", -5),
        ("It costs -$5 and then nothing", -5),
        ("7-3", 3),
        ("minus -3", -3),
        ("(4)-3 is wrong", 3),
        ("3.", 3),
        ("a half is .5", Fraction(1, 2)),
        ("none", None),
        ("", None),
        ("9{,}500", 9500),
        ("1 000", 1000),
        ("1\u202f000\u202f000", 1_000_000),
        ("1\u00a0000,", 1000),
        ("in 2009 300 people", 300),
        ("1e3", 1000),
        ("2.5E-1 m", Fraction(1, 4)),
        ("model 3e5x", 5),
        ("\u22125", -5),
        ("7\u22123", 3),
        ("\u2212\u00a35", -5),
        ("50%", 50),
        ("12.5\\%", Fraction(25, 2)),
        ("5 $", 5),
        ("\\$1,234", 1234),
        ("1/2", Fraction(1, 2)),
        ("-1/3", Fraction(-1, 3)),
        ("1 1/2 cups", Fraction(3, 2)),
        ("\\frac{3}{4}", Fraction(3, 4)),
        ("on 1/2/2024", 2024),
        ("1/0", 0),
        ("10/2 = 5", 5),
        ("1,000,000.50", Fraction("1000000.5")),
        ("1,00,000", 100_000),
        ("1,2,3", 3),
        ("42.", 42),
        ("**42**", 42),
        ("\\boxed{42}", 42),
        ("$\\boxed{-9{,}500}$.", -9500),
        ("it is...5", 5),
        ("1.234,56", Fraction("1234.56")),  # points between groups, where it is clear
        ("1.000.000", 1_000_000),
        ("1.234", Fraction("1.234")),
        ("1.2.3", 3),
        ("1,5", 5),
        ("1'000", 1000),
        ("12\u2019345\u2019678", 12_345_678),
        ("1_000", 1000),
        ("'5'", 5),
        ("10^3", 1000),
        ("2^{10}", 1024),
        ("10^{-3}", Fraction(1, 1000)),
        ("10^\u22122", Fraction(1, 100)),
        ("0^{-1}", 0),
        ("10\u00b3", 1000),
        ("3\u00d710\u207b\u00b2", Fraction(3, 100)),
        ("2**10", 1024),
        ("**2**", 2),
        ("9\\,500", 9500),
        ("9\\ 500 km", 9500),
        ("9~500", 9500),
        ("3 x 10^5", 300_000),
        ("3\\times 10^{5}", 300_000),
        ("5 \\times 10^{-2}", Fraction(1, 20)),
        ("2 \u00b7 10^\u22123", Fraction(1, 500)),
        ("25 cm^2", 25),
        ("7 x^{12}", 7),
        ("7 m s^{-2}", 7),
        ("7 m s^-2", 7),
        ("7 m\u00b2", 7),
        ("\u00bd", Fraction(1, 2)),
        ("3\u00be cups", Fraction(15, 4)),
        ("-1\u00bd", Fraction(-3, 2)),
        ("\\frac12", Fraction(1, 2)),
        ("\\frac 3 4", Fraction(3, 4)),
        ("\\frac{-1}{2}", Fraction(-1, 2)),
        ("-\\dfrac{-1}{2}", Fraction(1, 2)),
        ("\\boxed{\\frac{3}{4}}.", Fraction(3, 4)),
        ("\\boxed{}", None),
        ("\u0664\u0662", 42),
        ("\uff14\uff12", 42),
        ("\u096a\u0968 \u0930\u0941\u092a\u092f\u0947", 42),
        ("5 percent", 5),
        ("5 degrees", 5),
        ("(5)", 5),
        ("+5", 5),
        ("five", None),
        ("3\u20135", 5),
    ],
)
def test_the_last_number(text, number):
    assert number_at_the_end(text) == number


@pytest.mark.parametrize("text", ["9" * 5000, "1/" + "7" * 5000, "9" * 5000 + "^9", "\\frac12" * 9])
def test_numbers_of_any_length_are_read(text):
    """Python's int() refuses more than 4,300 digits, and a model may repeat itself."""
    assert number_at_the_end(text) is not None
    targets, said = [Accepted("a", (text,)), Accepted("b", ("7",))], [text, text]
    assert answers.correct_per_item([answers.last_number], targets, said)[0].tolist() == [1, 0]


def test_last_number_compares_values():
    targets = [Accepted("a", ("1,000",)), Accepted("b", ("18",)), Accepted("c", ("18",))]
    said = ["it is $1000.00.", "18 and 19", "no idea"]
    assert answers.correct_per_item([answers.last_number], targets, said)[0].tolist() == [1, 0, 0]


FORMS = [  # gold, said, and whether exact, squad and trivia_qa call it right
    ("caf\u00e9", "cafe\u0301", 1, 1, 1),  # one text in two ways
    ("caf\u00e9", "cafe", 0, 0, 0),
    ("Paris", " Paris\n", 1, 1, 1),
    ("Paris", "Paris.", 0, 1, 1),
    ("Paris", "PARIS", 0, 1, 1),
    ("don't", "don\u2019t", 0, 0, 1),
    # As the scripts of SQuAD and TriviaQA have it: signs of punctuation say nothing.
    ("-5", "5", 0, 1, 1),
    ("50%", "50", 0, 1, 1),
    ("3.5", "35", 0, 1, 0),
    ("C", "C#", 0, 1, 1),
    ("\uff15", "5", 0, 0, 0),
    ("1/2", "0.5", 0, 0, 0),
]


@pytest.mark.parametrize(("gold", "said", "exact", "squad", "trivia"), FORMS)
def test_forms_of_answers(gold, said, exact, squad, trivia):
    metrics = (answers.exact, answers.squad, answers.trivia_qa)
    target = [Accepted("a", (gold,))]
    found = [int(metric(target, [said])["exact_match"]) for metric in metrics]
    assert found == [exact, squad, trivia]


def test_what_cannot_be_scored():
    with pytest.raises(UserError, match="a string, a list of strings"):
        answers.exact([3], ["x"])

    def distance(targets, predictions):  # a mean of items, and no share of anything
        lengths = [abs(len(t) - len(p)) for t, p in zip(targets, predictions, strict=True)]
        return {"distance": float(np.mean(lengths))}

    scores, note = answers.correct_per_item([distance], ["x", "y"], ["xyz", "yyyy"])
    assert np.isnan(scores).all() and note == ""  # it has a range of its own

    def together(targets, predictions):
        return {"together": len(set(predictions)) / 4}

    scores, note = answers.correct_per_item([together], ["x", "y"], ["xyz", "yyyy"])
    assert np.isnan(scores).all() and "no score for single items" in note


@pytest.mark.parametrize(
    ("metric", "gold"),
    [
        (answers.trivia_qa, "The"),
        (answers.trivia_qa, "A+"),
        (answers.squad, "a."),
        (answers.exact, " "),
        (answers.last_number, "none"),
    ],
)
def test_what_normalises_to_nothing_matches_nothing(metric, gold):
    targets = [Accepted("a", (gold,)), Accepted("b", (gold, "12")), Accepted("c", ("12",))]
    assert metric(targets, ["", "", ""])["exact_match"] == 0
    assert metric(targets, [gold, gold, gold])["exact_match"] == 0
    correct, note = answers.correct_per_item([metric], targets, ["12", "12", "12"])
    assert correct.tolist() == [0, 1, 1] and note == ""


def test_items_that_nothing_can_be_right_for_are_counted(add_task):
    add_task(metric=answers.squad, rows=[*ROWS, {"id": "c", "question": "?", "answers": ["The"]}])
    notes = measured().describe()["notes"]
    assert notes == [
        "1 of 3 items have no answer that can be compared, such as 'The', of which nothing is "
        "left: they count as wrong"
    ]


def test_items_that_an_empty_answer_is_right_for_are_counted(add_task):
    def same_length_or_less(targets, predictions):
        pairs = zip(targets, predictions, strict=True)
        return {"accuracy": float(np.mean([len(p) <= len(t.answers[0]) for t, p in pairs]))}

    add_task(metric=same_length_or_less)
    assert "2 of 2 items call an empty answer right" in measured().describe()["notes"][0]
