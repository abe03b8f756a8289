"""One question to an OpenAI-compatible endpoint, through the `openai` client.

    endpoint = Endpoint(config)
    endpoint.ask(Question(config.base_url, config.model, messages, config.parameters))

The client retries, backs off and obeys Retry-After. The key goes from the environment into the
client; messages of errors, which may repeat it, are cleaned of it.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.config import OUTPUT_LIMITS, JudgeConfig
from code_ablate.identity import identity, to_plain
from code_ablate.shown import shown, storable

CHARACTERS_PER_TOKEN = 3.0
"""For estimates, which count characters. English has about 4: estimates err to the high side."""


_ENDED = ("stop", "end_turn", "eos")
"""Names that servers give to a normal end."""

_MOST_TOKENS = 100_000_000
"""Counts above are no counts."""


@dataclass(frozen=True)
class Question:
    """Everything that the reply depends on."""

    base_url: str
    model: str
    messages: Sequence[Mapping[str, str]]
    parameters: Mapping[str, Any]

    @functools.cached_property
    def key(self) -> str:
        """A hash of all of it."""
        return identity(to_plain(self))

    @property
    def input_tokens(self) -> int:
        """An estimate from the number of characters."""
        characters = sum(len(message["content"]) for message in self.messages)
        return round(characters / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True)
class Reply:
    """What came back: a text, or the reason why there is none."""

    text: str
    model: str
    """Model that replied, as the endpoint names it: often more exact than the name asked for."""
    finish_reason: str
    """"stop", "length" (the reply was cut off), ..."""
    input_tokens: int
    output_tokens: int
    counted: bool = True
    """Whether the endpoint counted the tokens; otherwise they are estimated from characters."""
    retries: int = 0
    error: str = ""
    """Why there is no reply; empty where there is one."""

    @property
    def is_whole(self) -> bool:
        """Whether there is a reply, and the model ended it by itself."""
        return not self.error and self.finish_reason.lower() in _ENDED


class Endpoint:
    """A client with its key. `ask` may be called from several threads."""

    def __init__(self, config: JudgeConfig):
        """Raises UserError if the client is not installed or the key is not there."""
        config.require_endpoint()
        try:
            import openai
        except ImportError as error:
            raise UserError(
                f"judging by an endpoint needs the client `openai` ({error}): "
                "pip install 'code-ablate[judge]'."
            ) from None
        self._key = os.environ.get(config.key_variable, "") if config.key_variable else ""
        if config.key_variable and not self._key:
            raise UserError(
                f"the environment variable {config.key_variable} is not set: put the key of "
                f"{config.base_url} there, or set JudgeConfig.key_variable (empty for a server "
                "that wants none)."
            )
        self._openai = openai
        self._client = openai.OpenAI(
            # The client wants some key, also for servers that do not.
            api_key=self._key or "none",
            base_url=config.base_url,
            timeout=config.timeout_seconds,
            max_retries=config.retries,
        )

    def __enter__(self) -> "Endpoint":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._client.close()

    def ask(self, question: Question) -> Reply:
        """The reply; one with `error` if there is none after all retries.

        Raises Failed where no question will be answered: a wrong key, model or address.
        """
        openai = self._openai
        try:
            raw = self._client.chat.completions.with_raw_response.create(
                model=question.model,
                messages=cast(Any, question.messages),
                extra_body=dict(question.parameters),
            )
        except (
            openai.AuthenticationError,
            openai.PermissionDeniedError,
            openai.NotFoundError,
        ) as error:
            raise Failed(self._clean(f"{question.base_url} refuses: {error}")) from None
        except openai.OpenAIError as error:
            return _no_reply(self._clean(f"{type(error).__name__}: {error}"))
        try:
            return _read(raw.http_response.json(), question, raw.retries_taken)
        except (ValueError, LookupError, TypeError, AttributeError):
            text = raw.http_response.text[:200]
            return _no_reply(self._clean(f"not a chat completion: {text!r}"))

    def _clean(self, message: str) -> str:
        """A message for the terminal, without the key."""
        return shown(message.replace(self._key, "(key)") if self._key else message)


def _read(body: Any, question: Question, retries: int) -> Reply:
    """The reply in a body; not by the client's types, which let nonsense through.

    Raises ValueError, LookupError, TypeError or AttributeError if it is no chat completion.
    """
    choice = body["choices"][0]
    text = _text_of(choice["message"]["content"])
    usage = body.get("usage")
    input_tokens, output_tokens, counted = _counts(usage, question, text)
    return Reply(
        text=text,
        model=storable(str(body.get("model", ""))),
        finish_reason=storable(str(choice.get("finish_reason", ""))),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        counted=counted,
        retries=retries,
    )


def _text_of(content: Any) -> str:
    """The text of a message, which may come in parts. Raises TypeError or LookupError."""
    if content is None:  # the model spent all its tokens on thinking, or declined
        return ""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    if not isinstance(content, str):
        raise TypeError
    return storable(content)


def _counts(usage: Any, question: Question, text: str) -> tuple[int, int, bool]:
    """(tokens sent, tokens received, whether the endpoint counted them).

    Estimates stand in for counts that are missing; for counts that cannot be, those of a reply of
    the greatest length, so that nonsense never lowers the cost.
    """
    known = usage if isinstance(usage, dict) else {}
    sent, received = known.get("prompt_tokens"), known.get("completion_tokens")
    if _is_count(sent, 1) and _is_count(received, 1 if text else 0):
        return sent, received, True
    estimate = round(len(text) / CHARACTERS_PER_TOKEN)
    if sent is not None or received is not None:
        estimate = max(estimate, *map(int, _output_limits(question.parameters)))
    return question.input_tokens, estimate, False


def _is_count(value: Any, least: int) -> TypeGuard[int]:
    return type(value) is int and least <= value <= _MOST_TOKENS


def _output_limits(parameters: Mapping[str, Any]) -> list[int]:
    """The greatest length of a reply, as the parameters of a question say."""
    return [0, *(parameters[name] for name in OUTPUT_LIMITS if name in parameters)]


def _no_reply(error: str) -> Reply:
    return Reply("", "", "", 0, 0, error=error)
