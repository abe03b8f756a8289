"""What one filter did to the documents of a corpus: counts, a histogram, and examples.

    tally = FilterTally(LongestLine(1000), seed=0)
    tally.add(document, size, rule.judge(document))
    tally.plain                        # plain values for a manifest
    merged([tally.plain, other.plain]) # of two pieces: as if one tally had seen all documents
    FilterRecord.of(plain).examples

The memory is bounded whatever the corpus, and the result depends on the documents and the seed
alone: not on their order, nor on how they are cut into pieces. Examples are drawn by a hash of
their text, and secrets in them are redacted.
"""

import bisect
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from code_ablate.data.filters.base import Document, Filter, Rewriter, Step, Value, Verdict
from code_ablate.data.filters.scales import Limit
from code_ablate.data.filters.secrets import redacted

EXAMPLES = 5
"""Examples of each sort that are kept."""
EXCERPT_CHARACTERS = 300
"""Characters of the text of an example."""


@dataclasses.dataclass(frozen=True)
class Bin:
    """Documents whose value lies between two limits."""

    low: Limit
    """Lower limit, included; None: there is none. Of a category its name."""
    high: Limit
    """Upper limit, excluded; None: there is none. Of a category its name."""
    kept: int
    """Documents that were kept."""
    dropped: int
    """Documents that were dropped."""


@dataclasses.dataclass(frozen=True)
class Example:
    """A document that a filter saw."""

    text: str
    """Some characters of the text, without secrets; of a rewritten document those around the first
    change."""
    start: int
    """Number of the first of them within the text."""
    value: Value
    """What the filter measured; of a rewriter the number of changes."""
    path: str
    """Path within the source."""
    language: str
    """Language, as the source names it."""
    source: str
    """Name of the distribution or file."""


@dataclasses.dataclass(frozen=True)
class FilterRecord:
    """What stands in a store's manifest of one filter or rewriter."""

    kind: str
    """Name of the rule without its thresholds."""
    thresholds: Mapping[str, Any]
    """Arguments of the rule, by name."""
    seen: int
    """Documents that it judged."""
    seen_bytes: int
    """Bytes of their text."""
    passed_by: int
    """Documents that came, in languages that it does not look at."""
    dropped: int
    """Documents that it dropped; of a rewriter those that it changed."""
    dropped_bytes: int
    """Bytes of their text, before a change."""
    changes: Mapping[str, int]
    """Changes that a rewriter made, by kind."""
    histogram: Sequence[Bin]
    """Bins with a document in them, in ascending order; empty for a rewriter."""
    dropped_examples: Sequence[Example]
    """Some of the documents that it dropped or changed, drawn by the seed."""
    kept_examples: Sequence[Example]
    """Documents that it kept whose values are the nearest to a bound."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "FilterRecord":
        """The record of `merged` or of a manifest."""
        return cls(
            **{
                **plain,
                "histogram": tuple(Bin(*row) for row in plain["histogram"]),
                "dropped_examples": tuple(Example(**e) for e in plain["dropped_examples"]),
                "kept_examples": tuple(Example(**e) for e in plain["kept_examples"]),
            }
        )


class _Sample:
    """The examples with the smallest keys."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, dict[str, Any]]] = []

    def accepts(self, key: Any) -> bool:
        """Whether an example with this key, or one that begins so, would be among them."""
        return len(self._rows) < EXAMPLES or key <= self._rows[-1][0][: len(key)]

    def add(self, key: tuple, example: dict[str, Any]) -> None:
        """Keeps one of the examples that have this key, the same in whatever order they come."""
        for number, (known, other) in enumerate(self._rows):
            if known == key:
                self._rows[number] = (key, min(example, other, key=_in_order))
                return
        bisect.insort(self._rows, (key, example), key=lambda row: row[0])
        del self._rows[EXAMPLES:]

    @property
    def plain(self) -> list[list[Any]]:
        return [[list(key), example] for key, example in self._rows]


def _in_order(example: Mapping[str, Any]) -> list[str]:
    return [str(example[name]) for name in sorted(example)]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


class _Tally:
    """What both sorts of rules count."""

    def __init__(self, rule: Step, seed: int):
        self._rule = rule
        self._salt = f"{seed} {rule.name}".encode()
        self._counts = dict.fromkeys(("seen", "seen_bytes", "passed_by"), 0)
        self._counts |= {"dropped": 0, "dropped_bytes": 0}
        self._changes: dict[str, int] = {}
        self._bins: dict[int, list[int]] = {}
        self._dropped, self._kept = _Sample(), _Sample()

    def pass_by(self) -> None:
        """Counts a document that the rule does not look at."""
        self._counts["passed_by"] += 1

    def _see(self, size: int, gone: bool) -> None:
        self._counts["seen"] += 1
        self._counts["seen_bytes"] += size
        if gone:
            self._counts["dropped"] += 1
            self._counts["dropped_bytes"] += size

    def _key(self, document: Document) -> str:
        digest = document.once(_digest)
        return hashlib.blake2b(self._salt + digest, digest_size=8).hexdigest()

    @property
    def plain(self) -> dict[str, Any]:
        """Plain values; examples with the keys by which they were drawn."""
        return {
            "kind": self._rule.kind,
            "thresholds": {k: _plain(v) for k, v in self._rule.thresholds.items()},
            **self._counts,
            "changes": dict(self._changes),
            "histogram": [[number, *counts] for number, counts in sorted(self._bins.items())],
            "limits": [list(self._limits(number)) for number in sorted(self._bins)],
            "dropped_examples": self._dropped.plain,
            "kept_examples": self._kept.plain,
        }

    def _limits(self, number: int) -> tuple[Limit, Limit]:
        assert isinstance(self._rule, Filter)
        return self._rule.scale.limits(number)


