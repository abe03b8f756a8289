"""Phrases that many wordings have in common, and other ways to say the same.

varied("the largest of the weights (0 if there are none)", rng)
"""

from random import Random

WAYS = {
    "(0 if there are none)": (
        "(0 if there are none)",
        "(or 0 if there are none)",
        "(0 for none)",
        "(0 when there are none)",
        "(take 0 if there are none)",
        "(an empty list counts as 0)",
        "(nothing at all gives 0)",
    ),
    "the alphabetically first one if several tie": (
        "the alphabetically first one if several tie",
        "ties go to the first in the alphabet",
        "in case of a tie the one that comes first in the alphabet",
        "the first in the alphabet on a tie",
        "of equal ones the alphabetically first",
    ),
    "equal ones in alphabetical order": (
        "equal ones in alphabetical order",
        "ties in alphabetical order",
        "equal ones alphabetically",
        "those that are equal by the alphabet",
        "breaking ties by the alphabet",
    ),
    "the first of them if several tie": (
        "the first of them if several tie",
        "the first one on a tie",
        "the earliest one in case of a tie",
        "the one that comes first if several are equal",
    ),
    "equal ones staying in their order": (
        "equal ones staying in their order",
        "equal ones as they were",
        "ties in their old order",
        "without changing the order of equal ones",
    ),
    "in alphabetical order": (
        "in alphabetical order",
        "in alphabetical order",
        "sorted alphabetically",
        "from A to Z",
    ),
    "in increasing order": (
        "in increasing order",
        "in increasing order",
        "from small to large",
        "sorted upwards",
        "the smallest first",
    ),
    "rounded down": (
        "rounded down",
        "rounded down",
        "without the fraction",
    ),
    "'' if there are none": (
        "'' if there are none",
        "an empty string if there are none",
        "the empty string for none",
    ),
    "'' if it is empty": (
        "'' if it is empty",
        "'' if there is nothing in it",
        "an empty string if it is empty",
    ),
    "counted from 0": (
        "counted from 0",
        "starting at 0",
        "where the first is number 0",
    ),
    "in their order": (
        "in their order",
        "in the order they come",
        "keeping their order",
    ),
}
"""Stock phrase -> ways to say it, itself among them."""


def varied(text: str, rng: Random) -> str:
    """A sentence with its stock phrases said in other ways."""
    for stock, ways in WAYS.items():
        while stock in text:
            before, _, after = text.partition(stock)
            text = f"{before}\0{ways.index(rng.choice(ways))}\0{after}"
        for i, way in enumerate(ways):
            text = text.replace(f"\0{i}\0", way)
    return text
