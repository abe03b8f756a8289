"""What `code-ablate synthesize` says when it is done."""

from collections.abc import Mapping

from code_ablate.synthesis.making import Made


def summary_text(made: Made, directory: str) -> str:
    """Problems, duplicates, and why drafts and functions were given up, most frequent first."""
    drafts = made.problems + made.duplicates + sum(made.rejected.values())
    lines = [
        f"{directory}: {made.problems:,} problems of seed {made.seed} in {len(made.files):,} files",
        f"left out because an earlier one computes the same: {made.duplicates:,}",
        f"drafts: {drafts:,}; given up:",
        *_reasons(made.rejected),
        f"mined from installed packages: {made.mined:,}",
    ]
    if made.mined_rejected:
        lines += ["functions that became no problem:", *_reasons(made.mined_rejected)]
    return "\n".join(lines)


def _reasons(counts: Mapping[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return [f"  {count:>9,}  {reason}" for reason, count in ordered]
