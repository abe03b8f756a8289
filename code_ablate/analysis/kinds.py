"""What analysis knows of each kind of task: what its score is called, and where it stands.

    KINDS["exact_match"].title, KINDS["exact_match"].score         # "exact match", "correct"

The rest of analysis reads the facts from here alone.
"""

from dataclasses import dataclass

from code_ablate.evaluation.registry import ANSWERS, GOLD, OPEN_ENDED, PROGRAMS, RANKED

__all__ = [
    "ANSWERS",
    "BITS_PER_BYTE",
    "GOLD",
    "KINDS",
    "OPEN_ENDED",
    "PROGRAMS",
    "RANKED",
    "Facts",
]

BITS_PER_BYTE = "bits_per_byte"
"""The kind of a domain."""


@dataclass(frozen=True)
class Facts:
    """What a report needs to know of a kind of task."""

    name: str
    """Name of the kind, as in results.parquet."""
    title: str
    """What its score is called: "accuracy", "exact match", ..."""
    score: str | None
    """Column of the items that counts in a category: "correct", from 0 to 1, or "bits", over
    bytes; None where only a judge can tell."""
    columns: tuple[str, ...]
    """All columns that a report shows."""
    generates: bool
    """Whether its items have an answer that the model wrote."""
    sentence: str
    """How it is scored, in a sentence."""


_ALL = (
    Facts(
        BITS_PER_BYTE,
        "bits per byte",
        "bits",
        ("bits",),
        False,
        "Bits per byte of a domain = sum of −log₂ p over the scored tokens of its validation "
        "documents / sum of their UTF-8 bytes; n counts documents.",
    ),
    Facts(
        RANKED,
        "accuracy",
        "correct",
        ("correct", "correct_per_byte", "bits"),
        False,
        "Accuracy = share of items whose right answer has the highest log-likelihood of those "
        "offered; “per byte” divides each answer's log-likelihood by its bytes first. Bits per "
        "byte of the right answer = sum of its bits / sum of its bytes.",
    ),
    Facts(
        ANSWERS,
        "exact match",
        "correct",
        ("correct",),
        True,
        "Exact match = share of items whose generated answer the task's own metric calls right.",
    ),
    Facts(
        PROGRAMS,
        "pass@1",
        "correct",
        ("correct",),
        True,
        "pass@1 = share of generated programs that pass their tests.",
    ),
    Facts(
        GOLD,
        "gold bits per byte",
        "bits",
        ("bits", "correct"),
        False,
        "Gold bits per byte = bits of the right answers, given their prompts / bytes of the right "
        "answers; greedy decoding gives a right answer if each of its tokens is the likeliest.",
    ),
    Facts(
        OPEN_ENDED,
        "open-ended",
        None,
        ("generated_tokens",),
        True,
        "Open-ended answers have no score of their own: only a judge can tell.",
    ),
)

KINDS = {facts.name: facts for facts in _ALL}
"""Facts of every kind, by its name."""
