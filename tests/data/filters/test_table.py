"""docs/filters.md is what the rules say of themselves."""

from pathlib import Path

from code_ablate.data.filters import GROUPS
from code_ablate.data.filters.table import markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "filters.md"


def test_the_page_has_the_rules_as_they_are():
    assert PAGE.read_text().endswith(f"-->\n\n{markdown()}\n")


def test_every_rule_says_what_it_does_and_where_it_comes_from():
    for row in markdown().splitlines():
        if row.startswith("| `"):
            _, kind, does, _, source, _ = row.split(" | ".strip())
            assert does.strip() and source.strip(), kind
    assert markdown().count("| `") == sum(len(steps) for steps in GROUPS.values())
