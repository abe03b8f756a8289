"""Which judge is asked, how fast, and for how much money.

JudgeConfig(base_url="https://host/v1", model="name", input_price=2.5, output_price=10.0)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from code_ablate.checked import NonNegative, NonNegativeInt, Positive, PositiveInt, checked
from code_ablate.errors import UserError

OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")
"""Parameters that say how long a reply may be."""
_OURS = ("model", "messages", "stream", "n")


@checked
@dataclass(frozen=True)
class JudgeConfig:
    """An OpenAI-compatible endpoint. The key is in the environment, and nowhere else."""

    base_url: str = ""
    """Address of the endpoint, up to and including its version, as in "https://host/v1"."""
    model: str = ""
    """Name of the model that judges, as the endpoint knows it."""
    key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; empty for a server that wants none."""
    parameters: Mapping[str, Any] = field(
        default_factory=lambda: {"temperature": 0.0, "max_tokens": 512}
    )
    """Parameters that are sent with every request. `max_tokens` or `max_completion_tokens`, as the
    model takes it, must be among them: the cost is estimated as if all replies were that long."""
    input_price: NonNegative | None = None
    """Price of a million tokens sent, in any currency; 0 for a server of your own. None: unknown,
    and nothing can be asked."""
    output_price: NonNegative | None = None
    """Price of a million tokens received, in the same currency; 0 for a server of your own. None:
    unknown, and nothing can be asked."""
    ceiling: NonNegative = 5.0
    """Highest cost of one call of the command, in the currency of the prices."""
    requests_per_minute: Positive = 60.0
    """Requests that begin in a minute, at most, evenly spaced. Repeated requests come on top."""
    tokens_per_minute: Positive = 100_000.0
    """Tokens of the requests that begin in a minute, at most: those sent, as estimated, and those
    of replies of the greatest length."""
    concurrency: PositiveInt = 8
    """Requests that are under way at once, at most."""
    retries: NonNegativeInt = 6
    """Repetitions, at most, of a request that meets a limit, an error of the server or no reply.
    Before each the client waits as long as Retry-After says, or 0.5 seconds, doubled each time up
    to 8."""
    timeout_seconds: Positive = 120.0
    """Seconds that the client waits for one reply."""
    cache: str = ""
    """Path of the SQLite file that keeps the replies, on a local disk; empty: `judge_cache.sqlite`
    in Paths.data."""

    def __post_init__(self):
        taken = [name for name in _OURS if name in self.parameters]
        if taken:
            raise UserError(f"JudgeConfig.parameters sets {', '.join(taken)}: leave them out.")
        for name in OUTPUT_LIMITS:
            limit = self.parameters.get(name, 1)
            if type(limit) is not int or limit < 1:
                raise UserError(
                    f"JudgeConfig.parameters: {name} is {limit!r}: it must be a whole number of 1 "
                    "or more."
                )
        try:
            json.dumps(dict(self.parameters), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UserError(f"JudgeConfig.parameters cannot be sent as JSON: {error}.") from None

    @property
    def output_tokens(self) -> int:
        """Tokens of a reply, at most."""
        return int(next(self.parameters[name] for name in OUTPUT_LIMITS if name in self.parameters))

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """What that many tokens cost, in the currency of the prices."""
        assert self.input_price is not None and self.output_price is not None
        return (self.input_price * input_tokens + self.output_price * output_tokens) / 1e6

    def require_endpoint(self) -> None:
        """Raises UserError if it does not say whom to ask, how long replies are, or the prices."""
        if not self.base_url or not self.model:
            raise UserError(
                "no judge is named: set JudgeConfig.base_url and JudgeConfig.model, or judge by "
                "likelihood with --reference RUN."
            )
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise UserError(
                f"JudgeConfig.base_url = {address.hostname or self.base_url!r} is not an address: "
                "write it as https://host/v1."
            )
        if address.username or address.password or address.query:
            raise UserError(
                "JudgeConfig.base_url holds more than an address. It is written to the results: "
                "give the key by the environment variable that JudgeConfig.key_variable names."
            )
        if not any(name in self.parameters for name in OUTPUT_LIMITS):
            raise UserError(
                f"JudgeConfig.parameters has neither of {' and '.join(OUTPUT_LIMITS)}: set the "
                "one that the model takes, so that the cost has a bound."
            )
        if self.input_price is None or self.output_price is None:
            raise UserError(
                "set JudgeConfig.input_price and JudgeConfig.output_price, the prices of a million "
                "tokens, so that the cost can be estimated beforehand; 0 for a server of your own."
            )
