"""lm-eval on the exported model, on ours through its adapter, and our own engine: equal scores."""

import json

import numpy as np
import pytest
import seqio

import tasks  # noqa: F401  registers what is compared
from code_ablate.errors import UserError
from code_ablate.evaluation.downstream import DownstreamTask
from code_ablate.evaluation.scoring import Request, Scorer
from code_ablate.interop.trained import open_run
from tests.trained_run import SEQ_LEN

TASKS = ("arc_easy", "piqa", "sciq", "copa", "boolq", "basic_skills_common_knowledge")
ITEMS = 50


@pytest.fixture(scope="module")
def ours(run, data_dir, vocabulary):
    """Of each task: (its requests, their scores, its table of items)."""
    trained = open_run(run.path, data_dir=data_dir)
    scorer = Scorer(trained.model, trained.params, trained.mesh, longest=trained.seq_len + 1)
    results = {}
    for name in TASKS:
        task = DownstreamTask.load(
            name, vocabulary, split="validation", max_items=ITEMS, seed=0, longest=SEQ_LEN + 1
        )
        items, _ = task.evaluate(scorer)
        results[name] = task, scorer.score(task.requests), items
    return results


@pytest.fixture(scope="module")
def their_tasks(ours, vocabulary, tmp_path_factory):
    """The same rows with the same prompts, as lm-eval reads tasks: a JSONL file and a dict."""
    folder = tmp_path_factory.mktemp("rows")
    return [_their_task(folder, name, task, vocabulary) for name, (task, *_) in ours.items()]


def _their_task(folder, name, task, vocabulary):
    rows = {}
    for request, choice in zip(task.requests, task.targets, strict=True):
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


def run_lm_eval(model, model_args, their_tasks):
    import lm_eval

    return lm_eval.simple_evaluate(
        model, model_args=model_args, tasks=their_tasks, batch_size=16, bootstrap_iters=0
    )


@pytest.fixture(scope="module")
def of_transformers(exported, their_tasks):
    return run_lm_eval("hf", {"pretrained": str(exported), "device": "cpu"}, their_tasks)


@pytest.fixture(scope="module")
def of_adapter(run, data_dir, their_tasks):
    import code_ablate.interop.lm_eval  # noqa: F401  registers the model

    return run_lm_eval("code_ablate", {"run": str(run.path), "data": str(data_dir)}, their_tasks)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("theirs", ["of_transformers", "of_adapter"])
def test_every_choice_has_the_same_likelihood(ours, theirs, name, request):
    results = request.getfixturevalue(theirs)
    _, scores, items = ours[name]
    samples = results["samples"][f"{name}_here"]
    found = [answer[0] for sample in samples for answer in sample["filtered_resps"]]
    np.testing.assert_allclose(found, scores, rtol=1e-5, atol=1e-4)
    accuracy = results["results"][f"{name}_here"]["acc,none"]
    assert 0 < accuracy < 1
    assert accuracy == pytest.approx(items["correct"].mean(), abs=1e-12)
    assert [sample["acc"] for sample in samples] == items["correct"].tolist()


@pytest.fixture(scope="module")
def both(run, data_dir, exported):
    """lm-eval's two models on the same weights."""
    from lm_eval.models.huggingface import HFLM

    from code_ablate.interop.lm_eval import CodeAblateLM

    theirs = HFLM(str(exported), device="cpu", batch_size=4)
    return CodeAblateLM(str(run.path), data=str(data_dir)), theirs


def instances(kind, arguments):
    from lm_eval.api.instance import Instance

    metadata = ("here", None, 1)
    return [
        Instance(kind, {}, args, 0, metadata=(metadata[0], number, 1))
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


def test_likelihoods_of_pairs(both):
    ours, theirs = (lm.loglikelihood(instances("loglikelihood", PAIRS)) for lm in both)
    np.testing.assert_allclose([a for a, _ in ours], [a for a, _ in theirs], rtol=1e-5, atol=1e-4)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


def test_a_greedy_continuation_is_known_as_one(both):
    (text,) = both[0].generate_until(
        instances("generate_until", [("def ", {"until": [], "max_gen_toks": 8})])
    )
    ours, theirs = (
        lm.loglikelihood(instances("loglikelihood", [("def", " " + text), ("def", " qz")]))
        for lm in both
    )
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


def test_where_joint_and_separate_tokenisation_differ(both, vocabulary):
    """Not at a space, where pieces do not go across, but inside of a word: docs/interop.md."""
    ours, _ = both
    context, continuation = ours._encode_pair("The answer is", " yes")
    apart = [ids.tolist() for ids in vocabulary.encode(["The answer is", " yes"])]
    assert [context[1:], continuation] == apart
    context, continuation = ours._encode_pair("    retu", "rn")
    apart = [ids.tolist() for ids in vocabulary.encode(["    retu", "rn"])]
    assert [context[1:], continuation] != apart


def test_likelihoods_of_whole_texts(both, exported):
    from lm_eval.models.huggingface import HFLM

    texts = [("short",), ("def f(x):\n    return x\n" * 40,), ("a quick brown fox " * 30,)]
    # HFLM puts BOS before the first window by itself, and would score the tokenizer's as well.
    theirs = HFLM(str(exported), device="cpu", batch_size=1, add_bos_token=False)
    expected = theirs.loglikelihood_rolling(instances("loglikelihood_rolling", texts))
    found = both[0].loglikelihood_rolling(instances("loglikelihood_rolling", texts))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_greedy_answers(both):
    prompts = ["def read(", "The vocabulary is", "import ", "for index in", "    return ", "# "]
    wanted = [
        {"until": ["\n"], "max_gen_toks": 24},
        {"until": ["\n\n", "e"], "max_gen_toks": 24, "do_sample": False},
    ]
    asked = [(prompt, kwargs) for kwargs in wanted for prompt in prompts]
    ours, theirs = (lm.generate_until(instances("generate_until", asked)) for lm in both)
    assert ours == theirs
    assert len(set(ours)) > 4


def test_sampled_answers_repeat_and_differ_by_item(both):
    wanted = {"until": [], "max_gen_toks": 16, "do_sample": True, "temperature": 1.0}
    asked = instances("generate_until", [("def ", wanted)] * 4)
    first, again = both[0].generate_until(asked), both[0].generate_until(asked[::-1])[::-1]
    assert first == again and len(set(first)) > 1


def test_what_would_be_ignored_is_refused(both, run, data_dir):
    from code_ablate.interop.lm_eval import CodeAblateLM

    with pytest.raises(UserError, match="num_beams"):
        both[0].generate_until(instances("generate_until", [("a", {"num_beams": 4})]))
    with pytest.raises(UserError, match="pretrained"):
        CodeAblateLM(str(run.path), data=str(data_dir), pretrained="gpt2")
