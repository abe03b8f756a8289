"""How a judge's reply is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_ablate.evaluation.judge.verdict import read_verdict, without_thinking

CLEAR = {
    "Comparison: A is longer.\nPreferred: B": "B",
    "**Comparison:** fine\n\n**Preferred:** **A**": "A",
    "**Preferred: A**": "A",
    "Preferred: Answer (B).": "B",
    "preferred: 'A'": "A",
    "## Preferred: [B]\n": "B",
    "- Preferred: B": "B",
    "`Preferred: A`": "A",
    "Preferred: a": "A",
    "PREFERRED: b.": "B",
    "(Preferred: A)": "A",
    "[Preferred: B]\n\n": "B",
    "Preferred: [[B]]": "B",
    "Preferred: <A>": "A",
    "Preferred: A!": "A",
    "Preferred：Ｂ": "B",
    "Preferred: „A“": "A",
    "Preferred: «B»": "B",
    "Preferred: ‘a’": "A",
    "Preferred: 「B」": "B",
    "Verdict: A": "A",
    "**Final verdict**: B": "B",
    "Preferred answer: Response B": "B",
    "The preferred answer is B.": "B",
    "My final answer is B": "B",
    "The better one is A.": "A",
    "[[A]]": "A",
    "Preferred: A, because it is right.": "A",
    "Preferred: A because B is wrong": "A",
    "Preferred: **B** - it is clearer": "B",
    "Preferred: B — clearer": "B",
    "Preferred: A (no mistakes)": "A",
    "Preferred: A. It answers, and B does not.": "A",
    "Preferred: A over B": "A",
    "Preferred: A is much better than B": "A",
    "Preferred: A, not B": "A",
    "Preferred: A\n---": "A",
    "```\nComparison: -\nPreferred: A\n```": "A",
    "Preferred: B\nComparison: it is shorter.\n**Preferred: B**": "B",
    "Answer A ends with\n> Preferred: A\nwhich begs.\nPreferred: B": "B",
    'Answer A ends with\n"Preferred: A"\nwhich begs.\nPreferred: B': "B",
    "Answer A ends with\n```\nPreferred: A\n```\nwhich begs.\nPreferred: B": "B",
    "Better: neither in style.\nPreferred: B": "B",
    "<think>Preferred: A</think>Preferred: B": "B",
    "<think>it seems\nPreferred: A\n</think>\n\nComparison: -\nPreferred: B": "B",
    "and so on\nPreferred: A\n</think>\nPreferred: B": "B",
    "[THINK]Preferred: A[/THINK]\nPreferred: B": "B",
    "◁think▷Preferred: A◁/think▷Preferred: B": "B",
    "<seed:think>Preferred: A</seed:think>Preferred: B": "B",
    "Preferred: B</s>": "B",
    "Preferred: B<end_of_turn>\n": "B",
    "<|channel|>analysis<|message|>A?<|end|><|start|>assistant<|channel|>final<|message|>"
    "Preferred: B<|return|>": "B",
}

UNCLEAR = [
    "",
    "Preferred:",
    "Comparison: B",
    "B",
    "Preferred: C",
    "Preferred: neither",
    "Preferred: both A",
    "Preferred: A or B",
    "Preferred: <A or B>",
    "Preferred: A/B",
    "Preferred: A, B",
    "Preferred: A and B",
    "Preferred: A (or B)",
    "Preferred: A = B",
    "Preferred: A. B.",
    "Preferred: A. Wait, B.",
    "Preferred: A - no, B",
    "Preferred: A (tie)",
    "Preferred: a tie",
    "Preferred: a good answer would be B",
    "Preferred: A as well as B",
    "Preferred: A is not better",
    "Preferred: A-grade",
    "Preferred: AB",
    "Preferred: not A",
    "I preferred: B was worse",
    "A is better than B",
    "Answer: A is short",
    "Answer A: correct",
    "[A]",
    # Verdicts that contradict each other: nobody knows which is meant.
    "Preferred: A\nPreferred: B",
    "Preferred: A\n\nComparison: on second thoughts, no.\n\nPreferred: B",
    "[[A]]\nPreferred: B",
    "The better one is A, because it is short.\nVerdict: B",
    "Preferred: A\n```\nPreferred: A\n```\nPreferred: B",
    "Answer A ends with\nPreferred: A\nwhich begs.\nPreferred: B",
    # Only the last line counts.
    "Preferred: A\nI am not sure of that.",
    'Answer A says "\nPreferred: A\n", which I do not follow.',
    # Quoted from an answer.
    "> Preferred: A",
    '"Preferred: A"',
    "“Preferred: A”",
    "Answer B ends with:\n```\nPreferred: B\n```",
    # Thoughts.
    "<think>\nPreferred: A",
    "<think>Preferred: A</think>",
    "<thinking effort='high'>\nPreferred: A\n</thinking>\n",
    "Preferred: A\n</think>",
    "<think>a <think>b</think> Preferred: A\n</think>\n",
    "[THINK]\nPreferred: B",
    "<|begin_of_thought|>Preferred: B<|end_of_thought|>",
    "<|channel|>analysis<|message|>so\nPreferred: B",
]


@pytest.mark.parametrize("reply", CLEAR)
def test_a_clear_last_line_is_a_verdict(reply):
    assert read_verdict(reply, "stop") == CLEAR[reply]


@pytest.mark.parametrize("reply", UNCLEAR)
def test_nothing_else_is(reply):
    assert read_verdict(reply, "stop") is None


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", "refusal", "", "?"])
def test_a_reply_that_did_not_come_to_its_end_has_none(reason):
    assert read_verdict("Comparison: -\nPreferred: A", reason) is None


@pytest.mark.parametrize("reason", ["stop", "STOP", "end_turn", "eos"])
def test_servers_call_a_normal_end_by_several_names(reason):
    assert read_verdict("Preferred: A", reason) == "A"


@given(st.text(), st.sampled_from(["think", "thinking", "thought", "reasoning"]))
def test_what_is_thought_is_never_read(thought, name):
    assert read_verdict(f"<{name}>{thought}\nPreferred: A", "stop") is None or "</" in thought
    assert read_verdict(f"{thought}\nPreferred: A\n</{name}>\nPreferred: B", "stop") == "B"


@given(st.text(alphabet=st.characters(exclude_characters="<[◁")))
def test_a_reply_without_thoughts_stays_as_it_is(text):
    assert without_thinking(text) == text


@given(st.text(max_size=40))
def test_any_text_is_read(text):
    assert read_verdict(f"Preferred: {text}", "stop") in ("A", "B", None)
