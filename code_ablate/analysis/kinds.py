"""What each kind of task is called in a report, and which column of the items is its score.

SCORES["exact_match"], NAMES["exact_match"]         # "correct", "exact match"
"""

from code_ablate.evaluation.registry import ANSWERS, GOLD, OPEN_ENDED, PROGRAMS, RANKED

BITS_PER_BYTE = "bits_per_byte"
"""The kind of a domain."""

SCORES = {
    RANKED: "correct",
    ANSWERS: "correct",
    PROGRAMS: "correct",
    GOLD: "bits",
    BITS_PER_BYTE: "bits",
    OPEN_ENDED: None,
}
"""The score that counts in a category: from 0 to 1, or bits over bytes; None where only a judge can
tell."""

NAMES = {
    RANKED: "accuracy",
    ANSWERS: "exact match",
    PROGRAMS: "pass@1",
    GOLD: "gold bits per byte",
    BITS_PER_BYTE: "bits per byte",
    OPEN_ENDED: "open-ended",
}
"""What the score is called."""

ITEM_SCORES = {
    RANKED: ("correct", "correct_per_byte", "bits"),
    ANSWERS: ("correct",),
    PROGRAMS: ("correct",),
    GOLD: ("bits", "correct"),
    BITS_PER_BYTE: ("bits",),
    OPEN_ENDED: ("generated_tokens",),
}
"""All columns that a report shows. Of the gold continuation, `correct` says that greedy decoding
would give exactly it."""

GENERATING = (ANSWERS, PROGRAMS, OPEN_ENDED)
"""Kinds whose items have a text of the model's own."""


def shared_name(kinds) -> str:
    """The name of the score of tasks of these kinds: "score" if they have several."""
    names = {NAMES[kind] for kind in kinds}
    return names.pop() if len(names) == 1 else "score"
