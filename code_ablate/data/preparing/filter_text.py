"""What the filters of a corpus did, made readable: the funnel, histograms, examples.

print(describe_filters(store.manifest))                    # every filter that dropped something
print(describe_filters(store.manifest, "longest_line"))    # one, by its kind or its whole name
"""

from collections.abc import Iterator, Sequence

from code_ablate.data.filters.tally import Bin, Example, FilterRecord
from code_ablate.data.funnel import funnel
from code_ablate.data.manifest import Manifest
from code_ablate.errors import UserError, unknown_name
from code_ablate.shown import one_line, shown

_BAR = 40
"""Signs of the longest bar of a histogram."""


def describe_filters(manifest: Manifest, name: str = "") -> str:
    """What filters dropped and just kept, with examples. `name`: one filter; empty: all.

    Control characters of documents are written out. Raises UserError for an unknown filter, with
    the closest names, and where the store was made before filters were measured.
    """
    records = {key: FilterRecord.of(plain) for key, plain in manifest.filters.items()}
    if not records:
        raise UserError(
            f"nothing is known of filters of {manifest.corpus!r}: it has none of this project's, "
            "or its store is of an older version; move the store away and prepare it again."
        )
    kinds = {record.kind for record in records.values()}
    if name and name not in records and name not in kinds:
        raise unknown_name(f"filter of {manifest.corpus!r}", name, {*records, *kinds})
    chosen = {key: r for key, r in records.items() if not name or name in (key, r.kind)}
    quiet = [key for key, record in chosen.items() if not name and not record.dropped]
    parts = [_funnel(manifest)] if not name else []
    parts += [_describe(key, record) for key, record in chosen.items() if key not in quiet]
    if quiet:
        parts.append(f"dropped nothing: {one_line(', '.join(quiet))}")
    return "\n\n".join(parts)


def _funnel(manifest: Manifest) -> str:
    steps = funnel(manifest)
    lines = [
        f"{manifest.corpus}",
        f"{'after':44} {'documents':>12} {'bytes':>16} {'documents':>10} {'bytes':>8}",
    ]
    for before, step in zip((steps[0], *steps), steps, strict=False):
        lost = _percent(step.documents, before.documents)
        lost_bytes = _percent(step.bytes, before.bytes)
        lines.append(
            f"{one_line(step.name):<44} {step.documents:>12,} {step.bytes:>16,} "
            f"{lost:>10} {lost_bytes:>8}"
        )
    return "\n".join(lines)


def _percent(after: int, before: int) -> str:
    return "" if after == before or not before else f"{100 * (after - before) / before:+.2f}%"


def _describe(name: str, record: FilterRecord) -> str:
    set_to = ", ".join(f"{key} = {value}" for key, value in record.thresholds.items())
    verb = "changed" if record.changes else "dropped"
    lines = [
        f"--- {one_line(name)}" + (f"   ({one_line(set_to)})" if 0 < len(set_to) < 80 else ""),
        f"judged {record.seen:,} documents of {record.seen_bytes:,} bytes, {verb} "
        f"{record.dropped:,} ({_share(record.dropped, record.seen)}) of {record.dropped_bytes:,} "
        f"bytes ({_share(record.dropped_bytes, record.seen_bytes)})"
        + (f"; {record.passed_by:,} in other languages passed" if record.passed_by else ""),
    ]
    lines += [f"  {one_line(kind)}: {count:,}" for kind, count in record.changes.items()]
    lines += _histogram(record.histogram)
    lines += _examples(f"{verb}, for example:", record.dropped_examples)
    lines += _examples("kept, the nearest to the bound:", record.kept_examples)
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def _histogram(bins: Sequence[Bin]) -> Iterator[str]:
    most = max((one.kept + one.dropped for one in bins), default=0)
    if bins:
        yield f"{'value':>23} {'kept':>10} {'dropped':>10}"
    for one in bins:
        bar = "#" * -(-_BAR * (one.kept + one.dropped) // most)
        yield f"{_limits(one):>23} {one.kept:>10,} {one.dropped:>10,} {bar}"


def _limits(one: Bin) -> str:
    if isinstance(one.low, str):
        return one_line(one.low)
    low = "below" if one.low is None else f"{one.low:g}"
    return f"{low} to {one.high:g}" if one.high is not None else f"{low} and more"


def _examples(title: str, examples: Sequence[Example]) -> Iterator[str]:
    if examples:
        yield title
    for example in examples:
        value = f"{example.value:g}" if isinstance(example.value, float) else example.value
        where = " ".join(filter(None, (example.language, example.source, example.path)))
        start = f", from character {example.start:,}" if example.start else ""
        yield f"* {one_line(value)}: {one_line(where)}{start}"
        yield from (f"    {line}" for line in shown(example.text).split("\n"))
