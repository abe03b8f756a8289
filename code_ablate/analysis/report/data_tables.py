"""The report's tables of data: mixtures as asked for and as read, token stores, funnels.

mixture_table(report, place), funnel_table(report)
"""

import itertools
from collections.abc import Sequence

from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.elements import Cell, Table, cells, lines
from code_ablate.analysis.report.phrases import joined
from code_ablate.analysis.results.study_record import StoreRecord


def group_table(report: Report, place: Place) -> Table:
    """Shares of the named groups of corpora: what each recipe asked for, and what it got."""
    groups = report.record.groups
    rows = []
    for recipe in report.results.recipes_at(place):
        arms = report.results.arms_of(recipe, place)
        row = [Cell(recipe)]
        for group in groups:
            row.append(Cell(_span([100 * arm.requested_shares[group] for arm in arms], ".1f")))
            row.append(Cell(_span([100 * arm.shares[group] for arm in arms], ".1f")))
        rows.append(row)
    head = [
        Cell(group, lines(f"{what}, %")) for group in groups for what in ("requested", "realised")
    ]
    caption = f"Shares of the groups of corpora, all phases of a recipe, {report.title(place)}"
    return Table([Cell("recipe"), *head], rows, caption)


def mixture_table(report: Report, place: Place) -> Table:
    """What each recipe asked for and got from each corpus; ranges where seeds differ."""
    rows = []
    for recipe in report.results.recipes_at(place):
        arms = report.results.arms_of(recipe, place)
        corpora = list(dict.fromkeys(name for arm in arms for name in arm.corpora))
        for i, corpus in enumerate(corpora):
            having = [arm for arm in arms if corpus in arm.corpora]
            uses = [arm.corpora[corpus] for arm in having]
            realised = [use.tokens / arm.tokens for use, arm in zip(uses, having, strict=True)]
            groups = [name for name, names in report.record.groups.items() if corpus in names]
            rows.append(
                cells(
                    recipe if i == 0 else "",
                    corpus,
                    ", ".join(groups) or "–",
                    _span([100 * use.requested_share for use in uses], ".1f"),
                    _span([100 * share for share in realised], ".1f"),
                    _span([use.tokens for use in uses], ",.0f"),
                    _span([use.unique_tokens for use in uses], ",.0f"),
                    _span([use.epochs for use in uses], ".2f"),
                )
            )
    head = cells("recipe", "corpus", "group", "requested, %", "realised, %")
    head += cells("tokens", "unique tokens", "epochs")
    return Table(head, rows, f"All phases of a recipe, {report.title(place)}", (1, 2))


def store_table(report: Report) -> Table:
    """The token stores and their sizes."""
    rows = [
        [
            *cells(name, f"{store.documents:,}", f"{store.validation_documents:,}"),
            *cells(f"{store.bytes:,}", f"{store.tokens:,}"),
            Cell(store.identity[:12], style="code"),
        ]
        for name, store in report.record.stores.items()
    ]
    head = cells("corpus", "documents", "validation documents", "bytes", "tokens", "identity")
    return Table(head, rows, "The token stores", (5,))


def kept_table(report: Report) -> Table:
    """What each corpus' source gave, what is left, and which filters dropped most of the rest."""
    rows = []
    for name, store in report.record.stores.items():
        first, last = store.funnel[0], store.funnel[-1]
        rows.append(
            [
                *cells(name, f"{first.documents:,}", f"{last.documents:,}"),
                *cells(_part(last.documents, first.documents), _part(last.bytes, first.bytes)),
                Cell(_dropped(store), style="wrap"),
            ]
        )
    head = cells("corpus", "documents", "kept", "kept, %", "bytes kept, %", "dropped most")
    return Table(head, rows, "From the source to the token store", (5,))


_MOST_STEPS = 3
"""Steps of preparation that are named, at most."""


def _part(after: int, before: int) -> str:
    return f"{100 * after / before:.1f}" if before else "–"


def _dropped(store: StoreRecord) -> str:
    """The steps that dropped most documents, with their numbers."""
    steps = store.funnel
    gone = [
        (before.documents - after.documents, after.name.replace("_", " "))
        for before, after in itertools.pairwise(steps)
    ]
    worst = sorted((part for part in gone if part[0] > 0), key=lambda part: -part[0])
    return joined(f"{name} ({count:,})" for count, name in worst[:_MOST_STEPS]) if worst else "–"


def funnel_table(report: Report) -> Table:
    """What is left of each corpus after each step: source, filters, duplicates, validation."""
    rows = []
    for name, store in report.record.stores.items():
        after = [(step.name, step.documents, step.bytes) for step in store.funnel]
        after.append(("set apart for validation", store.documents, store.bytes))
        for number, (step_name, documents, size) in enumerate(after):
            _, before, size_before = after[max(0, number - 1)]
            is_last = number == len(after) - 1
            rows.append(
                cells(
                    "" if number else name,
                    step_name.replace("_", " "),
                    f"{documents:,}",
                    _lost(documents, before),
                    f"{size:,}",
                    _lost(size, size_before),
                    f"{store.tokens:,}" if is_last else "",
                )
            )
    head = cells("corpus", "after", "documents", "change, %", "bytes", "change, %", "tokens")
    caption = "Documents and their bytes, after each filter and after duplicates"
    return Table(head, rows, caption, (1,))


def _lost(after: int, before: int) -> str:
    """The change in percent; nothing where there is none."""
    return "" if after == before or not before else f"{100 * (after - before) / before:+.2f}"


def _span(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} – {high}"
