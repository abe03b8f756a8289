"""What a study reads from each corpus, beside what there is of it.

for row in corpus_rows(study, stores):
    row.corpus, row.requested, row.available, row.epochs
tuple(unreadable(graph, stores))        # why phases cannot read what they ask for
tuple(uncompared(study))                # which corpora may hold what others hold
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from code_ablate.analysis.results.arm import Arm
from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.training.phase import Phase
from code_ablate.training.reading import phase_stream, require_stores, windows_read

_MOST_NAMES = 4
"""Corpora that a line names; of more, the first."""


@dataclass(frozen=True)
class CorpusRow:
    """One corpus, in the arm that makes most passes over it."""

    corpus: str
    """Name of the corpus."""
    requested: int
    """Tokens that the arm reads from it, repeats included."""
    available: int | None
    """Tokens in its store, in whole windows, or that are expected of it where it is not prepared;
    None where neither is known."""
    epochs: float | None
    """Passes over these tokens; None where they are not known."""
    expected: bool
    """Whether the corpus is not prepared, and `available` is what the setting expects of it."""
    arm: Arm | None
    """The arm; None for a corpus that none reads."""
    max_epochs: float
    """Most passes that the arm's phases allow."""

    @property
    def repeats(self) -> bool:
        """Whether something of it is read twice."""
        return self.epochs is not None and self.epochs > 1


def repeated(rows: Iterable[CorpusRow]) -> Iterator[str]:
    """What is read more than once, by which arm: a line for corpora of equal passes, most first."""
    groups: dict[tuple[str, str], list[CorpusRow]] = {}
    for row in sorted(rows, key=lambda row: row.epochs or 0.0, reverse=True):
        if row.repeats and row.arm is not None:
            arm = f"{row.arm.recipe} ({row.arm.size}, {row.arm.stage})"
            groups.setdefault((arm, f"{row.epochs:,.2f}"), []).append(row)
    for (arm, times), found in groups.items():
        first, *others = found
        more = f" and {len(others)} more corpora" if others else ""
        refused = ""
        if (first.epochs or 0.0) > first.max_epochs:
            refused = f"; more than max_epochs = {first.max_epochs:g} is refused"
        yield f"{arm} reads {first.corpus}{more} {times} times{refused}"


def uncompared(study: Study) -> Iterator[str]:
    """Which corpora may hold near-duplicates of others, because they are not in the order."""
    near = study.prepare.near_duplicates
    if near is None:
        return
    outside = [corpus for corpus in study.corpora if corpus not in near.order]
    measured = [corpus for corpus in outside if corpus in study.suite.domains]
    if measured:
        yield (
            f"bits per byte of {_listed(measured)} are measured on documents that other corpora "
            "may hold nearly equal ones of: name it in Deduplication.order, or leave it out of "
            "SuiteConfig.domains"
        )
    mixed = sorted({c for phase in study.phases for c in _mixed(phase, outside)})
    if mixed:
        held_out = " and with what those in the order hold out" if near.order else ""
        yield (
            f"{_listed(mixed)} (not in Deduplication.order): compared within itself{held_out}, not "
            "with the training documents of the corpora that it is mixed with"
        )


def _mixed(phase: Phase, outside: Iterable[str]) -> set[str]:
    """The corpora of `outside` that a phase reads beside others."""
    active = set(phase.mixture.active)
    return active & set(outside) if len(active) > 1 else set()


def _listed(corpora: Sequence[str]) -> str:
    if len(corpora) <= _MOST_NAMES:
        return ", ".join(corpora)
    return f"{', '.join(corpora[:_MOST_NAMES])} and {len(corpora) - _MOST_NAMES} more"


def corpus_rows(study: Study, stores: Stores) -> tuple[CorpusRow, ...]:
    """A row for each corpus of the study, by name."""
    reads: dict[str, list[tuple[Arm, Phase, int]]] = {corpus: [] for corpus in study.corpora}
    for arm, phase in _distinct(study.arms):
        for corpus, windows in windows_read(phase).items():
            reads[corpus].append((arm, phase, windows))
    expected: dict[str, int] = {}
    for setting in study.settings:
        expected = setting.expected_by_corpus | expected
    shortest = min(phase.seq_len for phase in study.arms.values())
    rows = []
    for corpus, found in reads.items():
        own = [
            _row(corpus, arm, phase, windows, stores, expected.get(corpus))
            for arm, phase, windows in found
        ]
        if not own:
            own = [_unread(corpus, stores, shortest, expected.get(corpus))]
        rows.append(max(own, key=lambda row: (row.epochs or 0.0, row.requested)))
    return tuple(rows)


def _row(
    corpus: str, arm: Arm, phase: Phase, windows: int, stores: Stores, expected: int | None
) -> CorpusRow:
    requested, available, epochs = windows * phase.seq_len, expected, None
    if corpus in stores:
        whole = stores[corpus].num_windows(phase.seq_len)
        available = whole * phase.seq_len
        epochs = windows / whole if whole else math.inf if windows else 0.0
    elif expected is not None:
        epochs = requested / expected
    return CorpusRow(
        corpus, requested, available, epochs, corpus not in stores, arm, phase.max_epochs
    )


def _unread(corpus: str, stores: Stores, seq_len: int, expected: int | None) -> CorpusRow:
    """The row of a corpus whose bits per byte are measured, and nothing more."""
    here = corpus in stores
    available = stores[corpus].num_windows(seq_len) * seq_len if here else expected
    return CorpusRow(
        corpus, 0, available, None if available is None else 0.0, not here, None, math.inf
    )


def _distinct(arms: Mapping[Arm, Phase]) -> Iterator[tuple[Arm, Phase]]:
    """One arm of each recipe, size and stage: seeds read the same number of windows."""
    seen: set[tuple] = set()
    for arm, phase in arms.items():
        key = (arm.recipe, arm.size, arm.stage)
        if key not in seen:
            seen.add(key)
            yield arm, phase


def unreadable(graph: PhaseGraph, stores: Stores) -> Iterator[str]:
    """Why phases cannot be fed from the stores that are there."""
    for phase in graph.phases.values():
        if all(corpus in stores for part in phase.chain for corpus in part.mixture.active):
            try:
                require_stores(phase, stores)
                phase_stream(phase, stores)
            except UserError as error:
                yield str(error)
