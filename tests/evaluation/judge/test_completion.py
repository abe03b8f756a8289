"""From the bytes of a response to a reply."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_ablate.evaluation.judge.completion import (
    MOST_TOKENS,
    NotACompletion,
    read_completion,
)
from code_ablate.evaluation.judge.exchange import Question

TEXT = "Comparison: -\nPreferred: A"
QUESTION = Question("u", "m", [{"role": "user", "content": "x" * 300}], {"max_tokens": 512})


def body(message=None, usage=None, **choice):
    message = {"content": TEXT} if message is None else message
    choice = {"message": message, "finish_reason": "stop", **choice}
    return json.dumps({"model": "m-1", "choices": [choice], "usage": usage}).encode()


def read(*args, **kwargs):
    return read_completion(body(*args, **kwargs), QUESTION)


MESSAGES = {
    "parts": ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
    "thoughts among the parts": (
        {
            "content": [
                {"type": "thinking", "thinking": "Preferred: A"},
                {"type": "reasoning", "text": "Preferred: A"},
                {"type": "text", "text": "b"},
            ]
        },
        "b",
    ),
    "thoughts beside it": ({"content": "b", "reasoning_content": "Preferred: A"}, "b"),
    "thoughts alone": ({"content": None, "reasoning": "Preferred: A"}, ""),
    "nothing": ({"content": None}, ""),
    "no content": ({"tool_calls": [{"id": "1"}]}, ""),
    "half a pair": ({"content": "a\ud83d"}, "a\ufffd"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_only_what_is_said_is_the_reply(name):
    message, text = MESSAGES[name]
    assert read(message).text == text


def test_a_refusal_says_so():
    reply = read({"content": None, "refusal": "Preferred: A"})
    assert (reply.text, reply.finish_reason) == ("Preferred: A", "refusal")
    assert read({"content": TEXT, "refusal": "no"}).finish_reason == "refusal"


@pytest.mark.parametrize("reason", [None, 7, ["stop"], {}])
def test_a_finish_reason_that_is_none_is_no_normal_stop(reason):
    assert read(finish_reason=reason).finish_reason == ""


NOT_COMPLETIONS = [
    b"",
    b"<html>login</html>",
    b"[1]",
    b"null",
    b'{"choices": []}',
    b'{"choices": null}',
    b'{"choices": [null]}',
    b'{"choices": [{"message": null}]}',
    b'{"choices": [{"message": {"content": 3}}]}',
    b'{"choices": [{"message": {"content": [3]}}]}',
    b'{"error": {"message": "no"}}',
    b'{"choices": [{"message": {"content": "Preferred: A", "content": "Preferred: B"}}]}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"choices": ' + b"1" * 10_000 + b"}",
]


@pytest.mark.parametrize("content", NOT_COMPLETIONS, ids=range(len(NOT_COMPLETIONS)))
def test_what_is_no_completion_is_told_apart(content):
    with pytest.raises(NotACompletion):
        read_completion(content, QUESTION)


NO_COUNTS = [-1, -(10**30), 0, 1.5, 10**30, MOST_TOKENS + 1, "12", None, True, [], float("nan"),
             float("inf"), float("-inf")]  # fmt: skip


@pytest.mark.parametrize("count", NO_COUNTS, ids=str)
def test_a_count_that_makes_no_sense_counts_as_the_most_that_it_can_be(count):
    sent = read(usage={"prompt_tokens": count, "completion_tokens": 7})
    assert (sent.input_tokens, sent.output_tokens, sent.counted) == (100, 7, False)
    received = read(usage={"prompt_tokens": 7, "completion_tokens": count})
    assert (received.input_tokens, received.output_tokens, received.counted) == (7, 512, False)


@pytest.mark.parametrize("usage", [None, [], "free", 3, {}, {"total_tokens": 1}])
def test_a_reply_is_kept_whatever_is_said_of_its_tokens(usage):
    reply = read(usage=usage)
    assert reply.text == TEXT and (reply.input_tokens, reply.output_tokens) == (100, 512)


def test_sensible_counts_are_taken():
    reply = read(usage={"prompt_tokens": 3.0, "completion_tokens": 100_000})
    assert (reply.input_tokens, reply.output_tokens, reply.counted) == (3, 100_000, True)
    empty = read({"content": ""}, usage={"prompt_tokens": 3, "completion_tokens": 0})
    assert empty.counted and empty.output_tokens == 0


def test_a_long_reply_without_a_count_is_as_long_as_it_is():
    assert read({"content": "x" * 6000}).output_tokens == 2000


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["content", "refusal", "tool_calls"]), json_values),
       json_values, json_values, json_values)  # fmt: skip
def test_any_json_is_a_reply_that_can_be_stored_or_none(message, usage, reason, model):
    choice = {"message": message, "finish_reason": reason}
    content = json.dumps({"choices": [choice], "usage": usage, "model": model})
    try:
        reply = read_completion(content.encode(), QUESTION)
    except NotACompletion:
        return
    for text in (reply.text, reply.model, reply.finish_reason):
        text.encode()
    assert 0 < reply.input_tokens <= MOST_TOKENS and 0 <= reply.output_tokens <= MOST_TOKENS
