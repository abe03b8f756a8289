"""The n-grams of evaluation items, and which of them stand in a document.

    index = LeakIndex.of({"mbpp": items}, Decontamination())
    next(index.hits(["def f(a): ..."]))     # numbers of the n-grams that stand in it

Prose: n-grams of words (`word_hashes`) of a part; a shorter part with `shortest` words or more is
one n-gram of its own length. Programs: windows of normalised tokens (`code_hashes`). An n-gram of
prose does not count if it says little: if fewer than half of its words are different, or more than
half begin with a digit (tables of numbers). None counts that more than `common` items of one task
have (forms that questions share).
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Bool, Int, UInt

from code_ablate.checked import PositiveInt, Share, checked
from code_ablate.data.preparing import code_hashes, word_hashes
from code_ablate.data.preparing.code_hashes import code_windows, shown_code
from code_ablate.data.preparing.evaluation_items import PROMPT, Items
from code_ablate.data.preparing.word_hashes import (
    Ragged,
    mixed,
    sequence_hashes,
    tokens_of,
    words_of,
)
from code_ablate.errors import UserError
from code_ablate.identity import to_plain

VERSION = 1
"""Raised when other n-grams count: it enters what stores are kept under."""

PROSE, CODE = "prose", "code"
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_FILTER_BITS = 26
_FILTER_SHIFT = np.uint64(64 - _FILTER_BITS)


@checked
@dataclass(frozen=True)
class Decontamination:
    """Evaluation tasks whose items must not be trained on, and when a document holds an item."""

    tasks: tuple[str, ...] = ()
    """Evaluation tasks whose items are looked for, those among them whose rows are on this machine.
    Empty: every registered one; a task that is registered later then makes all stores anew."""
    ngram: Annotated[int, Ge(2), Le(100)] = 13
    """Words of an n-gram of prose."""
    shortest: PositiveInt = 8
    """Fewest words of a part of an item that is looked for; one below `ngram` must stand in a
    document as a whole."""
    code_tokens: Annotated[int, Ge(2), Le(1000)] = 16
    """Normalised tokens of a window of a program."""
    shortest_code: PositiveInt = 20
    """Fewest normalised tokens of a program that is looked for."""
    share: Share = 0.5
    """Share of a part's n-grams or windows in one document from which the document holds it."""
    common: PositiveInt = 10
    """Most documents of a corpus that may have an n-gram of prose for it to be enough alone: what
    more of them have is a phrase that texts quote. Also the most items of a task that may have an
    n-gram for it to count at all."""

    def __post_init__(self):
        if self.shortest > self.ngram:
            raise UserError(
                f"Decontamination.shortest is {self.shortest}: give at most "
                f"Decontamination.ngram = {self.ngram}."
            )
        if self.shortest_code < self.code_tokens:
            raise UserError(
                f"Decontamination.shortest_code is {self.shortest_code}: give at least "
                f"Decontamination.code_tokens = {self.code_tokens}."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the verdicts beside documents and items."""
        rules = {k: v for k, v in to_plain(self).items() if k != "tasks"}
        versions = f"words {word_hashes.VERSION}, code {code_hashes.VERSION}, index {VERSION}"
        return {"hashes": versions, **rules}


@dataclass(frozen=True)
class Parts:
    """The parts of all items that are looked for, as columns."""

    task_P: np.ndarray
    """Name of the part's task."""
    item_P: np.ndarray
    """Id of the part's item."""
    name_P: np.ndarray
    """PROMPT or ANSWER."""
    rule_P: np.ndarray
    """PROSE or CODE."""
    single_P: np.ndarray
    """Whether one n-gram can be enough: of prose. Programs share lines."""
    ngrams_P: Int[np.ndarray, " P"]
    """Different n-grams of the part that count."""


@dataclass(frozen=True)
class PartTable:
    """The parts that n-grams belong to, by number: a part of a `LeakIndex`."""

    ends_G: Int[np.ndarray, " G"]
    """Where the parts of each n-gram end in `part_H`."""
    part_H: Int[np.ndarray, " H"]
    """Numbers of the parts that have an n-gram, n-gram by n-gram."""
    ngrams_P: Int[np.ndarray, " P"]
    """Different n-grams of each part that count."""
    single_P: Bool[np.ndarray, " P"]
    """Whether one n-gram of a part can be enough."""

    def parts_of(self, ngrams: Int[np.ndarray, " F"]) -> tuple[np.ndarray, np.ndarray]:
        """(number of the n-gram within `ngrams`, part): all parts that have one of them."""
        starts = np.where(ngrams > 0, self.ends_G[np.maximum(ngrams, 1) - 1], 0)
        counts = self.ends_G[ngrams] - starts
        which = np.repeat(np.arange(len(ngrams)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return which, self.part_H[starts[which] + within]


@dataclass(frozen=True)
class LeakIndex:
    """Sorted n-grams by (rule, n), with the parts that have each."""

    rules: Decontamination
    """Rules by which items are looked for."""
    parts: Parts
    """The parts that are looked for."""
    tables: Mapping[tuple[str, int], UInt[np.ndarray, " G"]]
    """Hashes in ascending order, by rule and n. The n-grams are numbered through all tables."""
    beginnings: UInt[np.ndarray, " B"]
    """Hashes of the first `shortest` words of all n-grams of prose."""
    ends_G: Int[np.ndarray, " G"]
    """Where the parts of each n-gram end in `part_H`."""
    part_H: Int[np.ndarray, " H"]
    """Numbers of the parts that have an n-gram, n-gram by n-gram."""
    skipped: Mapping[str, int]
    """Parts with no n-gram that counts, by task: too short, or of what many items have."""

    @classmethod
    def of(cls, items: Mapping[str, Items], rules: Decontamination) -> "LeakIndex":
        """The index of the items of some tasks."""
        return _Builder(items, rules).index()

    def hits(self, texts: Sequence[str]) -> Iterator[Int[np.ndarray, " F"]]:
        """Numbers of the n-grams that stand in each document, each once."""
        shown = [shown_code(text) for text in texts]
        words = words_of(shown)
        begun = words.ngrams(self.rules.shortest)
        text_B, start_B = begun.text_of, words.starts(self.rules.shortest)
        may_B = self._filter[begun.values >> _FILTER_SHIFT]
        hash_B, text_B, start_B = begun.values[may_B], text_B[may_B], start_B[may_B]
        found = []  # (number of the text, number of the n-gram)
        first = 0
        for (rule, n), table in self.tables.items():
            if rule == PROSE:
                within = start_B + n <= words.ends[text_B]
                hashes = _longer(hash_B[within], words.values, start_B[within], self.rules, n)
                text = text_B[within]
            else:
                windows = code_windows(shown, n)
                may = self._filter[windows.values >> _FILTER_SHIFT]
                hashes, text = windows.values[may], windows.text_of[may]
            places = np.searchsorted(table, hashes)
            same = table[np.minimum(places, len(table) - 1)] == hashes
            found.append(np.stack([text[same], places[same] + first], 1))
            first += len(table)
        pairs = np.unique(np.concatenate([*found, np.zeros((0, 2), np.int64)]), axis=0)
        ends = np.searchsorted(pairs[:, 0], np.arange(len(texts)), "right")
        return (Ragged(pairs[:, 1], ends).of(number) for number in range(len(texts)))

    @property
    def table(self) -> "PartTable":
        """What tells the parts that n-grams belong to."""
        return PartTable(self.ends_G, self.part_H, self.parts.ngrams_P, self.parts.single_P)

    @functools.cached_property
    def _filter(self) -> Bool[np.ndarray, " bits"]:
        """Whether a window of code, or the beginning of an n-gram, can be one of the index: most
        that are none of it are told by one look."""
        marked = np.zeros(2**_FILTER_BITS, bool)
        for hashes in (
            self.beginnings,
            *(t for (rule, _), t in self.tables.items() if rule == CODE),
        ):
            marked[hashes >> _FILTER_SHIFT] = True
        return marked


class _Builder:
    def __init__(self, items: Mapping[str, Items], rules: Decontamination):
        self._rules = rules
        self._rows: list[tuple[str, str, str, str, bool]] = []
        self._beginnings: list[np.ndarray] = []
        self._hashes: dict[tuple[str, int], list[tuple[np.ndarray, np.ndarray]]] = {}
        for task, of in items.items():
            start = len(self._rows)
            self._add_prose(task, of)
            self._add_code(task, of)
            self._forget_common(start)

    def index(self) -> LeakIndex:
        tables: dict[tuple[str, int], np.ndarray] = {}
        counts, parts = [], []
        for key in sorted(self._hashes):
            hashes = np.concatenate([h for h, _ in self._hashes[key]])
            if not len(hashes):
                continue
            part = np.concatenate([p for _, p in self._hashes[key]])
            hashes, part = _distinct_pairs(hashes, part)
            tables[key], count = np.unique(hashes, return_counts=True)
            counts.append(count)
            parts.append(part)
        none = np.zeros(0, np.int64)
        part_H = np.concatenate([*parts, none])
        ngrams_P = np.bincount(part_H, minlength=len(self._rows))
        task_P, item_P, name_P, rule_P = (
            np.array([row[i] for row in self._rows], object) for i in range(4)
        )
        single_P = np.array([row[4] for row in self._rows], bool)
        skipped: dict[str, int] = {}
        for row, ngrams in zip(self._rows, ngrams_P.tolist(), strict=True):
            skipped[row[0]] = skipped.get(row[0], 0) + (ngrams == 0)
        ends_G = np.cumsum(np.concatenate([*counts, none]))
        beginnings = np.unique(np.concatenate([*self._beginnings, np.zeros(0, np.uint64)]))
        columns = Parts(task_P, item_P, name_P, rule_P, single_P, ngrams_P)
        return LeakIndex(self._rules, columns, tables, beginnings, ends_G, part_H, skipped)

    def _add_prose(self, task: str, items: Items) -> None:
        parts = [(item.item, part) for item in items for part in item.parts]
        # The words of a program are looked for in its prompt only: there they are its docstring.
        chosen = [(item, part) for item, part in parts if part.name == PROMPT or not part.is_code]
        words, first_W = tokens_of([shown_code(part.text) for _, part in chosen], "")
        numbers = len(self._rows) + np.arange(len(chosen))
        self._rows += [(task, item, part.name, PROSE, not part.is_code) for item, part in chosen]
        counts = words.counts
        for n in range(self._rules.shortest, self._rules.ngram + 1):
            of_length = counts >= n if n == self._rules.ngram else counts == n
            if of_length.any():
                within_W = of_length[words.text_of]
                some = Ragged(words.values[within_W], np.cumsum(counts * of_length))
                starts = some.starts(n)
                begun = sequence_hashes(some.values, self._rules.shortest)[starts]
                hashes = _longer(begun, some.values, starts, self._rules, n)
                tells = some.windows(_tells(some.values, first_W[within_W], n), n).values
                parts_W = numbers[some.text_of[starts]]
                self._keep((PROSE, n), hashes[tells], parts_W[tells])
                self._beginnings.append(begun[tells])

    def _add_code(self, task: str, items: Items) -> None:
        chosen = [(i.item, part) for i in items for part in i.parts if part.is_code]
        numbers = len(self._rows) + np.arange(len(chosen))
        self._rows += [(task, item, part.name, CODE, False) for item, part in chosen]
        if chosen:
            size = self._rules.code_tokens
            windows = code_windows([part.text for _, part in chosen], size)
            enough = windows.counts + size - 1 >= self._rules.shortest_code
            wanted = enough[windows.text_of]
            self._keep((CODE, size), windows.values[wanted], numbers[windows.text_of[wanted]])

    def _keep(self, key: tuple[str, int], hashes: np.ndarray, parts: np.ndarray) -> None:
        if len(hashes):
            self._hashes.setdefault(key, []).append((hashes, parts))

    def _forget_common(self, start: int) -> None:
        """Leaves out, of the parts from `start` on, n-grams that too many items have."""
        names = dict.fromkeys(row[1] for row in self._rows[start:])
        items = {item: number for number, item in enumerate(names)}
        item_P = np.array([items[row[1]] for row in self._rows[start:]], np.int64)
        for pairs in self._hashes.values():
            new = [number for number, (_, parts) in enumerate(pairs) if parts.min() >= start]
            if not new:
                continue
            hashes = np.concatenate([pairs[i][0] for i in new])
            parts = np.concatenate([pairs[i][1] for i in new])
            _, ngram = np.unique(hashes, return_inverse=True)
            having, _ = _distinct_pairs(ngram, item_P[parts - start])
            few = np.bincount(having, minlength=ngram.max() + 1) <= self._rules.common
            pairs[new[0] :] = [(hashes[few[ngram]], parts[few[ngram]])]


def _tells(words: np.ndarray, first_W: np.ndarray, n: int) -> Bool[np.ndarray, " W"]:
    """Whether of each n words half are different, and half begin with no digit."""
    count = len(words) - n + 1
    different = np.ones(count, np.int64)
    for place in range(1, n):
        seen = np.zeros(count, bool)
        for before in range(place):
            seen |= words[place : place + count] == words[before : before + count]
        different += ~seen
    letters = np.cumsum(np.concatenate([[0], (first_W < ord("0")) | (first_W > ord("9"))]))
    spelled = letters[n:] - letters[:-n]
    return (2 * different >= n) & (2 * spelled >= n)


def _longer(
    begun: np.ndarray, words: np.ndarray, starts: np.ndarray, rules: Decontamination, n: int
) -> UInt[np.ndarray, " W"]:
    """Hashes of the n words from each start on, from those of the first `shortest` of them."""
    for place in range(rules.shortest, n):
        begun = mixed(begun * _FACTOR + words[starts + place])
    return begun


def _distinct_pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different pairs, in ascending order of the first. `second` ascends."""
    order = np.argsort(first, kind="stable")
    first, second = first[order], second[order]
    new = np.ones(len(first), bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return first[new], second[new]


def save(index: LeakIndex, path: str) -> None:
    """Writes what `hits` needs: the tables."""
    arrays: dict[str, Any] = {f"{rule}-{n}": table for (rule, n), table in index.tables.items()}
    arrays["beginnings"] = index.beginnings
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def load_tables(path: str, rules: Decontamination) -> LeakIndex:
    """An index that can only tell hits."""
    with np.load(path) as arrays:
        names = (name.partition("-") for name in arrays if name != "beginnings")
        keys = sorted((rule, int(n)) for rule, _, n in names)
        beginnings = arrays["beginnings"]
        tables = {(rule, n): arrays[f"{rule}-{n}"] for rule, n in keys}
    none = np.zeros(0, np.int64)
    parts = Parts(none, none, none, none, none, none)
    return LeakIndex(rules, parts, tables, beginnings, none, none, {})
