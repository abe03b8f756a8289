"""Freezing a study before its data, and what it will be able to find."""

import dataclasses

import pytest

from code_ablate import config
from code_ablate.analysis.results.frozen import FrozenPlan
from code_ablate.cli import main
from code_ablate.errors import UserError
from code_ablate.jobs.expected_power import power_text, two_digits
from code_ablate.jobs.freeze_study import freeze_study, frozen_text
from code_ablate.study.analysis_plan import AnalysisPlan
from tests.analysis.conftest import write_study


@pytest.fixture(scope="module")
def demo():
    return config.load_study("demo", None, looks_only=True)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    directory = tmp_path_factory.mktemp("earlier")
    return write_study(directory, seeds=(0, 1, 2), items=40)


def with_plan(study, **fields):
    return dataclasses.replace(study, analysis=AnalysisPlan(**fields))


def test_what_is_frozen_is_the_study(demo, tmp_path):
    study = with_plan(
        demo, hypotheses=("code_25 accuracy/* better",), primary_scores={"piqa": "correct"}
    )
    path, plan = freeze_study(study, tmp_path / "study")
    [entry] = FrozenPlan.read(tmp_path / "study").entries
    assert plan.first == entry and path.name == "frozen.json" and not entry.after_results
    assert entry.configuration == demo.configuration
    assert entry.primary_scores["piqa"] == "correct" and entry.primary_scores["copa"] == "bits"
    assert entry.primary_scores["nq_open"] == "correct"
    assert entry.design["seeds"] == list(demo.seeds) and entry.design["tokens"]
    assert "code_25 accuracy/* better" in frozen_text(path, plan)


def test_an_earlier_study_chooses_the_scores_and_never_the_study_itself(demo, earlier, tmp_path):
    _, plan = freeze_study(demo, tmp_path / "study", str(earlier))
    assert plan.first.noise_study == "demo"
    with pytest.raises(UserError, match="is the study itself"):
        freeze_study(demo, earlier, str(earlier))
    with pytest.raises(UserError, match="no results of a study there"):
        freeze_study(demo, tmp_path / "study", str(tmp_path / "nowhere"))


def test_what_is_frozen_after_the_results_says_so(demo, tmp_path):
    directory = write_study(tmp_path / "a", recipes=("text_only", "code_25"), items=20)
    path, plan = freeze_study(demo, directory)
    assert plan.first.after_results and "has results already" in frozen_text(path, plan)


def test_a_hypothesis_about_no_recipe_is_refused(demo, tmp_path):
    study = with_plan(demo, hypotheses=("code_26 accuracy/* better",))
    with pytest.raises(UserError, match=r"'code_26 accuracy/\* better': no recipe .*code_25"):
        freeze_study(study, tmp_path)
    assert not (tmp_path / "frozen.json").exists()


def test_what_can_be_found_is_said_for_every_metric(demo, earlier):
    text = power_text(demo, str(earlier))
    assert "with 3 seeds" in text
    for label in ("demo.text, bits per byte", "reasoning, accuracy", "basic skills, accuracy"):
        assert label in text
    assert "find if runs differ by 1 % (a guess)" in power_text(demo, "1%")
    assert power_text(demo, "0.01") == power_text(demo, "1%")
    with pytest.raises(UserError, match="neither the folder of a study's results nor a number"):
        power_text(demo, "nowhere")


def test_with_hypotheses_only_what_they_name_is_corrected_for(demo, earlier):
    plan = with_plan(demo, hypotheses=("code_25 accuracy/* better", "code_75 accuracy/* better"))
    text = power_text(plan, str(earlier))
    assert "3 seeds, 4 comparisons" in text  # two recipes, two categories, after pre-training
    assert "reasoning, accuracy" in text and "demo.text" not in text
    assert "find if" in power_text(plan, "1%")

    def percent(told):
        return float(told.split()[1])

    assert percent(power_text(plan, "1%")) < percent(power_text(demo, "1%"))
    with pytest.raises(UserError, match=r"name no comparison of a metric that .* has: bits_per"):
        power_text(with_plan(demo, hypotheses=("code_25 accuracy/none better",)), str(earlier))


def test_numbers_have_two_digits_that_say_something():
    assert [two_digits(x) for x in (0.0123, 2.34, 12.6, 1234.5)] == ["0.012", "2.3", "13", "1,234"]


def test_the_command_line(demo, tmp_path, capsys):
    runs = f"--gin.Paths.runs='{tmp_path}'"
    assert main(["study", "demo", "--freeze", runs]) == 0
    assert "frozen: " in capsys.readouterr().out
    assert (tmp_path / "study-demo" / "frozen.json").exists()
    assert main(["study", "demo", "--noise", "x", runs]) == 2
    assert "--noise goes with --freeze" in capsys.readouterr().err
