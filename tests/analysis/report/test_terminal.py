"""The table for the terminal."""

from pathlib import Path

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.page import read_report, terminal_table

QUICK = Settings(resamples=1000)
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_terminal_table_is_the_golden_one(tmp_path, make_study):
    # If you meant to change the table: write the new one over terminal_table.txt and read it.
    study = make_study(tmp_path / "a", **SMALL)
    table = terminal_table(read_report(study, QUICK))
    golden = Path(__file__).with_name("terminal_table.txt")
    assert table == golden.read_text(encoding="utf-8")
    assert max(map(len, table.splitlines())) <= 88
