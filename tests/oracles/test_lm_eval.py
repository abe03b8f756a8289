"""lm-eval on the exported model, on ours through its adapter, and our own engine: equal scores."""

import dataclasses
import json

import numpy as np
import pytest

import tasks  # noqa: F401  registers what is compared
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.data.vocabulary_files import file_digest
from code_ablate.errors import UserError
from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.kinds.continuations import Continuations
from code_ablate.evaluation.kinds.ranked import RankedMeasure
from code_ablate.evaluation.measure import Engine
from code_ablate.evaluation.scoring import Scorer
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.training.trained import open_run
from tests.tolerance import assert_close
from tests.trained_run import SENTENCES, SEQ_LEN

TASKS = ("arc_easy", "piqa", "sciq", "copa", "boolq")
ITEMS = 50


@pytest.fixture(scope="module")
def ours(run, data_dir, vocabulary):
    """Task -> (its requests, their scores, its table of items)."""
    trained = open_run(run.path, data_dir=data_dir)
    scorer = Scorer(trained.model, trained.params, trained.mesh, longest=trained.seq_len + 1)
    results = {}
    for name in TASKS:
        config = SuiteConfig(tasks=(name,), max_items=ITEMS)
        task = LoadedTask.load(name, vocabulary, config, longest=SEQ_LEN + 1)
        items = RankedMeasure(task).evaluate(Engine(scorer, generator=None)).items
        results[name] = task, scorer.score(Continuations(task).requests), items
    return results


@pytest.fixture(scope="module")
def their_tasks(ours, vocabulary, tmp_path_factory):
    """The same rows with the same prompts, as lm-eval reads tasks: a JSONL file and a dict."""
    folder = tmp_path_factory.mktemp("rows")
    return [_their_task(folder, name, task, vocabulary) for name, (task, *_) in ours.items()]


def _their_task(folder, name, task, vocabulary):
    rows = {}
    requests = Continuations(task).requests
    for request, choice in zip(requests, task.targets, strict=True):
        context, continuation = (
            vocabulary.decode(ids)
            for ids in (request.tokens[1 : request.first], request.tokens[request.first :])
        )
        row = rows.setdefault(choice.item, {"context": context, "choices": [], "gold": -1})
        assert row["context"] == context
        row["gold"] = len(row["choices"]) if choice.is_correct else row["gold"]
        row["choices"].append(continuation)
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    return {
        "task": f"{name}_here",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"validation": str(file)}},
        "validation_split": "validation",
        "output_type": "multiple_choice",
        "doc_to_text": "context",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": "",  # the continuations bring their space
        "metric_list": [{"metric": "acc"}],
    }


