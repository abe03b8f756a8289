"""Tasks of every kind, with a scorer that is a table and a generator that has a script."""

import dataclasses

import numpy as np
import pytest
import seqio
import t5.data
import t5.evaluation.metrics
import tensorflow as tf

from code_ablate.errors import UserError
from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.kinds import gold, kind_of, open_ended
from code_ablate.evaluation.measure import Engine
from code_ablate.evaluation.sampling import Completion
from code_ablate.evaluation.suite_config import SuiteConfig

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


def load(name, longest=64, **settings):
    config = SuiteConfig(tasks=(name,), **settings)
    return LoadedTask.load(name, Bytes(), config, longest=longest)


def measure(name, **kwargs):
    task = load(name, **kwargs)
    return kind_of(task.task).measure(task)


class Script:
    """A generator that gives written answers, by the text of the prompt."""

    def __init__(self, answers):
        self.answers, self.asked = answers, None

    def generate(self, prompts, sampling, items, advance=None):
        self.asked = sampling
        texts = [bytes((prompt[1:] + 32).tolist()).decode() for prompt in prompts]
        return [[Completion(self.answers[text], 3, "stop")] for text in texts]


@pytest.fixture(scope="module")
def t5x_task():
    return register("test_downstream_t5x")


def test_a_rank_task_written_for_t5x_is_scored_per_item(t5x_task):
    ranked = measure(t5x_task)
    outcome = ranked.evaluate(Engine(Table(), None))
    # " blue" before " green", " green" before " red", " black" before " white"
    assert list(outcome.items.correct) == [1, 1, 0]
    assert outcome.metrics["accuracy"] == pytest.approx(200 / 3)
    assert list(outcome.items.bytes) == [5, 6, 6]
    assert np.isfinite(outcome.items.correct_per_byte).all()
    assert ranked.describe()["chance"] == 0.5


def test_a_token_with_id_0_is_a_token_like_others(t5x_task):
    scorer = Table()
    measure(t5x_task).evaluate(Engine(scorer, None))
    # The space has id 0; it stands in every context and begins every continuation.
    request = scorer.seen[0]
    assert request.tokens[0] == 200
    assert bytes((request.tokens[1 : request.first] + 32).tolist()).decode() == "the sky is"
    assert bytes((request.tokens[request.first :] + 32).tolist()).decode() == " blue"


def test_a_seeded_choice_of_items_is_counted(t5x_task):
    said = measure(t5x_task, max_items=2).describe()
    assert (said["items"], said["available"], said["examples"]) == (2, 3, 4)


def test_examples_that_lose_context_are_counted(t5x_task):
    assert measure(t5x_task, longest=13).describe()["cropped"] == 5  # all but "grass is red"
    assert measure(t5x_task).describe()["cropped"] == 0


GENERATED = {"the sky is": " Blue", "grass is": " red", "snow is": " the white"}


def lower(text, example=None, is_target=False):
    """A postprocessor that tells targets from predictions, and reads the example."""
    assert example is not None
    return [text.strip()] if is_target else text.strip().lower()


def register_generation(name, **kwargs):
    inputs_and_targets = [
        lambda dataset: dataset.map(
            lambda row: {
                "inputs": row["question"],
                "targets": tf.gather(row["answers"], row["gold"]),
            }
        ),
        seqio.preprocessors.tokenize,
    ]
    defaults = {
        "preprocessors": inputs_and_targets,
        "postprocess_fn": lower,
        "metric_fns": [t5.evaluation.metrics.squad],
    }
    return register(name, **{**defaults, **kwargs})


def test_a_generation_task_written_for_t5x_scores_as_seqios_evaluator_does():
    name = register_generation("test_downstream_answers")
    answers = measure(name)
    outcome = answers.evaluate(Engine(None, Script(GENERATED)))
    evaluator = seqio.Evaluator(
        name, seqio.PrefixLMFeatureConverter(pack=False), eval_split="validation",
        async_compute_metrics=False,
    )  # fmt: skip
    vocabulary = seqio.ByteVocabulary()

    def predict(dataset, model_feature_shapes=None):
        tokens = [[*vocabulary.encode(GENERATED[q]), vocabulary.eos_id] for q in QUESTIONS]
        return [(i, (ids + [0] * 12)[:12]) for i, ids in enumerate(tokens)]

    metrics, _ = evaluator.evaluate(compute_metrics=True, predict_fn=predict)
    assert outcome.metrics == metrics.result()[name]
    assert list(outcome.items.correct) == [1, 0, 1]  # articles do not count in SQuAD's metric
    assert list(outcome.items.prediction) == list(GENERATED.values())
    assert list(outcome.items.item) == ["0", "1", "2"] and outcome.notes == ()
    assert answers.describe()["kind"] == "exact_match" and answers.work == 3


