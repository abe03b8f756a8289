"""Many questions to an endpoint: at once, no faster than allowed, for no more than agreed.

    JudgingCost.of(questions, cache, config).require_at_most(config.ceiling)
    replies, usage = ask_all(questions, endpoint, cache, config)
    replies[questions[0].key].text

Every reply is in the cache before the next one is looked at, so a second call asks only for what a
kill, a limit or an error of the endpoint left out.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.cache import AnswerCache
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.endpoint import Endpoint
from code_ablate.evaluation.judge.exchange import CHARACTERS_PER_TOKEN, Question, Reply

MOST_FAILURES = 8
"""Failed requests in a row, each after its retries, after which the endpoint counts as down and
nothing more is asked."""


@dataclass(frozen=True)
class JudgingCost:
    """Estimate of what questions cost at most; tokens are estimated from characters."""

    requests: int
    """Requests that are still to be made."""
    cached: int
    """Questions that have a reply in the cache already."""
    input_tokens: int
    """Tokens to send, estimated from characters."""
    output_tokens: int
    """Tokens to receive if every reply is as long as it may be."""
    cost: float
    """Cost of both, in the currency of the prices."""

    @classmethod
    def of(
        cls, questions: Sequence[Question], cache: AnswerCache, config: JudgeConfig
    ) -> "JudgingCost":
        """The cost of the questions that the cache has no reply to."""
        todo = _unanswered(questions, cache)
        input_tokens = sum(question.input_tokens for question in todo)
        output_tokens = config.output_tokens * len(todo)
        return cls(
            len(todo),
            len({question.key for question in questions}) - len(todo),
            input_tokens,
            output_tokens,
            config.cost(input_tokens, output_tokens),
        )

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests to make, {self.cached:,} in the cache; at most "
            f"{self.input_tokens:,} tokens in (1 for {CHARACTERS_PER_TOKEN:g} characters) and "
            f"{self.output_tokens:,} out: {self.cost:.4f}"
        )

    def require_at_most(self, ceiling: float) -> None:
        """Raises UserError if the cost exceeds the ceiling."""
        if self.cost > ceiling:
            raise UserError(
                f"this may cost {self.cost:.4f}, and JudgeConfig.ceiling is {ceiling:g}: raise it, "
                "or choose a cheaper judge or fewer prompts. Nothing was asked."
            )


def _unanswered(questions: Sequence[Question], cache: AnswerCache) -> list[Question]:
    different = {question.key: question for question in questions}
    return [question for question in different.values() if cache.get(question) is None]


class Pace:
    """When the next request may begin, so that no minute holds more than is allowed."""

    def __init__(self, requests_per_minute: float, tokens_per_minute: float):
        self._seconds_per_request = 60.0 / requests_per_minute
        self._seconds_per_token = 60.0 / tokens_per_minute
        self._free_at = float("-inf")

    def begin(self, now: float, tokens: int) -> float:
        """The second at which a request of `tokens` tokens may begin; the next one waits for it."""
        start = max(now, self._free_at)
        self._free_at = start + max(self._seconds_per_request, self._seconds_per_token * tokens)
        return start


@dataclass
class Usage:
    """What was asked in one call, and what it cost by the endpoint's own counts."""

    requests: int = 0
    """Requests that came to an end, with a reply or without."""
    retries: int = 0
    """Repetitions of requests."""
    failures: int = 0
    """Requests without a reply after all retries."""
    input_tokens: int = 0
    """Tokens sent."""
    output_tokens: int = 0
    """Tokens received."""
    uncounted: int = 0
    """Requests whose tokens the endpoint did not count, or not sensibly: they are taken for the
    most that they can be."""
    cost: float = 0.0
    """Cost of all requests, in the currency of the prices; of one without a reply that may have
    been paid for, the most that it can have cost."""


