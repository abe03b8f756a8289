"""One question to an OpenAI-compatible endpoint, through the `openai` client.

    endpoint = Endpoint(config)
    endpoint.ask(Question(config.base_url, config.model, messages, config.parameters))

The client retries, backs off and obeys Retry-After. The key goes from the environment into the
client; messages of errors, which may repeat it, are cleaned of it.
"""

import os
from typing import Any, cast

from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.completion import NotACompletion, read_completion
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.exchange import Question, Reply
from code_ablate.shown import one_line

LONGEST_ERROR = 300
"""Characters of an error that are kept: servers send whole pages of HTML."""


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
        self._key = _key(config)
        self._openai = openai
        self._client = openai.OpenAI(
            # The client wants some key, also for servers that do not.
            api_key=self._key or "none",
            base_url=config.base_url,
            timeout=config.timeout_seconds,
            max_retries=config.retries,
            # Questions go where the configuration says, and nowhere else.
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
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
        except openai.APIStatusError as error:
            if error.response.is_redirect:
                raise Failed(self._clean(_redirected(question, error.response))) from None
            return _no_reply(self._clean(f"{type(error).__name__}: {error}"))
        except openai.APITimeoutError as error:
            return _maybe_paid(self._clean(f"{type(error).__name__}: {error}"), question)
        except openai.OpenAIError as error:
            return _no_reply(self._clean(f"{type(error).__name__}: {error}"))
        response = raw.http_response
        try:
            return read_completion(response.content, question, raw.retries_taken)
        except NotACompletion:
            return _maybe_paid(self._clean(f"not a chat completion: {response.text}"), question)

    def _clean(self, message: str) -> str:
        """The message as one line of bounded length, without the key."""
        # Before it is cut: part of a key is a secret, too.
        message = message.replace(self._key, "(key)") if self._key else message
        cut = message if len(message) <= LONGEST_ERROR else f"{message[:LONGEST_ERROR]}..."
        return one_line(cut)


def _key(config: JudgeConfig) -> str:
    """The key in the environment; empty where none is wanted. Raises UserError."""
    variable = config.key_variable
    if not variable:
        return ""
    key = os.environ.get(variable, "")
    if not key:
        raise UserError(
            f"the environment variable {variable} is not set: put the key of {config.base_url} "
            "there, or set JudgeConfig.key_variable (empty for a server that wants none)."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            f"the environment variable {variable} holds a space, a line end or another character "
            "that no key has: put the key alone there."
        )
    return key


def _redirected(question: Question, response: Any) -> str:
    target = response.headers.get("location", "another address")
    return (
        "set JudgeConfig.base_url to the address that answers: "
        f"{question.base_url} sends questions on to {target}."
    )


def _no_reply(error: str) -> Reply:
    return Reply("", "", "", 0, 0, error=error)


def _maybe_paid(error: str, question: Question) -> Reply:
    """No reply, though the endpoint may have made one: it counts as the most that it can cost."""
    sent, received = question.input_tokens, question.output_tokens
    return Reply("", "", "", sent, received, counted=False, error=error)
