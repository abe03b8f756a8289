"""How a task wants its answers generated, as plain values: no JAX, no TensorFlow.

Sampling(max_tokens=32, stop=("\n",))                                # greedy
Sampling(max_tokens=512, stop=("\ndef ",), temperature=0.8, top_p=0.95, samples=20)
"""

import dataclasses
from dataclasses import dataclass

from code_ablate.errors import UserError


@dataclass(frozen=True)
class Sampling:
    """Where an answer ends, and how its tokens are chosen."""

    max_tokens: int = 64
    """Tokens of one answer, at most."""

    stop: tuple[str, ...] = ("\n",)
    """Strings before the first of which an answer ends. End of document always ends it."""

    temperature: float = 0.0
    """Divisor of the logits; 0 takes the likeliest token (greedy)."""

    top_p: float = 1.0
    """Probability that the likeliest tokens, from which each is drawn, have together (nucleus)."""

    samples: int = 1
    """Answers to each prompt."""

    seed: int = 0
    """Seed of the draws, which depend on it, the item and the number of the sample alone."""

    @property
    def what_matters(self) -> "Sampling":
        """The same answers: what nothing is drawn with is as it is by default."""
        return self if self.temperature else dataclasses.replace(self, top_p=1.0, seed=0)

    def prompt_room(self, longest: int) -> int:
        """Tokens of a prompt that are seen, of a model that sees `longest` at once.

        An answer has max_tokens of them, but never more than half. A longer prompt loses its
        beginning; where a prompt is shorter, an answer may take what it leaves.
        """
        return max(1, longest - min(self.max_tokens, longest // 2))

    def __post_init__(self):
        if self.max_tokens < 1 or self.samples < 1:
            raise UserError(
                f"Sampling.max_tokens is {self.max_tokens} and samples {self.samples}: set both "
                "to 1 or more."
            )
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise UserError(
                f"Sampling.temperature is {self.temperature} and top_p {self.top_p}: set the first "
                "to 0 (greedy) or more, the second above 0 and to 1 at most."
            )
        if self.samples > 1 and self.temperature == 0:
            raise UserError(
                f"Sampling.samples is {self.samples} with temperature 0, which gives the same "
                "answer each time: raise the temperature, or set samples to 1."
            )
        if "" in self.stop:
            raise UserError("Sampling.stop has an empty string, which ends every answer: drop it.")


@dataclass(frozen=True)
class Completion:
    """One generated answer."""

    text: str
    """The answer up to the first stop string, without it."""

    tokens: int
    """Tokens that were generated, those of the stop string among them."""

    ended_by: str
    """What ended the answer: "stop" (a stop string), "eos" (end of document) or "length"
    (max_tokens, or no room)."""
