"""The commands law and design, from a table and from a study."""

import csv

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.laws.design import Proposal
from code_ablate.analysis.results.results import load_results
from code_ablate.cli import main
from code_ablate.config import load_study
from code_ablate.jobs.mixture_law import begin_design, read_region, study_records
from tests.analysis.conftest import CORPORA as STUDY_CORPORA
from tests.analysis.conftest import write_study
from tests.analysis.laws.conftest import CORPORA, TARGETS, make_records
from tests.analysis.report.test_kinds import add_kinds
from tests.tolerance import assert_close


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    records = make_records(24)
    frame = pd.DataFrame(records.rates_NC, columns=list(CORPORA))
    frame = frame.assign(**dict(zip(TARGETS, records.values_NT.T, strict=True)))
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    frame.to_csv(path, index=False)
    return path


def test_law_says_what_is_good_and_writes_tables_and_figure(table, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--constraint", "code<=0.2", "--today", "text=0.9", "--today", "code=0.1"]
    assert main(["law", str(table), *options, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "24 runs on 24 different mixtures of 5 corpora; 3 targets." in said
    assert "No run used unused" in said
    assert "cannot be told from the best" in said
    assert "Today's mixture:" in said
    good = pd.read_csv(out / "good_mixtures.csv")
    assert list(good.columns) == list(CORPORA)
    assert (good["code"] <= 0.2 * (1 + 5e-6)).all()  # a region's bounds hold to within 1e-6
    assert (good["unused"] == 0).all()
    assert_close(good.sum(axis=1), np.ones(len(good)), share=1e-6)
    shares = pd.read_csv(out / "shares.csv").set_index("corpus")
    assert shares["today"]["text"] == pytest.approx(0.9)
    assert set(pd.read_csv(out / "laws.csv")["law"]) >= {"stack", "mean", "one corpus' share"}
    svg = (out / "law.svg").read_text()
    assert svg.startswith("<?xml") and len(svg) > 10_000


def test_design_proposes_mixtures_that_can_be_trained(table, tmp_path, capsys):
    out = tmp_path / "next.csv"
    arguments = [str(table), "--runs", "3", "--constraint", "code<=0.2", "--out", str(out)]
    assert main(["design", *arguments]) == 0
    said = capsys.readouterr().out
    assert "Train these 3 mixtures next" in said
    assert "with these runs" in said
    rows = list(csv.DictReader(out.open()))
    assert [row["run"] for row in rows] == ["1", "2", "3"]
    shares = np.array([[float(row[name]) for name in CORPORA] for row in rows])
    assert_close(shares.sum(axis=1), np.ones(3), share=1e-12)
    assert (shares[:, 1] <= 0.2 * (1 + 5e-4)).all()  # written to four decimals


def test_a_design_begins_without_runs(tmp_path, capsys):
    out = tmp_path / "first.csv"
    assert main(["design", "--begin", "a", "b,c", "--runs", "8", "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open()))
    assert len({row["b,c"] for row in rows}) == 8
    assert main(["design", "--begin", "a", "b", "--runs", "2"]) == 2
    assert main(["design"]) == 2
    assert "--begin" in capsys.readouterr().err
    for corpora in (["a"], ["a", "a"]):
        assert main(["design", "--begin", *corpora]) == 2
        assert "give two or more, each once" in capsys.readouterr().err


@pytest.mark.parametrize("tokens", ["nan", "inf", "-1", "0", "many"])
def test_tokens_are_a_number_above_0(table, tokens, capsys):
    with pytest.raises(SystemExit):
        main(["law", str(table), "--tokens", tokens])
    assert "is no number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--constraint", "cod<=0.2"], "did you mean 'code'"),
        (["--target", "lose"], "no target named 'lose'"),
        (["--results", "none.csv"], "no file none.csv"),
    ],
)
def test_bad_input_is_one_message(table, options, said, capsys):
    assert main(["law", str(table), *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_shares_of_a_proposal_sum_to_1_in_its_csv():
    rates = np.random.default_rng(0).dirichlet(np.ones(7), 50)
    rows = list(csv.reader(Proposal(tuple("abcdefg"), rates, None).csv().splitlines()))[1:]
    written = np.array([[round(10_000 * float(x)) for x in row[1:]] for row in rows])
    assert (written.sum(axis=1) == 10_000).all()
    assert np.abs(written / 10_000 - rates).max() <= 1.01e-4


def test_a_proposal_is_a_studys_recipes_in_gin(tmp_path, capsys):
    out = tmp_path / "mixtures.gin"
    corpora = ["code", "markup", "synthetic"]
    assert main(["design", "--begin", *corpora, "--runs", "9", "--out", str(out)]) == 0
    roles = {"code": "demo.web_code", "markup": "demo.markup", "synthetic": "demo.synthetic_code"}
    study = tmp_path / "designed.gin"
    study.write_text(
        "Study.name = 'designed'\nStudy.recipes = (@mixtures/each,)\n"
        "Study.baseline = 'mixture_1'\nSetting.source = None\nSetting.cooldown_tokens = 0\n"
        "Study.groups = {'code': ('code', 'markup', 'synthetic')}\n" + out.read_text()
    )
    arms = {arm.recipe: p for arm, p in load_study(str(study), "demo").arms.items()}
    assert list(arms) == [f"mixture_{number}" for number in range(1, 10)]
    written = np.array(
        [[phase.mixture.active.get(roles[c], 0) for c in corpora] for phase in arms.values()]
    )
    expected = begin_design(read_region(corpora), 9).rates_BC
    assert np.abs(written - expected).max() <= 1.01e-4


@pytest.fixture(scope="module")
def study_dir(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "demo")


def test_a_study_gives_its_mixtures_and_scores(study_dir):
    results = load_results(study_dir)
    records = study_records(results)
    arms = results.last_arms
    assert len(records.runs) == len(arms)
    assert set(records.corpora) <= set(STUDY_CORPORA)
    share = records.rates_NC[:, records.corpora.index("demo.text")]
    total = [
        arm.corpora["demo.text"].tokens / arm.tokens if "demo.text" in arm.corpora else 0.0
        for arm in arms
    ]
    np.testing.assert_allclose(share, total, rtol=1e-6)
    domain = records.targets.index("bits_per_byte/demo.text")
    assert "bits_per_byte/demo.text" not in records.higher_is_better
    assert "arc_easy" in records.higher_is_better
    items = results.items
    first = items[
        (items["task"] == "bits_per_byte/demo.text")
        & (items["recipe"] == arms[0].arm.recipe)
        & (items["seed"] == arms[0].arm.seed)
        & (items["stage"] == arms[0].arm.stage)
    ]
    expected = first["bits"].sum() / first["bytes"].sum()
    assert records.values_NT[0, domain] == pytest.approx(expected)


def test_bits_per_byte_of_right_answers_are_better_when_fewer(tmp_path):
    recipes = ("text_only", "code_25")
    records = study_records(
        load_results(write_study(tmp_path / "kinds", recipes=recipes, items=20, change=add_kinds))
    )
    assert {"trivia", "puzzles"} <= records.higher_is_better
    assert "proofs" in records.targets
    assert "proofs" not in records.higher_is_better
    # Bits over bytes: those that a byte costs are 1.5 in `add_kinds`, the means of items above 40.
    assert (records.values_NT[:, records.targets.index("proofs")] < 2).all()


def test_a_study_of_too_few_mixtures_is_refused_in_one_message(study_dir, capsys):
    assert main(["law", str(study_dir), "--target", "arc_easy"]) == 2
    assert "different mixtures: a law needs 8 or more" in capsys.readouterr().err
    assert main(["law", str(study_dir), "--corpora", "demo*"]) == 2
    assert "a study knows its corpora, its runs" in capsys.readouterr().err
