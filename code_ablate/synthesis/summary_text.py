"""What `code-ablate synthesize` says when it is done."""

from code_ablate.synthesis.making import Made


def summary_text(made: Made, directory: str) -> str:
    """Problems, duplicates, and why drafts were given up, most frequent first."""
    drafts = made.problems + made.duplicates + sum(made.rejected.values())
    reasons = sorted(made.rejected.items(), key=lambda pair: -pair[1])
    lines = [
        f"{directory}: {made.problems:,} problems of seed {made.seed} in {len(made.files):,} files",
        f"left out because an earlier one computes the same: {made.duplicates:,}",
        f"mined from installed packages: {made.mined:,}",
        f"drafts: {drafts:,}; given up:",
        *(f"  {count:>9,}  {reason}" for reason, count in reasons),
    ]
    return "\n".join(lines)
