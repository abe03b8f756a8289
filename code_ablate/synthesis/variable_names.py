"""Names of variables and parameters that solutions choose among.

rng.choice(SYNONYMS["total"])        # "total", "running", "acc", ...
"""

from collections.abc import Mapping

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "total": ("total", "running", "acc", "so_far", "amount"),
    "count": ("count", "number", "hits", "n", "matches"),
    "result": ("result", "answer", "out", "outcome", "res"),
    "best": ("best", "top", "record", "champion"),
    "kept": ("kept", "chosen", "selected", "survivors", "good"),
    "values": ("values", "numbers", "results", "figures"),
    "counts": ("counts", "tally", "frequency", "occurrences"),
    "totals": ("totals", "sums", "by_key", "ledger"),
    "seen": ("seen", "known", "visited", "already"),
    "run": ("run", "streak", "current", "length"),
    "previous": ("previous", "last", "before", "prior"),
    "ordered": ("ordered", "in_order", "arranged", "ranked"),
    "i": ("i", "index", "position", "k", "idx"),
    "j": ("j", "other", "inner", "end"),
    "key": ("key", "name", "entry"),
    "value": ("value", "number", "v"),
    "letter": ("letter", "char", "c", "ch", "symbol"),
    "left": ("left", "remaining", "rest"),
    "groups": ("groups", "buckets", "grouped", "collected"),
    "words": ("words", "parts", "pieces"),
    "current": ("current", "pending", "piece"),
    "a": ("a", "first", "one", "earlier"),
    "b": ("b", "second", "other", "later"),
    "labels": ("labels", "texts", "strings"),
    "window": ("window", "span_sum", "recent"),
    "prefix": ("prefix", "shared", "common"),
    "balance": ("balance", "lead", "surplus"),
    "label": ("label", "tag", "category"),
    "group": ("group", "block", "stretch"),
    "amount": ("amount", "value", "quantity"),
}
"""Name of a variable in a form -> names that a solution may give it."""

OF_SOMETHING = frozenset(
    [
        *("total", "count", "result", "best", "kept", "values", "counts", "totals", "seen", "run"),
        *(
            "previous",
            "ordered",
            "left",
            "groups",
            "words",
            "current",
            "labels",
            "window",
            "prefix",
        ),
        *("balance", "lowest", "smallest", "top", "lines", "queue", "layer", "distances", "order"),
        *("sums", "terms", "names", "rows", "row", "records", "highest", "accounts", "waiting"),
        *("stack", "moved", "joined", "gaps", "reached", "ways", "fewest", "digits", "sequence"),
        *("found", "paths", "flat", "tops", "costs", "latest", "answer", "table", "code", "value"),
        *("winner", "leader", "lengths", "answer", "tail", "head", "cells", "left_wall", "water"),
        *("amount", "key", "name", "ranking", "letter", "degrees", "factors", "primes", "states"),
    ]
)
"""Names of variables that may say what they are about: `total_fare` instead of `total`."""

PARAMETERS = {
    "Ints": "numbers", "Words": "words", "Records": "items", "Tally": "table", "Groups": "groups",
    "Index": "index", "Pairs": "pairs", "Word": "text", "Text": "text",
    "Int": "number", "Grid": "rows",
}  # fmt: skip
"""Type in the grammar -> name of the parameter of a helper that takes a value of it."""
