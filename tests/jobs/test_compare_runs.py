"""Two checkpoints compared by what they have on record: `code-ablate compare`."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from code_ablate.cli import main
from code_ablate.errors import UserError
from code_ablate.evaluation.records import Key, Records
from code_ablate.identity import to_plain
from code_ablate.jobs.compare_runs import compare_runs
from code_ablate.jobs.scores_on_record import recorded_tasks
from code_ablate.training.rundir import RunDirectory
from tests.small_laboratory import evaluate, ranked_items


@pytest.fixture
def runs(tmp_path, phase):
    """Two runs, evaluated at steps 4 and 8, and 8."""
    made = []
    for seed in (0, 1):
        own = dataclasses.replace(phase, seed=seed)
        run = RunDirectory.of(tmp_path / "runs", own, str(seed) * 16)
        run.write_config({}, to_plain(own), "", vocabulary="fake", device="cpu")
        made.append(run)
    evaluate(made[0], 4, seed=5)
    evaluate(made[0], 8, seed=6)
    evaluate(made[1], 8, seed=7)
    return made


def row_of(comparison, task, score):
    table = comparison.table.set_index(["task", "score"])
    assert table.index.is_unique
    return table.loc[task, score]


def test_items_are_paired_and_tested_by_mcnemar(runs):
    comparison = compare_runs(runs[0].path, runs[1].path)
    row = row_of(comparison, "alone", "correct")
    ours, theirs = (ranked_items(seed)["correct"].to_numpy() for seed in (6, 7))
    assert (row["candidate"], row["baseline"]) == (ours.mean(), theirs.mean())
    assert row["difference"] == pytest.approx(ours.mean() - theirs.mean(), rel=1e-12)
    won, lost = int((ours > theirs).sum()), int((ours < theirs).sum())
    assert row["p"] == pytest.approx(stats.binomtest(won, won + lost).pvalue, rel=1e-9)
    assert row["low"] < row["difference"] < row["high"] and row["counts"]
    bits = row_of(comparison, "alone", "bits")
    pairs = [ranked_items(seed)["bits"] for seed in (6, 7)]
    assert bits["difference"] == pytest.approx((pairs[0] - pairs[1]).mean() / 10, rel=1e-9)
    assert bits["p"] == pytest.approx(stats.ttest_rel(*pairs).pvalue, rel=1e-6)
    assert not bits["counts"] and np.isnan(bits["p_holm"])


def test_the_order_of_items_does_not_matter(runs):
    before = compare_runs(runs[0].path, runs[1].path).table
    records = Records(runs[1].evaluation(8))
    key = Key("alone", "0" * 16)
    items, about = records.load(key)
    known = {k: v for k, v in about.items() if k not in ("task", "identity")}
    records.save(key, known, items.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(compare_runs(runs[0].path, runs[1].path).table, before)


def test_items_of_one_passage_count_together(runs):
    row = row_of(compare_runs(runs[0].path, runs[1].path), "passages", "correct")
    assert (row["units"], row["items"]) == (8, 40)
    differences = [
        ranked_items(106, passages=8)["correct"] - ranked_items(107, passages=8)["correct"]
    ][0].to_numpy()
    by_passage = differences.reshape(8, 5).mean(axis=1)
    alone = stats.ttest_1samp(differences, 0).pvalue
    assert row["p"] > stats.ttest_1samp(by_passage, 0).pvalue * 0.99 > alone


def test_holm_corrects_over_the_scores_that_count(runs):
    table = compare_runs(runs[0].path, runs[1].path).table
    counting = table[table["counts"]]
    assert counting["task"].tolist() == ["alone", "bits_per_byte/small.text", "passages"]
    assert counting["p_holm"].min() == pytest.approx(min(1, 3 * counting["p"].min()), rel=1e-9)


def test_what_is_said_on_the_terminal_and_written(runs, tmp_path, capsys):
    names = [str(run.path) for run in runs]
    out = tmp_path / "new" / "table.csv"
    assert main(["compare", *names, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"candidate  {names[0]}, step 8" in said and f"table: {out}" in said
    assert "nothing here is starred" in said and "*" not in said
    assert any(line.split()[:2] == ["small.text", "bits"] for line in said.splitlines())
    written = pd.read_csv(out)
    assert len(written) == 7 and set(written["task"]) == {
        "alone",
        "passages",
        "bits_per_byte/small.text",
    }
    assert main(["compare", *names, "--step", "4"]) == 0
    assert f"candidate  {names[0]}, step 4" in capsys.readouterr().out
    assert main(["compare", names[0], names[0], "--step", "4"]) == 0  # two steps of one run
    assert main(["compare", names[0], names[1], "--out", str(tmp_path)]) == 2
    assert "cannot write the table" in capsys.readouterr().err


def test_tasks_that_were_asked_in_other_ways_are_not_compared(runs):
    evaluate(runs[1], 9, seed=1, identity="1" * 16)
    with pytest.raises(UserError, match="have no scores of the same questions: asked in other"):
        compare_runs(runs[0].path, runs[1].path)
    records = Records(runs[1].evaluation(9))
    items, about = recorded_tasks(runs[0], 8)[Key("alone", "0" * 16)]
    known = {k: v for k, v in about.items() if k not in ("task", "identity", "clusters")}
    records.save(Key("alone", "0" * 16), known, items)
    records.save(Key("extra", "0" * 16), known, items)
    comparison = compare_runs(runs[0].path, runs[1].path)
    assert set(comparison.table["task"]) == {"alone"}
    assert (comparison.table["difference"] == 0).all()
    notes = " | ".join(comparison.notes)
    assert "asked in other ways" in notes and "passages" in notes and "alone" not in notes
    assert "only of the baseline: extra" in notes


def test_items_without_known_passages_are_said_to_count_alone(runs):
    for run in runs:
        records = Records(run.evaluation(8))
        key = Key("passages", "0" * 16)
        items, about = records.load(key)
        known = {k: v for k, v in about.items() if k not in ("task", "identity", "clusters")}
        records.save(key, known, items.drop(columns="cluster"))
    comparison = compare_runs(runs[0].path, runs[1].path)
    assert row_of(comparison, "passages", "correct")["units"] == 40
    (note,) = comparison.notes
    assert "every item counts by itself: passages" in note
    evaluate(runs[0], 8, seed=6)  # one of the two knows them: that is enough
    comparison = compare_runs(runs[0].path, runs[1].path)
    assert row_of(comparison, "passages", "correct")["units"] == 8 and not comparison.notes


def test_what_cannot_be_compared_is_said_in_one_message(runs, tmp_path, phase, capsys):
    with pytest.raises(UserError, match="name two runs, or --step"):
        compare_runs(runs[0].path, runs[0].path)
    with pytest.raises(UserError, match=r"step 5 is evaluated \(evaluated: 4, 8\)"):
        compare_runs(runs[0].path, runs[1].path, step=5)
    bare = RunDirectory.of(tmp_path / "runs", phase, "2" * 16)
    bare.write_config({}, to_plain(phase), "", vocabulary="fake", device="cpu")
    with pytest.raises(UserError, match="no checkpoint of it is evaluated: run code-ablate eval"):
        compare_runs(runs[0].path, bare.path)
    assert main(["compare", str(runs[0].path), str(tmp_path / "none")]) == 2
    assert "is not a run directory" in capsys.readouterr().err