def ask_all(
    questions: Sequence[Question],
    endpoint: Endpoint,
    cache: AnswerCache,
    config: JudgeConfig,
    advance: Callable[[int], object] = lambda done: None,
) -> tuple[dict[str, Reply], Usage]:
    """A reply to each question, by its key, and what was asked for that.

    A question whose request failed has a reply with `error`; it is asked again by the next call.
    Raises Failed when the ceiling is reached, the endpoint refuses the key or model, or
    MOST_FAILURES requests in a row fail. `advance` is told how many requests are done.
    """
    run = _Run(cache, config, advance)
    with ThreadPoolExecutor(config.concurrency) as pool:
        try:
            for question in _unanswered(questions, cache):
                if not run.may_ask(question):
                    break
                run.pending[pool.submit(endpoint.ask, question)] = question
        finally:
            # After Ctrl-C too: what is under way will be paid for.
            while run.pending:
                run.collect()
    if run.unexpected:
        raise run.unexpected
    if run.stopped:
        raise Failed(
            f"{run.stopped} {run.kept} replies of this call are kept; it cost "
            f"{run.usage.cost:.4f} at most. The same command asks only for what is missing."
        )
    return {q.key: run.failed.get(q.key) or _cached(q, cache) for q in questions}, run.usage


def _cached(question: Question, cache: AnswerCache) -> Reply:
    reply = cache.get(question)
    assert reply is not None, "a reply is neither in the cache nor among the failures"
    return reply


class _Run:
    """The state of one call of `ask_all`. Only the thread that made it touches it."""

    def __init__(
        self, cache: AnswerCache, config: JudgeConfig, advance: Callable[[int], object]
    ) -> None:
        self._cache, self._config, self._advance = cache, config, advance
        self._pace = Pace(config.requests_per_minute, config.tokens_per_minute)
        self._failures_in_a_row = 0
        self.usage = Usage()
        self.failed: dict[str, Reply] = {}
        self.pending: dict[Future, Question] = {}
        self.kept = 0
        """Replies that are in the cache by now."""
        self.stopped = ""
        """Reason why nothing more is asked; empty while all is well."""
        self.unexpected: Exception | None = None
        """An error that nobody foresaw: raised when what is under way is in the cache."""

    def may_ask(self, question: Question) -> bool:
        """Waits until the question may be asked; False if none may be asked any more."""
        while len(self.pending) == self._config.concurrency or not self._affordable(question):
            if not self.pending:
                self.stopped = (
                    f"replies cost more than estimated, and the next one might exceed "
                    f"JudgeConfig.ceiling = {self._config.ceiling:g}: raise it."
                )
                return False
            self.collect()
        tokens = question.input_tokens + self._config.output_tokens
        begin = self._pace.begin(time.monotonic(), tokens)
        while not self.stopped and (seconds := begin - time.monotonic()) > 0:
            if self.pending:
                self.collect(seconds)
            else:
                time.sleep(seconds)
        return not self.stopped

    def collect(self, timeout: float | None = None) -> None:
        """Takes in what is finished; waits for the first of it, at most `timeout` seconds."""
        for future in wait(self.pending, timeout, return_when=FIRST_COMPLETED).done:
            question = self.pending.pop(future)
            try:
                self._take(question, future.result())
            except Failed as error:
                self.stopped = self.stopped or str(error)
            except Exception as error:
                self.unexpected = self.unexpected or error
                self.stopped = self.stopped or str(error) or type(error).__name__

    def _take(self, question: Question, reply: Reply) -> None:
        self.usage.requests += 1
        self.usage.retries += reply.retries
        self.usage.input_tokens += reply.input_tokens
        self.usage.output_tokens += reply.output_tokens
        self.usage.uncounted += not reply.counted
        self.usage.cost += self._config.cost(reply.input_tokens, reply.output_tokens)
        if reply.error:
            self._take_failure(question, reply)
        else:
            self._cache.put(question, reply)
            self.kept += 1
            self._failures_in_a_row = 0
        self._advance(1)

    def _take_failure(self, question: Question, reply: Reply) -> None:
        self.failed[question.key] = reply
        self.usage.failures += 1
        self._failures_in_a_row += 1
        if self._failures_in_a_row == MOST_FAILURES:
            self.stopped = f"{MOST_FAILURES} requests in a row failed, the last with: {reply.error}"

    def _affordable(self, question: Question) -> bool:
        """Whether it fits under the ceiling with what is spent and, at worst, under way."""
        asked = (question, *self.pending.values())
        at_worst = self._config.cost(
            sum(one.input_tokens for one in asked), self._config.output_tokens * len(asked)
        )
        # The last digits depend on the order of a sum.
        return self.usage.cost + at_worst <= self._config.ceiling * (1 + 1e-9)
