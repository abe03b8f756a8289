"""The table for the terminal."""

from pathlib import Path

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.page import read_report, terminal_table

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_two_seeds_give_no_star_and_say_why(tmp_path, make_study):
    table = terminal_table(read_report(make_study(tmp_path / "a", **SMALL), QUICK))
    assert "*\n" not in table and "? 3 seeds\n" in table
    assert "interval over items, and not over seeds, which are too few" in table


def test_terminal_table_is_the_golden_one(tmp_path, make_study):
    # If you meant to change the table: write the new one over terminal_table.txt and read it.
    def change(study, table):
        study["margin"] = 0.02

    study = make_study(tmp_path / "a", seeds=(0, 1, 2), change=change, **SMALL)
    table = terminal_table(read_report(study))
    golden = Path(__file__).with_name("terminal_table.txt")
    assert table == golden.read_text(encoding="utf-8")
    assert max(map(len, table.splitlines())) <= 100
