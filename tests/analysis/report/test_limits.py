"""What cannot be concluded follows the data."""

import re

import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.page import read_report, write_report
from tests.analysis.conftest import read_content, save_study

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def _keys(study_dir) -> set[str]:
    return {limit.key for limit in limits(read_report(study_dir, QUICK))}


def test_page_lists_the_limits(page, study_dir):
    assert set(re.findall(r'data-limit="(\w+)"', page)) == _keys(study_dir)


def test_what_cannot_be_concluded_follows_the_data(tmp_path, make_study):
    first = _keys(make_study(tmp_path / "a", **SMALL))
    assert {"scale", "prediction", "two_seeds", "spans_zero", "at_chance", "degenerate"} <= first
    assert {"few_documents", "order_and_share", "not_trained_further"} <= first
    assert not {"one_seed", "epochs", "missing", "no_baseline", "undefined_gain"} & first

    def change(study, table):
        study["missing"] = [
            {"task": "hellaswag", "category": "reasoning", "reason": "not installed"}
        ]
        study["published"] = "to_code_or_not_to_code"
        study["sizes"][0]["parameters"] = 470_000_000
        for arm in study["arms"]:
            arm["tokens"] = 200_000_000_000
            if arm["arm"]["recipe"] == "code_25":  # one phase, at the same share
                arm["shares"]["code"] = 0.3
        for row in study["tasks"].values():
            if row["items"] < 30:
                few = table[table["task"] == row["name"]]
                table = pd.concat(
                    [table, few.assign(item=few["item"] + " again")], ignore_index=True
                )
                row["items"] *= 2
        table.loc[table["task"] == "boolq", "predicted"] = table["gold"]
        table = table[table["stage"] == "pretraining"]
        study["arms"] = [arm for arm in study["arms"] if arm["arm"]["stage"] == "pretraining"]
        return table

    other = _keys(
        make_study(
            tmp_path / "b",
            recipes=("text_only", "code_25", "balanced_to_text"),
            seeds=(0, 1, 2, 3, 4),
            items=40,
            epochs=3.0,
            change=change,
        )
    )
    assert {"epochs", "missing", "prediction"} <= other
    gone = {
        "scale",
        "two_seeds",
        "few_seeds",
        "degenerate",
        "order_and_share",
        "not_trained_further",
        "few_documents",
    }
    assert not gone & other


def test_one_seed_is_said_to_be_one(tmp_path, make_study, undrawn):
    study = make_study(tmp_path / "a", seeds=(3,), **SMALL)
    keys = _keys(study)
    assert "one_seed" in keys and "few_seeds" not in keys
    report = read_report(study, QUICK)
    assert min(c.p_holm for c in report.summary.comparisons) < 0.05  # by items alone
    assert not any(c.certain() for c in report.summary.comparisons)
    write_report(study, tmp_path / "r.html", QUICK)
    assert "one seed</span>" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(("seeds", "key"), [((0, 1), "two_seeds"), ((0, 1, 2), "few_seeds")])
def test_what_few_seeds_leave_open_is_said(tmp_path, make_study, seeds, key):
    report = read_report(make_study(tmp_path / "a", seeds=seeds, **SMALL), QUICK)
    assert {"one_seed", "two_seeds", "few_seeds"} & {x.key for x in limits(report)} == {key}
    assert any(c.certain() for c in report.summary.comparisons) == (len(seeds) > 2)
    over = {c.difference.over_seeds for c in report.summary.comparisons}
    assert over == {len(seeds) > 2}


def test_cropped_prompts_are_said(tmp_path, make_study):
    study = make_study(tmp_path / "study", **SMALL)
    assert "lost its beginning" not in " ".join(x.text for x in limits(read_report(study, QUICK)))
    content = read_content(study)
    content["tasks"]["boolq"] |= {"examples": 100, "cropped": 37}
    save_study(study, content, pd.read_parquet(study / "results.parquet"))
    said = {limit.key: limit.text for limit in limits(read_report(study, QUICK))}
    assert "boolq (37\u00a0%)" in said["cropped"]