def shares(targets, predictions):
    return {"share": float(np.mean([t == [p] for t, p in zip(targets, predictions, strict=True)]))}


def distinct(targets, predictions):
    return {"distinct": len(set(predictions)) / 4}


@pytest.mark.parametrize(
    ("metric_fns", "expected"),
    [
        ([distinct], [np.nan] * 3),  # 3 / 4 together, 1 / 4 alone
        ([distinct, shares], [1, 0, 0]),
        ([shares, t5.evaluation.metrics.squad], [1, 0, 1]),  # exact match goes first
    ],
    ids=["no_mean_of_items", "another_metric", "preferred"],
)
def test_an_item_has_a_score_where_the_metric_is_a_mean_of_items(metric_fns, expected, request):
    name = register_generation(f"test_{request.node.callspec.id}", metric_fns=metric_fns)
    answers = {**GENERATED, "the sky is": "blue", "snow is": "a white"}
    outcome = measure(name).evaluate(Engine(None, Script(answers)))
    np.testing.assert_array_equal(outcome.items.correct, expected)
    assert bool(outcome.notes) == np.isnan(expected).any()


def test_gold_answers_are_scored_in_bits_and_by_what_greedy_decoding_would_give():
    gold.add_task(
        "test_downstream_gold",
        seqio.FunctionDataSource(numbered_rows, splits=("validation",)),
        lambda row: (row["question"], row["answers"][row["gold"]]),
        category="language",
    )
    measured = measure("test_downstream_gold")

    class Greedy(Table):
        def score_greedy(self, requests, advance=None):
            return self.score(requests), np.arange(len(requests)) == 1

    outcome = measured.evaluate(Engine(Greedy(), None))
    # The letter after the space, as an id: "b", "g" and "w".
    nats = np.array([ord(answer[1]) - 32 for answer in (" blue", " green", " white")])
    np.testing.assert_allclose(outcome.items.bits, nats / np.log(2))
    assert list(outcome.items.correct) == [0, 1, 0] and list(outcome.items.bytes) == [5, 6, 6]
    assert outcome.metrics["bits_per_byte"] == pytest.approx(nats.sum() / np.log(2) / 17)
    assert list(outcome.items.item) == ["0", "1", "2"]


def numbered_rows(split, shuffle_files, seed=None):
    rows = {"id": ["0", "1", "2"], "question": QUESTIONS, "answers": ANSWERS, "gold": GOLD}
    return tf.data.Dataset.from_tensor_slices(rows)


def test_open_answers_are_kept_with_their_prompts():
    open_ended.add_task(
        "test_downstream_open",
        seqio.FunctionDataSource(numbered_rows, splits=("validation",)),
        lambda row: row["question"],
        category="open_ended",
    )
    answers = {f"Instruction: {q}\nResponse:": f" {q}!" for q in QUESTIONS}
    script = Script(answers)
    outcome = measure("test_downstream_open").evaluate(Engine(None, script))
    assert list(outcome.items.prompt) == QUESTIONS
    assert list(outcome.items.prediction) == [f" {q}!" for q in QUESTIONS]
    assert outcome.items.generated_tokens.mean() == 3 and script.asked == open_ended.SAMPLING
    assert outcome.metrics["empty"] == 0


def test_an_answer_leaves_half_of_what_is_seen_to_the_prompt():
    name = register_generation("test_downstream_room")
    # Answers have 64 tokens if there is room; with EOS the prompts have 11, 9 and 8.
    said = measure(name, longest=64 + 128).describe()
    assert (said["sampling"]["max_tokens"], said["cropped"], said["notes"]) == (64, 0, [])
    said = measure(name, longest=19).describe()
    assert said["cropped"] == 1 and "before the 64 tokens" in said["notes"][0]


