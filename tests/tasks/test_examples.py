"""The rendered example in the docstring of each module in tasks/ is what its task makes of a row.

The rows are made up. If you meant to change a prompt, change the docstring too.
"""

import importlib
import json
import pkgutil

import pytest
import seqio

import tasks
from code_ablate.testing import check_corpus, check_task

HEAD = "def twice(x):\n    'Double x.'\n"

# Module of tasks/: (task, one made-up row).
ROWS = {
    "basic_skills": (
        "basic_skills_arithmetic",
        {"question": "Question: 3 + 4?\nAnswer:", "choices": ["7", "9"], "gold": 0}
        | {"solved": "Question: 1 + 1?\nAnswer: 2\n\n"},
    ),
    "big_bench": ("bbh", {"question": "not True is", "answers": ["False"]}),
    "code": (
        "humaneval",
        {"prompt": HEAD, "canonical_solution": "    return 2 * x\n", "entry_point": "twice"}
        | {"test": "def check(candidate):\n    assert candidate(2) == 4\n"},
    ),
    "code_likelihood": (
        "mt_mbpp_rust",
        {"text": "Double a number.\n", "code": "fn twice(x: i32) -> i32 { 2 * x }"}
        | {"solved": ""},
    ),
    "generation": (
        "open_prompts",
        {"prompt": "Sum this up.", "context": "Bees make honey.", "category": "summary"},
    ),
    "knowledge": ("nq_open", {"question": "who makes honey", "answers": ["bees", "the bees"]}),
    "language": ("lambada", {"context": "The bees made", "last_word": "honey"}),
    "mathematics": (
        "gsm8k",
        {"question": "Ann has 2 pears and buys 3. How many?", "answers": ["5"]}
        | {"solution": "2 + 3 = 5. So the answer is 5.", "solved": ""},
    ),
    "reasoning": (
        "copa",
        {"premise": "The jar was empty.", "question": "cause"}
        | {"choices": ["A bear ate the honey.", "The bees slept."], "gold": 0},
    ),
}


def rendered(name, row):
    """Lines as the docstrings have them: each prompt once, with what may follow it."""
    lines = []
    for example in check_task(name, [{"id": "1", **row}]).examples:
        if f"    {example.prompt!r}" not in lines:
            lines.append(f"    {example.prompt!r}")
        mark = "right" if example.right else "wrong"
        lines += [f"        {mark}: {target!r}" for target in example.targets]
    return "\n".join(lines)


@pytest.mark.parametrize("module", ROWS)
def test_the_example_of_the_docstring(module):
    doc = importlib.import_module(f"tasks.{module}").__doc__
    name, row = ROWS[module]
    assert f"\nA made-up row of `{name}`:\n\n{rendered(name, row)}\n" in doc


def test_each_module_has_an_example():
    modules = {module.name for module in pkgutil.iter_modules(tasks.__path__)}
    assert modules == {*ROWS, "controls", "corpora", "mixtures"} | {
        "paper_corpora",
        "registry_corpora",
    }


HTML = {"text": "<p>Bees</p>", "language": "html"}
QUESTION = {"text": "A question.", "subset": "RedPajamaStackExchange"}


@pytest.mark.parametrize(
    "module, corpus, document",
    [
        ("corpora", "demo.markup", HTML),
        ("registry_corpora", "registry.markup", HTML),
        ("paper_corpora", "paper.text", QUESTION),
    ],
)
def test_the_example_of_corpora(module, corpus, document):
    checked = check_corpus(corpus, [document])
    [(_, drop)] = checked.dropped
    doc = importlib.import_module(f"tasks.{module}").__doc__
    assert f"    {json.dumps(document)}\n        dropped: {drop.reason}\n" in doc


def test_the_example_of_controls():
    document = {"text": "def twice(x):\n    return 2 * x  # so\n", "language": "python"}
    (kept,) = check_corpus("demo.code_structure", [document]).kept
    doc = importlib.import_module("tasks.controls").__doc__
    assert f"    {json.dumps(document)}\n        {kept.text!r}\n" in doc


def test_the_example_of_mixtures():
    doc = importlib.import_module("tasks.mixtures").__doc__
    mixture = seqio.MixtureRegistry.get("demo.code")
    shares = [f"    {mixture.get_rate(task):.0%} {task.name}\n" for task in mixture.tasks]
    assert all(share in doc for share in shares)
    assert len(shares) == 2