class FilterTally(_Tally):
    """What a filter did."""

    def __init__(self, rule: Filter, seed: int):
        super().__init__(rule, seed)
        self._rule: Filter = rule
        self._bounds, self._bin = rule.bounds, rule.scale.bin

    def add(self, document: Document, size: int, verdict: Verdict) -> None:
        """Counts a document that was judged. `size`: bytes of its text."""
        gone = verdict.drop is not None
        self._see(size, gone)
        counts = self._bins.setdefault(self._bin(verdict.value), [0, 0])  # type: ignore[arg-type]
        counts[gone] += 1
        if gone:
            key = (self._key(document),)
            if self._dropped.accepts(key):
                self._dropped.add(key, self._example(document, verdict.value))
        elif self._bounds and isinstance(verdict.value, int | float):
            distance = _distance(verdict.value, self._bounds)
            if self._kept.accepts((distance,)):
                full = (distance, self._key(document))
                if self._kept.accepts(full):
                    self._kept.add(full, self._example(document, verdict.value))

    def _example(self, document: Document, value: Value) -> dict[str, Any]:
        # Redacted as a whole: a secret that the excerpt cuts in two is not known for one.
        shown = dataclasses.replace(document, text=redacted(document.text))
        return _example(shown, value, self._rule.place(shown))


class RewriterTally(_Tally):
    """What a rewriter did."""

    def __init__(self, rule: Rewriter, seed: int):
        super().__init__(rule, seed)

    def add(
        self, document: Document, size: int, after: Document, changes: Mapping[str, int]
    ) -> None:
        """Counts a document that was looked at. `size`: bytes of its text before."""
        self._see(size, bool(changes))
        for kind, count in changes.items():
            self._changes[kind] = self._changes.get(kind, 0) + count
        if changes:
            key = (self._key(document),)
            if self._dropped.accepts(key):
                change = _first_change(document.text, after.text)
                start = len(redacted(after.text[: after.text.rfind("\n", 0, change) + 1]))
                shown = dataclasses.replace(after, text=redacted(after.text))
                self._dropped.add(key, _example(shown, sum(changes.values()), start))


def tally_of(rule: Step, seed: int) -> "FilterTally | RewriterTally":
    """The tally for a rule."""
    if isinstance(rule, Rewriter):
        return RewriterTally(rule, seed)
    assert isinstance(rule, Filter)
    return FilterTally(rule, seed)


def merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of the `FilterRecord` of several tallies of one rule, as plain values."""
    first = parts[0]
    bins: dict[int, list[int]] = {}
    limits: dict[int, Sequence[Limit]] = {}
    changes: dict[str, int] = {}
    for part in parts:
        for (number, *counts), ends in zip(part["histogram"], part["limits"], strict=True):
            before = bins.get(number, [0, 0])
            bins[number] = [a + b for a, b in zip(before, counts, strict=True)]
            limits[number] = ends
        for kind, count in part["changes"].items():
            changes[kind] = changes.get(kind, 0) + count
    sums = ("seen", "seen_bytes", "passed_by", "dropped", "dropped_bytes")
    return {
        "kind": first["kind"],
        "thresholds": dict(first["thresholds"]),
        **{name: sum(part[name] for part in parts) for name in sums},
        "changes": dict(sorted(changes.items())),
        "histogram": [[*limits[number], *bins[number]] for number in sorted(bins)],
        "dropped_examples": _first(row for part in parts for row in part["dropped_examples"]),
        "kept_examples": _first(row for part in parts for row in part["kept_examples"]),
    }


def _first(rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    sample = _Sample()
    for key, example in rows:
        sample.add(tuple(key), dict(example))
    return [example for _, example in sample.plain]


def _distance(value: float, bounds: Sequence[float]) -> float:
    """How far a value is from the nearest bound, as a share of the bound."""
    return min(abs(value - bound) / (abs(bound) or 1.0) for bound in bounds)


def _example(document: Document, value: Value, start: int) -> dict[str, Any]:
    shown = document.text[start : start + EXCERPT_CHARACTERS]
    where = (document.path, document.language, document.source)
    return dataclasses.asdict(Example(shown, start, value, *where))


def _first_change(before: str, after: str) -> int:
    """The number of the first character in which two texts differ."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if before[:middle] == after[:middle] else (low, middle - 1)
    return low


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | frozenset | set) else value
