"""A chat completion, from the bytes of a response to a Reply.

    read_completion(response.content, question)

Read by hand, not by the client's types, which let nonsense through. All text in a Reply can be
stored, and its counts of tokens are never below what may have been paid for.
"""

import json
from collections.abc import Mapping
from typing import Any

from code_ablate.evaluation.judge.exchange import CHARACTERS_PER_TOKEN, Question, Reply
from code_ablate.shown import storable

MOST_TOKENS = 10_000_000
"""No model reads or writes more for one question: a higher count is nonsense."""

_TEXT_PARTS = ("text", "output_text")
"""Types of parts that are said to the reader; others are thoughts, pictures, calls of tools."""


class NotACompletion(ValueError):
    """The body of a response is no chat completion."""


def read_completion(body: bytes, question: Question, retries: int = 0) -> Reply:
    """The reply in a body. Raises NotACompletion."""
    try:
        content = json.loads(body, object_pairs_hook=_object)
        choice = content["choices"][0]
        text, refused = _said(choice["message"])
        finish_reason = "refusal" if refused else choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotACompletion(f"{type(error).__name__}: {error}") from error
    sent, received, counted = _tokens(content.get("usage"), question, text)
    return Reply(
        text=text,
        model=_text(content.get("model")),
        finish_reason=_text(finish_reason),
        input_tokens=sent,
        output_tokens=received,
        counted=counted,
        retries=retries,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. ValueError if it says two things under one name."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return made


def _said(message: Mapping[str, Any]) -> tuple[str, bool]:
    """(what the model says, whether it says that it will not answer).

    Fields such as reasoning_content hold thoughts and are left out. Empty where the model spent
    all its tokens on them, or called a tool. TypeError for content that is neither text nor parts.
    """
    refusal = _text(message.get("refusal"))
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_text_of_part(part) for part in content)
    if not isinstance(content, str | None):
        raise TypeError(f"content is {type(content).__name__}")
    return storable(content or refusal), bool(refusal)


def _text_of_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    return _text(part.get("text")) if part.get("type") in _TEXT_PARTS else ""


def _text(value: Any) -> str:
    return storable(value) if isinstance(value, str) else ""


def _tokens(usage: Any, question: Question, text: str) -> tuple[int, int, bool]:
    """(tokens sent, tokens received, whether both are the endpoint's own counts)."""
    counts = usage if isinstance(usage, dict) else {}
    sent = _count(counts.get("prompt_tokens"), at_least=1)
    received = _count(counts.get("completion_tokens"), at_least=1 if text else 0)
    counted = sent is not None and received is not None
    if sent is None:
        sent = question.input_tokens
    if received is None:  # thoughts that are not shown are paid for, too
        received = max(question.output_tokens, round(len(text) / CHARACTERS_PER_TOKEN))
    return sent, received, counted


def _count(value: Any, at_least: int) -> int | None:
    """A number of tokens; None where it makes no sense."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if at_least <= value <= MOST_TOKENS else None
