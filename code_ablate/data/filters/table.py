"""The table of all rules in docs/filters.md, from the rules themselves.

    print(markdown())       # what stands there between the two comments

A rule's docstring says what it drops in its first sentence, and behind "Source:" where the rule and
its threshold come from.
"""

import re

from code_ablate.data.filters import GROUPS, Step


def markdown() -> str:
    """A table for each group: rule, parameters with what the group sets them to, source."""
    parts = []
    for group, steps in GROUPS.items():
        rows = "\n".join(_row(step) for step in steps)
        parts.append(
            f"### `{group}`\n\n| rule | what it does | parameters | source |\n|---|---|---|---|\n"
            f"{rows}"
        )
    return "\n\n".join(parts)


def _row(step: Step) -> str:
    text, _, source = " ".join((step.__doc__ or "").split()).partition("Source: ")
    first = re.split(r"(?<=[.:])\s", text)[0].rstrip(".:")
    languages = _languages(step)
    cells = (f"`{step.kind}`", first + languages, _parameters(step), source.rstrip("."))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _languages(step: Step) -> str:
    if step.only:
        return f" ({', '.join(step.only)} alone)"
    return f" (not {', '.join(step.but_not)})" if step.but_not else ""


def _parameters(step: Step) -> str:
    shown = []
    for name, value in step.thresholds.items():
        is_list = isinstance(value, tuple)
        shown.append(f"{name}: {len(value)} of them" if is_list else f"{name} = {value}")
    return ", ".join(shown)
