"""A run as tables: what it logged, what it scored, what it read."""

import json
import math
import shutil

import pytest

import code_ablate
from code_ablate.analysis.estimation.statistics import exact_interval
from code_ablate.errors import UserError
from code_ablate.evaluation.records import Records
from tests.small_laboratory import ranked_items


@pytest.fixture
def run(laboratory):
    return code_ablate.open_run(laboratory.then.path)


def logged(run):
    return [json.loads(line) for line in run.directory.metrics.read_text().splitlines()]


def test_curves_hold_every_number_that_was_logged(run):
    lines, curves = logged(run), run.curves
    assert curves["step"].unique().tolist() == [2, 4, 6, 8]
    assert len(curves) == sum(len(line) - 2 for line in lines)
    for line in lines:
        rows = curves[curves["step"] == line["step"]].set_index(["measure", "corpus"])["value"]
        assert (curves[curves["step"] == line["step"]]["tokens"] == line["tokens"]).all()
        assert rows["loss", ""] == line["loss"]
        assert rows["loss", "small.text"] == line["loss/small.text"]
        assert rows["seconds/compute", ""] == line["seconds/compute"]  # no corpus
    assert run.metrics["loss"].tolist() == [line["loss"] for line in lines]


def test_a_line_that_a_kill_cut_is_left_out(laboratory, tmp_path):
    copy = tmp_path / laboratory.then.path.name
    shutil.copytree(laboratory.then.path, copy, ignore=shutil.ignore_patterns("checkpoints"))
    whole = code_ablate.open_run(copy)
    before = whole.curves
    with (copy / "metrics.jsonl").open("a") as file:
        file.write('{"step": 10, "tok')
    assert whole.curves.equals(before) and len(whole.metrics) == 4
    (copy / "metrics.jsonl").unlink()
    assert not len(whole.curves) and list(whole.curves) == list(before)
    assert not len(whole.realised_tokens) and not len(whole.metrics)
    with pytest.raises(UserError, match="no measure 'loss' was logged: there is nothing yet"):
        whole.plot_curves()


def test_every_score_on_record_is_a_row(run):
    items, scores = run.items, run.scores
    assert run.evaluated_steps == [4, 8]
    assert list(items)[:5] == ["step", "task", "identity", "kind", "item"]
    assert items.groupby("step").size().tolist() == [92, 92]
    own = items[(items["step"] == 8) & (items["task"] == "alone")]
    assert own["correct"].tolist() == ranked_items(0)["correct"].tolist()
    row = scores.set_index(["step", "task"]).loc[8, "alone"]
    right = int(own["correct"].sum())
    assert row["score"] == right / 40 and row["chance"] == 0.25
    assert (row["low"], row["high"]) == exact_interval(right, 40)
    domain = scores.set_index(["step", "task"]).loc[4, "bits_per_byte/small.text"]
    rows = items[(items["step"] == 4) & (items["kind"] == "bits_per_byte")]
    assert domain["score"] == pytest.approx(rows["bits"].sum() / rows["bytes"].sum(), rel=1e-12)
    assert math.isnan(domain["chance"])


def test_intervals_know_of_the_passages_that_items_share(run):
    scores = run.scores.set_index(["step", "task"])
    alone, shared = scores.loc[8, "alone"], scores.loc[8, "passages"]
    assert (alone["clusters"], shared["clusters"]) == (0, 8)
    # Eight passages say less than forty items.
    assert shared["high"] - shared["low"] > 1.4 * (alone["high"] - alone["low"])


def test_scores_of_a_version_that_kept_no_clusters_say_so(laboratory, tmp_path):
    copy = tmp_path / laboratory.then.path.name
    shutil.copytree(laboratory.then.path, copy, ignore=shutil.ignore_patterns("checkpoints"))
    run = code_ablate.open_run(copy)
    key, (items, about) = next(iter(run.scored_tasks(8).items()))
    known = {k: v for k, v in about.items() if k not in ("task", "identity", "clusters")}
    Records(run.directory.evaluation(8)).save(key, known, items)
    row = run.scores.set_index(["step", "task"]).loc[8, key.name]
    assert row.isna()["clusters"]


def test_a_checkpoint_is_opened_as_others_open_it(laboratory, run):
    trained = run.trained(laboratory.data)
    assert trained.step == 8 and trained.identity == run.identity
    assert trained.vocabulary == laboratory.vocabulary
    assert run.trained(laboratory.data, step=4).step == 4
    with pytest.raises(UserError, match=r"the vocabulary of .* is not in"):
        run.trained(laboratory.folder)


def test_what_is_no_run_is_said_in_one_message(laboratory, run, tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        code_ablate.open_run(tmp_path / "none")
    with pytest.raises(UserError, match="is not a run directory"):
        code_ablate.open_run(tmp_path)
    with pytest.raises(UserError, match="is a study: open it with open_study"):
        code_ablate.open_run(laboratory.study)
    with pytest.raises(UserError, match=r"step 5 is evaluated \(evaluated: 4, 8\)"):
        run.scored_tasks(5)
    older = tmp_path / "older"
    older.mkdir()
    content = json.loads((run.directory.path / "config.json").read_text())
    (older / "config.json").write_text(json.dumps({**content, "format": 0}))
    with pytest.raises(UserError, match="not of format 1: another version wrote it"):
        code_ablate.open_run(older)


def test_what_a_run_says_of_itself(run):
    assert str(run).endswith("complete, step 8 of 8; 100% small.text")
    assert run.phase.parent.mixture.share_of(("small.code",)) == 0.5