def test_bad_tasks_are_refused_when_they_are_loaded():
    unranked = register("test_downstream_unranked", postprocess_fn=lambda x, **kwargs: "text")
    with pytest.raises(UserError, match="rank"):
        measure(unranked)
    with pytest.raises(UserError, match="splits"):
        load(unranked, split="test")
    with pytest.raises(UserError, match=r"fail on empty answers: TypeError"):
        measure(register_generation("test_downstream_numbers", postprocess_fn=lambda *a, **k: 3))
    with pytest.raises(UserError, match="nothing says how it is scored"):
        measure(register("test_downstream_unscored", metric_fns=[]))


def test_items_with_equal_options_are_counted():
    def rows(split, shuffle_files, seed=None):
        answers = [[" blue", " blue"], [" red", " green"], [" white", " black"]]
        return tf.data.Dataset.from_tensor_slices(
            {"question": QUESTIONS, "answers": answers, "gold": GOLD}
        )

    source = seqio.FunctionDataSource(rows, splits=("validation",))
    name = register("test_downstream_equal_options", source=source)
    (note,) = measure(name).describe()["notes"]
    assert note.startswith("1 of 3 items have options that are equal")


class Even:
    """A scorer to which everything is as likely."""

    def score(self, requests, advance=None):
        return np.full(len(requests), -3.0)


def test_ties_are_counted(t5x_task):
    outcome = measure(t5x_task).evaluate(Engine(Even(), None))
    assert outcome.notes == ("3 of 3 items have two highest scores, of which the first is taken",)
    assert list(outcome.items.correct) == [1, 0, 1]  # the gold is the first, or not
    assert measure(t5x_task).evaluate(Engine(Table(), None)).notes == ()


def test_options_that_differ_before_the_window_are_counted():
    """Partial scoring: two contexts and one continuation, which is all that the model sees."""

    def rows(split, shuffle_files, seed=None):
        contexts = [["Ann's car is", "Bob's car is"], ["The dog is", "The cat is"]]
        return tf.data.Dataset.from_tensor_slices({"contexts": contexts, "gold": [0, 1]})

    name = register(
        "test_downstream_partial",
        source=seqio.FunctionDataSource(rows, splits=("validation",)),
        preprocessors=[
            lambda ds: t5.data.preprocessors.rank_classification(
                ds,
                inputs_fn=lambda row: row["contexts"],
                targets_fn=lambda row: tf.fill([2], " red and shiny"),
                is_correct_fn=lambda row: tf.one_hot(row["gold"], 2),
            ),
            seqio.preprocessors.tokenize,
        ],
    )
    assert measure(name, longest=64).describe()["notes"] == []
    # Of "'s car is red and shiny" nothing says whose car it is.
    (note,) = measure(name, longest=23).describe()["notes"]
    assert note.startswith("1 of 2 items are longer than the model sees")
    (note,) = measure(name, longest=16).describe()["notes"]
    assert note.startswith("2 of 2 items are longer than the model sees")


@pytest.mark.parametrize("make", [register, register_generation])
def test_items_that_are_there_twice_are_counted(make):
    def rows(split, shuffle_files, seed=None):
        questions, answers = [*QUESTIONS, QUESTIONS[1]], [*ANSWERS, ANSWERS[1]]
        return tf.data.Dataset.from_tensor_slices(
            {"question": questions, "answers": answers, "gold": [*GOLD, 1]}
        )

    source = seqio.FunctionDataSource(rows, splits=("validation",))
    name = make(f"test_downstream_twice_{make.__name__}", source=source)
    notes = measure(name).describe()["notes"]
    assert [note for note in notes if note.startswith("1 of 4 items ask the same as another one")]


def test_predictions_that_a_ranked_task_would_judge_are_not_left_out_unsaid():
    name = register(
        "test_downstream_both",
        metric_fns=[t5.evaluation.metrics.rank_classification, shares],
    )
    (note,) = measure(name).describe()["notes"]
    assert "'shares'" in note and "not computed" in note


def test_a_metric_of_scores_keeps_its_name_and_its_items():
    def confident(targets, scores):
        return {"confident": float(np.mean([score > -70 for score in scores]))}

    name = register(
        "test_downstream_confident",
        metric_fns=[t5.evaluation.metrics.rank_classification, confident],
    )
    outcome = measure(name).evaluate(Engine(Table(), None))
    assert outcome.own_metrics == ("confident",)
    assert outcome.metrics["confident"] == outcome.items["metric/confident"].mean()
    # ids of the letters: b 66, g 71; r 82, g 71; w 87, b 66
    assert outcome.items["metric/confident"].tolist() == [0.5, 0, 0.5]
