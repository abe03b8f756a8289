"""The tables beside a page: the same numbers, in CSV and in Parquet."""

import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.page import write_report
from tests.analysis.report.cells import parse


@pytest.fixture(scope="module")
def written(three_seeds_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "study.html"
    return write_report(three_seeds_dir, path, Settings()), path


def test_every_table_is_there_twice_with_the_same_rows(written):
    _, path = written
    folder = path.parent / "study_data"
    names = sorted(file.stem for file in folder.glob("*.csv"))
    assert names == ["changes", "funnel", "mixtures", "phases", "scores", "signals", "tasks"]
    assert names == sorted(file.stem for file in folder.glob("*.parquet"))
    for name in names:
        one = pd.read_csv(folder / f"{name}.csv", dtype={"phase": str, "parent": str})
        other = pd.read_parquet(folder / f"{name}.parquet")
        assert len(one) and list(one) == list(other)
        pd.testing.assert_frame_equal(one, other, check_dtype=False, check_exact=True)


def test_numbers_are_those_of_the_page_unrounded(written):
    report, path = written
    cells = pd.DataFrame(parse(path.read_text()).cells)
    keys = ["size", "stage", "recipe", "metric"]
    scores = cells[cells["kind"] == "score"].set_index(keys)["value"].astype(float)
    written_scores = pd.read_parquet(path.parent / "study_data" / "scores.parquet")
    assert written_scores.set_index(keys)["value"].to_dict() == scores.to_dict()
    changes = pd.read_parquet(path.parent / "study_data" / "changes.parquet").set_index(keys)
    gains = cells[cells["kind"] == "gain"].set_index(keys)
    assert changes["relative"].to_dict() == gains["value"].astype(float).to_dict()
    assert changes["verdict"].to_dict() == gains["verdict"].to_dict()
    assert len(changes) == len(report.summary.comparisons)


def test_identities_that_look_like_numbers_stay_text(tmp_path, make_study, undrawn):
    def change(study, table):
        old = study["arms"][0]["phase"]
        study["phases"] = {
            "1234567890123e45" if name == old else name: phase
            for name, phase in study["phases"].items()
        }
        for arm in study["arms"]:
            arm["phases"] = ["1234567890123e45" if p == old else p for p in arm["phases"]]
            arm["phase"] = arm["phases"][-1]
        for phase in study["phases"].values():
            phase["parent"] = "1234567890123e45" if phase["parent"] == old else phase["parent"]

    study = make_study(tmp_path / "a", recipes=("text_only", "code_25"), items=10, change=change)
    write_report(study, tmp_path / "r.html", Settings())
    phases = pd.read_parquet(tmp_path / "r_data" / "phases.parquet")
    assert "1234567890123e45" in set(phases["phase"])
