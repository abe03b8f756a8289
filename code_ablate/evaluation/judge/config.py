"""Which judge is asked, how fast, and for how much money.

JudgeConfig(base_url="https://host/v1", model="name", input_price=2.5, output_price=10.0)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from code_ablate.checked import (
    LARGEST,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
    checked,
)
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.names import require_label

_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")
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
        _require_json("JudgeConfig.parameters", self.parameters)
        limits = output_limits(self.parameters)
        if len(limits) > 1:
            raise UserError(
                f"JudgeConfig.parameters sets {' and '.join(limits)}: set the one that the model "
                "takes."
            )
        for name, limit in limits.items():
            if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= LARGEST:
                raise UserError(
                    f"JudgeConfig.parameters[{name!r}] is {limit!r}: set it to a whole number of 1 "
                    "or more."
                )

    @property
    def output_tokens(self) -> int:
        """Tokens of a reply, at most."""
        (limit,) = output_limits(self.parameters).values()
        return limit

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
        require_label("JudgeConfig.model", self.model)
        address = _address(self.base_url)
        if address.username or address.password or address.query or address.fragment:
            raise UserError(
                "JudgeConfig.base_url holds more than an address. It is written to the results: "
                "give the key by the environment variable that JudgeConfig.key_variable names."
            )
        if not output_limits(self.parameters):
            raise UserError(
                f"JudgeConfig.parameters has neither of {' and '.join(_OUTPUT_LIMITS)}: set the "
                "one that the model takes, so that the cost has a bound."
            )
        if self.input_price is None or self.output_price is None:
            raise UserError(
                "set JudgeConfig.input_price and JudgeConfig.output_price, the prices of a million "
                "tokens, so that the cost can be estimated beforehand; 0 for a server of your own."
            )


def output_limits(parameters: Mapping[str, Any]) -> dict[str, int]:
    """The parameters that say how many tokens a reply may have."""
    return {name: parameters[name] for name in _OUTPUT_LIMITS if name in parameters}


def _address(url: str) -> SplitResult:
    """The parts of an address. Raises UserError, without the password that may be in it."""
    wrong = UserError("JudgeConfig.base_url is not an address: write it as https://host/v1.")
    try:
        address = urlsplit(url)
        host, _ = address.hostname, address.port
    except ValueError:  # brackets or a port that are wrong
        raise wrong from None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or not host or address.scheme not in ("http", "https"):
        raise wrong
    return address


def _require_json(name: str, value: Any) -> None:
    """Raises UserError for what cannot be sent as JSON."""
    try:
        json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f"{name} cannot be sent ({error}): use text, finite numbers, True, False, None, lists "
            "and dicts."
        ) from None