@pytest.fixture(scope="module")
def theirs(exported):
    """lm-eval's own model, on transformers."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(str(exported), device="cpu", batch_size=16)


@pytest.fixture(scope="module")
def adapter(run, data_dir):
    """Its model on our engine."""
    from code_ablate.interop.lm_eval import CodeAblateLM

    return CodeAblateLM(str(run.path), data=str(data_dir))


@pytest.fixture(scope="module")
def evaluated(theirs, adapter, their_tasks):
    """What lm-eval makes of either."""
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_defaults=False)  # reading its thousands of tasks takes a while

    def run_tasks(model):
        return evaluate(model, manager.load(their_tasks)["tasks"], bootstrap_iters=0)

    return {"transformers": run_tasks(theirs), "adapter": run_tasks(adapter)}


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("model", ["transformers", "adapter"])
def test_every_choice_has_the_same_likelihood(ours, evaluated, model, name):
    results = evaluated[model]
    _, scores, items = ours[name]
    samples = results["samples"][f"{name}_here"]
    found = [answer[0] for sample in samples for answer in sample["filtered_resps"]]
    assert_close(found, scores, 1e-5)
    accuracy = results["results"][f"{name}_here"]["acc,none"]
    assert 0 < accuracy < 1
    assert accuracy == pytest.approx(items["correct"].mean(), rel=1e-12)
    assert [sample["acc"] for sample in samples] == items["correct"].tolist()


def instances(kind, arguments):
    from lm_eval.api.instance import Instance

    return [
        Instance(kind, {}, args, 0, metadata=("here", number, 1))
        for number, args in enumerate(arguments)
    ]


PAIRS = [
    ("The answer is", " yes"),
    ("The answer is ", "no"),  # lm-eval moves the space to the continuation
    ("", "A text without a context"),
    ("import ", "numpy as np\nimport jax\n"),
    ("é" * 200, " and so on"),  # longer than what the model sees
    ("def f(x", "):\n    return x"),
]


def test_likelihoods_of_pairs_and_whether_they_are_greedy(theirs, adapter):
    known = [(start, f" {end}") for start, end in SENTENCES.items()]
    asked = instances("loglikelihood", PAIRS + known)
    found, found_greedy = zip(*adapter.loglikelihood(asked), strict=True)
    expected, expected_greedy = zip(*theirs.loglikelihood(asked), strict=True)
    assert_close(found, expected, 1e-5)
    assert found_greedy == expected_greedy
    assert not any(found_greedy[: len(PAIRS)]) and all(found_greedy[len(PAIRS) :])


def test_likelihoods_of_whole_texts(adapter, exported):
    from lm_eval.models.huggingface import HFLM

    texts = [("short",), ("def f(x):\n    return x\n" * 40,), ("a quick brown fox " * 30,)]
    asked = instances("loglikelihood_rolling", texts)
    # HFLM puts BOS before the first window by itself, and would score the tokenizer's as well.
    theirs = HFLM(str(exported), device="cpu", batch_size=1, add_bos_token=False)
    np.testing.assert_allclose(
        adapter.loglikelihood_rolling(asked), theirs.loglikelihood_rolling(asked), rtol=1e-5
    )


@pytest.fixture(scope="module")
def merging(tmp_path_factory):
    """A vocabulary with pieces across spaces: "a b" is one token, and so is "b c"."""
    import tokenizers

    letters = ["</s>", *"abcd ", "a ", "a b", "b ", "b c"]
    merges = [("a", " "), ("a ", "b"), ("b", " "), ("b ", "c")]
    model = tokenizers.models.BPE({piece: i for i, piece in enumerate(letters)}, merges)
    made = tokenizers.Tokenizer(model)
    made.decoder = tokenizers.decoders.Fuse()
    made.add_special_tokens(["</s>"])
    path = tmp_path_factory.mktemp("merging") / "tokenizer.json"
    made.save(str(path))
    return Vocabulary("merging", str(path), len(letters), file_digest(path), eos_id=0)


@pytest.mark.parametrize(
    ("context", "continuation", "expected"),
    [
        ("a", " b", (["a"], [" ", "b"])),  # together "a b", which leaves nothing to cut off
        ("a", " bd", (["a"], [" ", "b", "d"])),  # together "a b", "d": " b" would not be scored
        ("d", " c", (["d"], [" ", "c"])),  # nothing merges: cut where the context ends
        ("da", "b", (["d", "a"], ["b"])),
        ("d ", "c", (["d"], [" ", "c"])),  # spaces belong to the continuation, as in lm-eval
        ("a ", "b", (["a"], [" ", "b"])),
    ],
)
def test_a_continuation_that_melts_into_its_context_is_scored_whole(
    adapter, merging, monkeypatch, context, continuation, expected
):
    monkeypatch.setattr(
        adapter, "trained", dataclasses.replace(adapter.trained, vocabulary=merging)
    )
    cut = adapter._encode_pair(context, continuation)
    pieces = tuple([merging.piece(int(number)) for number in ids] for ids in cut)
    assert pieces == (["</s>", *expected[0]], expected[1])
    assert merging.decode(cut[0] + cut[1]) == context + continuation


def test_what_melts_into_its_context_has_a_likelihood(adapter, vocabulary):
    """lm-eval's own way leaves nothing of some of these; ours is that of this project's tasks."""
    pairs = [("    retu", "rn"), ("    return sel", "f"), ("impor", "t")]
    asked = instances("loglikelihood", pairs)
    joint, requests = 0, []
    for context, continuation in pairs:
        first, *apart = (ids.tolist() for ids in vocabulary.encode([context, continuation]))
        joint += len(vocabulary.encode([context + continuation])[0]) <= len(first)
        requests.append((None, [vocabulary.eos_id, *first], *apart))
    assert joint, "no pair melts together: the test shows nothing"
    assert adapter.loglikelihood(asked) == adapter._loglikelihood_tokens(requests)
    with pytest.raises(UserError, match="empty continuation"):
        adapter.loglikelihood(instances("loglikelihood", [("a", "")]))


def test_greedy_answers(theirs, adapter):
    wanted = [
        {"until": ["\n"], "max_gen_toks": 24},
        {"until": ["\n\n", "e"], "max_gen_toks": 24, "do_sample": False},
    ]
    asked = [(start, kwargs) for kwargs in wanted for start in SENTENCES]
    found = adapter.generate_until(instances("generate_until", asked))
    assert found == theirs.generate_until(instances("generate_until", asked))
    assert found[: len(SENTENCES)] == [f" {end}" for end in SENTENCES.values()]


def test_sampled_answers_belong_to_their_item(adapter):
    wanted = {"until": [], "max_gen_toks": 16, "do_sample": True, "temperature": 1.0}
    asked = instances("generate_until", [("def ", wanted)] * 4)
    first, again = adapter.generate_until(asked), adapter.generate_until(asked[::-1])[::-1]
    assert first == again and len(set(first)) > 1


def test_what_would_be_ignored_is_refused(adapter, run, data_dir):
    from code_ablate.interop.lm_eval import CodeAblateLM

    with pytest.raises(UserError, match="num_beams"):
        adapter.generate_until(instances("generate_until", [("a", {"num_beams": 4})]))
    with pytest.raises(UserError, match="pretrained"):
        CodeAblateLM(str(run.path), data=str(data_dir), pretrained="gpt2")


def test_lm_eval_finds_the_model_by_name(adapter):
    from lm_eval.api.registry import get_model

    assert get_model("code_ablate") is type(adapter)
