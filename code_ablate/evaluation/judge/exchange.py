"""What goes to a judge and what comes back, as plain values.

question = Question(config.base_url, config.model, messages, config.parameters)
question.key                                # what its reply is kept under
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from code_ablate.evaluation.judge.config import output_limits
from code_ablate.identity import identity, to_plain

CHARACTERS_PER_TOKEN = 3.0
"""For estimates, which count characters. English has about 4: estimates err to the high side."""


@dataclass(frozen=True)
class Question:
    """Everything that the reply depends on."""

    base_url: str
    """URL of the endpoint."""
    model: str
    """Name of the model that is asked for."""
    messages: Sequence[Mapping[str, str]]
    """Messages of the chat, each with its role and content."""
    parameters: Mapping[str, Any]
    """Further fields of the request, such as the temperature."""

    @functools.cached_property
    def key(self) -> str:
        """A hash of all of it."""
        return identity(to_plain(self))

    @property
    def input_tokens(self) -> int:
        """An estimate from the number of characters."""
        characters = sum(len(message["content"]) for message in self.messages)
        return round(characters / CHARACTERS_PER_TOKEN)

    @property
    def output_tokens(self) -> int:
        """Tokens of a reply, at most; 0 where the parameters do not say."""
        return max(output_limits(self.parameters).values(), default=0)


@dataclass(frozen=True)
class Reply:
    """What came back: a text, or the reason why there is none."""

    text: str
    """Text of the reply; empty where there is none."""
    model: str
    """Model that replied, as the endpoint names it: often more exact than the name asked for."""
    finish_reason: str
    """"stop", "length" (the reply was cut off), "refusal" (the text says why), ..."""
    input_tokens: int
    """Tokens that were sent."""
    output_tokens: int
    """Tokens that came back."""
    counted: bool = True
    """Whether the endpoint counted the tokens. Otherwise they are the highest that they can be:
    those sent are estimated from characters, the reply counts as being as long as allowed."""
    retries: int = 0
    """Times that the request was sent again."""
    error: str = ""
    """Why there is no reply; empty where there is one."""
