"""The page of results of several studies: complete, half done, and not begun."""

import csv
import dataclasses
import re
import shlex
import shutil
from pathlib import Path

import pytest

from code_ablate.analysis.estimation.decisions import Ranged
from code_ablate.analysis.estimation.estimates import CANNOT_SAY
from code_ablate.analysis.report.results_decisions import LEGEND, decisions_text
from code_ablate.analysis.report.results_text import (
    frozen_on,
    outcome_counts,
    part_values,
    recipes_text,
)
from code_ablate.analysis.report.study_answers import answers, read_part
from code_ablate.analysis.results.frozen import Frozen, FrozenPlan
from code_ablate.cli import main
from code_ablate.errors import UserError
from code_ablate.jobs import keep_study, write_results
from code_ablate.jobs.write_results import CLAIMS, WRITTEN, write_results_page
from tests.analysis.conftest import SIZE, write_study
from tests.analysis.laws.conftest import make_optimum

RECIPES = ("text_only", "code_25", "balanced_only")
TITLE = "What code does"
RECIPES_HEAD = "recipe | size | what it trains on | of study"
CLAIM_ROWS = """source,statement,figure,study,hypothesis
paper,more reasoning,"accuracy, 50.2 to 51.9 %",demo,code_25 accuracy/reasoning better
critics,text gets worse,,demo,balanced_only bits_per_byte/demo.text worse
nobody,of the other study,,later,code_25 accuracy/reasoning better
"""


def freeze(folder, hypotheses, seeds):
    keys = [f"{recipe}, {SIZE}, pretraining" for recipe in RECIPES]
    keys += [f"{recipe}, {SIZE}, cooldown" for recipe in ("text_only", "balanced_only")]
    design = {
        "tokens": dict.fromkeys(keys, 500_000),
        "seeds": list(seeds),
        "baseline": "text_only",
        "sizes": [SIZE],
        "margin": 0.01,
        "margins": {},
    }
    entry = Frozen(
        created="2026-11-20T00:00:00Z",
        version="0.1.0",
        configuration="0123",
        analysis="89ab",
        hypotheses=hypotheses,
        primary_scores={},
        primary_rule="by rule",
        noise_study="",
        stopping_rule="once",
        design=design,
        after_results=False,
    )
    FrozenPlan((entry,)).write(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(page, its text, its folder, folders of a half done study and of one that has not begun)."""
    folder = tmp_path_factory.mktemp("results")
    done = write_study(folder / "study-demo", seeds=(0, 1, 2), recipes=RECIPES, items=40)
    freeze(done, ("balanced_only bits_per_byte/demo.text worse",
                  "code_* bits_per_byte/demo.web_code worse",
                  "nobody accuracy/reasoning better"), seeds=(0, 1, 2, 3))  # fmt: skip
    later = folder / "study-later"
    freeze(later, ("code_25 accuracy/reasoning better",), seeds=(0, 1, 2))
    beside = folder / "page"
    beside.mkdir()
    for name in WRITTEN:
        (beside / f"{name}.md").write_text(f"Written: {name} <of us> & all.\n")
    (beside / CLAIMS).write_text(CLAIM_ROWS)
    out = folder / "page.md"
    arguments = ["results", str(done), str(later), "--out", str(out), "--title", TITLE]
    assert main([*arguments, "--noise", str(done), "--law", str(later)]) == 0
    return out, out.read_text(), beside, done, later


def test_the_page_of_two_sizes_says_how_the_small_one_decides(tmp_path):
    sizes = {SIZE: 1_065_344, "3M": 3_000_000}
    done = write_study(tmp_path / "study-demo", seeds=(0, 1), items=20, sizes=sizes)
    (tmp_path / "page").mkdir()
    for name in WRITTEN:
        (tmp_path / "page" / f"{name}.md").write_text(name)
    (tmp_path / "page" / CLAIMS).write_text(CLAIM_ROWS.splitlines()[0] + "\n")
    made = write_results_page([done], tmp_path / "page.md", title=TITLE)
    text = made.page.read_text()
    assert made.missing == 0
    start = text.index("## Does a smaller size decide for a larger one?")
    decisions = text[start : text.index("## What cannot be said")]
    head = next(line for line in decisions.splitlines() if line.startswith("| task or domain |"))
    first, after = f"{SIZE} for 3M after pre-training", f"{SIZE} for 3M after cooldown"
    assert head == f"| task or domain | {first}, 7 recipes | {after}, 4 recipes |"
    rows = {row[0]: row[1:] for row in rows_of(decisions, "task or domain")}
    alike, mean = rows.pop("scores that order every pair alike"), rows.pop("mean over scores")
    # The scores of the two sizes were made alike; four recipes are too few for an interval.
    marks = {tuple(cell.removeprefix("? ") for cell in row) for row in rows.values()}
    assert marks == {("1.00 [0.71, 1.00]", "1.00")}
    for column in (0, 1):
        told = sum(not row[column].startswith("?") for row in rows.values())
        assert 0 < told < len(rows)
        assert (alike[column], mean[column]) == (f"{told} of {told}", f"1.00 of {told}")
    assert LEGEND in decisions


def test_a_pick_that_is_not_the_best_says_what_it_loses(tmp_path):
    sizes = {SIZE: 1_065_344, "3M": 3_000_000}
    done = write_study(tmp_path / "study-demo", seeds=(0, 1, 2), items=20, sizes=sizes)
    part = read_part(done)
    key = "bits_per_byte/demo.text", SIZE, "3M", "pretraining"
    decided = part.report.evidence.decided
    score = part.report.evidence.primary[key[0]].score
    decisions = dict(decided.decisions)
    found = decisions[(key[0], score, *key[1:])]
    decisions[(key[0], score, *key[1:])] = dataclasses.replace(
        found, accuracy=Ranged(0.9, 0.5, 0.98), lost=0.0123
    )
    evidence = dataclasses.replace(
        part.report.evidence, decided=dataclasses.replace(decided, decisions=decisions)
    )
    part.report.__dict__["evidence"] = evidence  # a cached property
    rows = {row[0]: row[1] for row in rows_of(decisions_text([part]), "task or domain")}
    assert rows[key[0]] == "0.90 [0.50, 0.98], loses 0.0123 bits per byte"
    alike = rows["scores that order every pair alike"]
    told = int(alike.rpartition(" ")[2])
    assert alike == f"{told - 1} of {told}"
    assert rows["mean over scores"] == f"{(told - 0.1) / told:.2f} of {told}"


def rows_of(text, first):
    """Rows of the table whose first row begins with these cells."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_hypotheses_have_their_outcomes(made):
    _, text, _, done, later = made
    tests = rows_of(text, "hypothesis | where")
    outcomes = {(row[0].strip("`").split()[0], row[1]): (row[5], row[7]) for row in tests}
    assert outcomes["balanced_only", "after pre-training"] == ("different", "holds")
    assert outcomes["code_*", "after pre-training"] == ("different", "contradicted")
    assert outcomes["nobody", "–"] == ("–", "not measured yet")
    assert {row[6] for row in tests} == {"3", "–"}
    counts = "holds 2, not measured yet 2, contradicted 1."
    frozen, unfinished = "of hypotheses that were frozen before the data", "in studies that are not"
    assert f"Of 5 tests {frozen} {unfinished} complete: {counts} Changes" in text
    complete = dataclasses.replace(read_part(done), missing_count=0)
    assert outcome_counts([complete, read_part(later)]) == (
        f"Of 4 tests {frozen}: holds 2, contradicted 1, not measured yet 1. "
        f"Of 1 test {unfinished} complete: not measured yet 1."
    )
    # Holds, within the margin, contradicted, cannot say, not measured; then the changes.
    short = rows_of(text, "hypothesis | of study")
    found = {(row[0].strip("`").split()[0], row[1]): row[2:] for row in short}
    demo = "`demo`, not complete"
    assert found["nobody", demo] == ["", "", "", "", "1", "–"]
    assert found["code_*", demo][:5] == ["", "", "1", "", ""]
    held = found["balanced_only", demo]
    changes = [row[4].split(" [")[0] for row in tests if "balanced_only" in row[0]]
    assert held[:5] == ["2", "", "", "", ""] and set(held[5].split(" to ")) == set(changes)


def test_what_was_frozen_is_told_with_what_became_of_it(made, tmp_path):
    _, text, _, done, _ = made
    assert "From `demo`, frozen on 2026-11-20 before there were results; every other" in text
    assert "* Design: 0123: the study was run so." in text
    assert "* Analysis: 89ab, and here it is " in text and "* Stopping rule: once." in text
    plan = FrozenPlan.read(done)
    again = dataclasses.replace(plan.first, created="2026-11-21T00:00:00Z", stopping_rule="twice")
    after = dataclasses.replace(plan.first, after_results=True)
    amended = dataclasses.replace(read_part(done), frozen=FrozenPlan((plan.first, again)))
    late = dataclasses.replace(read_part(done), frozen=FrozenPlan((after,)))
    assert len(answers(amended)) == len(answers(read_part(done))) == 4
    assert answers(late) == []
    assert frozen_on(amended.frozen).endswith("amended 1 time before there were results")
    assert "nothing was frozen before" in frozen_on(late.frozen)


def test_what_no_hypothesis_named_is_marked_as_exploratory(made):
    _, text, _, done, _ = made
    report = read_part(done).report
    apart = [c for c in report.summary.comparisons if c.exploratory]
    marked = [c for c in apart if c.verdict() != CANNOT_SAY]
    assert 0 < len(marked) < len(apart) < len(report.summary.comparisons)
    tables = text[text.index("## All changes") : text.index("## The noise")]
    assert tables.count(" °") == len(marked)
    assert '"°": exploratory' in text


def test_panels_are_of_what_frozen_hypotheses_name(made, tmp_path, monkeypatch):
    _, _, beside, done, later = made
    other = shutil.copytree(done, tmp_path / "study-other")
    (other / "frozen.json").unlink()  # where nothing was frozen no comparison is exploratory
    shutil.copytree(beside, tmp_path / "page")
    named = []
    monkeypatch.setattr(write_results, "_figures", lambda part, names: named.append(names) or [])
    write_results_page([done, other, later], tmp_path / "page.md", title=TITLE)
    hypotheses = {"bits_per_byte/demo.text", "bits_per_byte/demo.web_code", "accuracy/reasoning"}
    assert named == [hypotheses] * 3


def test_a_figure_that_is_not_drawn_is_not_on_the_page(made, tmp_path, monkeypatch):
    _, _, beside, done, later = made
    monkeypatch.setattr(write_results, "change_figure", lambda *_: None)
    shutil.copytree(beside, tmp_path / "page")
    found = write_results_page([done, later], tmp_path / "page.md", title=TITLE)
    assert re.findall(r"!\[.*\]\((.*)\)", found.page.read_text()) == ["page/demo-scores.png"]
    assert [file.name for file in found.files if file.suffix == ".png"] == ["demo-scores.png"]


def test_a_table_whose_csv_is_too_large_is_listed_by_the_file_that_is_there(
    made, tmp_path, monkeypatch
):
    _, text, beside, done, later = made
    assert "* `page/arms.csv` and `.parquet`: 15 rows\n" in text
    shutil.copytree(beside, tmp_path / "page")
    largest = max(beside.glob("*.csv"), key=lambda file: file.stat().st_size)
    parquet = max(file.stat().st_size for file in beside.glob("*.parquet"))
    assert parquet < largest.stat().st_size - 1
    monkeypatch.setattr(write_results, "LIMIT_BYTES", largest.stat().st_size - 1)
    found = write_results_page([done, later], tmp_path / "page.md", title=TITLE)
    page = found.page.read_text()
    listed = {f"page/{name}" for name in re.findall(r"`page/(\S+\.(?:csv|parquet))`", page)}
    assert f"page/{largest.stem}.parquet" in listed and f"{largest.stem}.csv" not in page
    # That of an earlier page is not left beside the new one.
    assert not (tmp_path / "page" / largest.name).exists()
    assert all((tmp_path / name).exists() for name in listed)


def test_what_is_missing_is_named(made):
    _, text, *_ = made
    assert "Missing from `demo`: 5 of 20 arms." in text
    assert text.count("Of its 20 arms 5 are missing: where its stopping rule") == 1
    assert "Of its 15 arms" not in text  # which has no test yet
    assert f"* code_25, {SIZE}, pretraining: seed 3\n" in text
    assert "Of `later` none of 15 arms is there yet." in text and "Missing from `later`" not in text
    assert "It takes 8 different mixtures; of `later` 0 are trained." in text
    assert "## Does a smaller size decide" not in text  # no study has two sizes


def test_claims_of_others_stand_beside_what_was_found(made):
    _, text, *_ = made
    rows = {row[0]: row[1:] for row in rows_of(text, "who")}
    outcomes = {who: row[-1] for who, row in rows.items()}
    # No hypothesis that was frozen names accuracy.
    assert outcomes == {"paper": "cannot say °", "critics": "agrees", "nobody": "not measured yet"}
    assert rows["paper"][1] == "accuracy, 50.2 to 51.9 %" and rows["critics"][1] == "–"
    tests = rows_of(text, "hypothesis | where")
    changes = [row[4] for row in tests if row[0].startswith("`balanced_only bits")]
    assert len(changes) == 2 and rows["critics"][4] == "; ".join(changes)
    assert rows["nobody"][4] == "–"


def test_without_hypotheses_every_comparison_and_claim_is_exploratory(made, tmp_path):
    _, _, beside, done, _ = made
    plain = shutil.copytree(done, tmp_path / "study-plain")
    (plain / "frozen.json").unlink()
    shutil.copytree(beside, tmp_path / "page")
    claim = 'critics,a|b,"P(a|b)",plain,balanced_only bits_per_byte/demo.text worse\n'
    (tmp_path / "page" / CLAIMS).write_text(CLAIM_ROWS.splitlines()[0] + "\n" + claim)
    page = write_results_page([plain], tmp_path / "page.md", title=TITLE).page.read_text()
    assert "Nothing was frozen before the data: every comparison is exploratory." in page
    [row] = [line for line in page.splitlines() if line.startswith("| critics |")]
    assert row.endswith("| agrees ° |") and "| a\\|b | P(a\\|b) |" in row
    tables = page[page.index("## All changes") : page.index("## The noise")]
    assert tables.count("**") == 2 * tables.count("°**") > 0
    (tmp_path / "page" / CLAIMS).write_text(CLAIM_ROWS.splitlines()[0] + "\n")
    page = write_results_page([plain], tmp_path / "page.md", title=TITLE).page.read_text()
    assert "## What others found" not in page
    (tmp_path / "page" / CLAIMS).unlink()  # which nobody need have
    again = write_results_page([plain], tmp_path / "page.md", title=TITLE).page.read_text()
    assert again == page and "## The law of the mixture" not in page


def test_recipes_and_the_scores_of_the_baseline_are_given(made):
    _, text, beside, *_ = made
    rows = {row[0].strip("`"): row[1:] for row in rows_of(text, RECIPES_HEAD)}
    assert list(rows) == ["text_only", "code_25", "balanced_only"]
    first, cooldown = "500,000 tokens of some corpora", "50,000 tokens of some corpora"
    assert rows["text_only"] == [SIZE, f"{first}; then {cooldown}", "`demo`"]
    assert rows["code_25"] == [SIZE, first, "`demo`"]
    changes = text[text.index("## All changes") :]
    [columns] = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in changes.splitlines()
        if line.startswith("| recipe |")
    ][:1]
    first = rows_of(changes, " | ".join(columns))[0]
    assert first[0] == "text_only: scores"
    with (beside / "seeds.csv").open() as file:
        seeds = [row for row in csv.DictReader(file)
                 if (row["recipe"], row["stage"]) == ("text_only", "pretraining")]  # fmt: skip
    values = [float(row["value"]) for row in seeds if row["metric"] == "bits_per_byte/demo.text"]
    at = columns.index("demo.text, bits per byte")
    assert first[at] == f"{sum(values) / 3:.3f}"
    assert first[columns.index("reasoning, accuracy")].endswith(" %")


def test_a_recipe_of_two_studies_is_listed_once_if_its_phases_are_the_same(made):
    *_, done, _ = made
    report = read_part(done).report
    arms = report.record.arms
    begun = [arm for arm in arms if arm.arm.stage == "pretraining"]
    phases = {n: dataclasses.replace(p, tokens=7) for n, p in report.record.phases.items()}
    others = {}
    for name, record in (
        ("begun", dataclasses.replace(report.record, arms=tuple(begun))),
        ("other", dataclasses.replace(report.record, phases=phases)),
    ):
        results = dataclasses.replace(report.results, record=record)
        part = dataclasses.replace(read_part(done), name=name)
        others[name] = dataclasses.replace(
            part, report=dataclasses.replace(report, results=results)
        )
    parts = [read_part(done), others["begun"], others["other"]]
    for order in (parts, parts[::-1]):
        rows = [
            row for row in rows_of(recipes_text(order), RECIPES_HEAD) if row[0] == "`text_only`"
        ]
        assert len(rows) == 2
        [whole] = [row for row in rows if row[2].startswith("500,000 tokens")]
        [other] = [row for row in rows if row[2].startswith("7 tokens")]
        assert whole[2].count("tokens of") == 2 and other[3] == "`other`"
        assert set(whole[3].split(" and ")) == {"`demo`", "`begun` (to the end of phase 1)"}


def test_a_recipe_of_larger_sizes_alone_is_listed_with_its_own(tmp_path):
    sizes = {SIZE: 1_065_344, "3M": 3_000_000}
    done = write_study(tmp_path / "study-demo", seeds=(0,), recipes=RECIPES, items=20, sizes=sizes)
    part = read_part(done)
    report = part.report
    arms = [arm for arm in report.record.arms
            if arm.arm.size == "3M" or arm.arm.recipe == "text_only"]  # fmt: skip
    record = dataclasses.replace(report.record, arms=tuple(arms))
    results = dataclasses.replace(report.results, record=record)
    part = dataclasses.replace(part, report=dataclasses.replace(report, results=results))
    rows = rows_of(recipes_text([part]), RECIPES_HEAD)
    assert {row[0]: row[1] for row in rows} == {
        "`text_only`": SIZE,
        "`code_25`": "3M",
        "`balanced_only`": "3M",
    }


def test_a_phase_of_two_studies_is_counted_once(made):
    *_, done, _ = made
    part = read_part(done)
    alone, again = part_values(part), part_values(part, [part])
    phases = len(part.report.record.phases)
    assert alone["phases"] == f"{phases} ({phases})" and again["phases"] == f"{phases} (0)"
    assert alone["tokens"] != "0" == again["tokens"] and again["hours"] == "0.0"


def test_tables_lead_from_each_number_to_its_run(made):
    _, text, beside, done, _ = made
    with (beside / "arms.csv").open() as file:
        arms = list(csv.DictReader(file))
    assert len(arms) == 15 and all(arm["phase"] == arm["phases"].split()[-1] for arm in arms)
    assert {arm["commits"] for arm in arms} == {"c0ffee"}
    with (beside / "seeds.csv").open() as file:
        seeds = list(csv.DictReader(file))
    with (beside / "changes.csv").open() as file:
        changes = list(csv.DictReader(file))
    of = ("balanced_only", "pretraining", "bits_per_byte/demo.text")
    [change] = [row for row in changes if (row["recipe"], row["stage"], row["metric"]) == of]
    values = {
        (row["recipe"], row["seed"]): float(row["value"])
        for row in seeds
        if row["metric"] == "bits_per_byte/demo.text" and row["stage"] == "pretraining"
    }
    differences = [values["balanced_only", s] - values["text_only", s] for s in "012"]
    assert sum(differences) / 3 == pytest.approx(float(change["difference"]), rel=1e-3)
    assert (beside / "demo.frozen.json").read_text() == (done / "frozen.json").read_text()
    assert all(path.stat().st_size < 1_000_000 for path in beside.iterdir())
    for figure in re.findall(r"!\[.*\]\((.*)\)", text):
        assert (beside.parent / figure).read_bytes()[1:4] == b"PNG"
    # The pilot is one of the studies here, and its noise is given once.
    noise = text[text.index("## The noise") : text.index("## The law")]
    assert noise.count("| demo.text, bits per byte | ") == 1 and "Noise of the pilot:" in noise


def test_mixtures_of_a_law_are_drawn_by_the_law_and_not_compared(made, tmp_path, monkeypatch):
    _, _, beside, done, _ = made
    monkeypatch.setattr("code_ablate.analysis.laws.mixture_records.LEAST_MIXTURES", 2)
    monkeypatch.setattr("code_ablate.jobs.mixture_law.study_mixtures", lambda *_: make_optimum())
    shutil.copytree(beside, tmp_path / "page")
    rows = "\n".join(line for line in CLAIM_ROWS.splitlines() if "later" not in line)
    (tmp_path / "page" / CLAIMS).write_text(rows + "\n")
    with pytest.raises(UserError, match=r"--law .*study-later is none of the studies"):
        write_results_page([done], tmp_path / "page.md", title=TITLE, law=made[4])
    monkeypatch.chdir(done.parent)  # the same folder by another name
    found = write_results_page([done], tmp_path / "page.md", title=TITLE, law=done.name)
    page = found.page.read_text()
    law = page[page.index("## The law of the mixture") : page.index("## What others found")]
    assert re.findall(r"!\[.*\]\((.*)\)", page) == ["page/demo-law.png"]
    assert "page/demo-law.png" in law and "cannot be told from the best" in law
    assert (tmp_path / "page" / "law_shares.csv").exists()
    assert "\n| recipe |" not in page and "\n| balanced_only |" not in page
    assert "From `demo`, frozen" in page  # what was claimed of them is tested all the same


def test_the_page_is_plain_markdown_and_the_same_again(made):
    out, text, _, done, later = made
    for name in WRITTEN:
        assert f"Written: {name} <of us> & all." in text
    command = text[text.rindex("```\ncode-ablate results") :]
    assert f"{done.parent.name}/{done.name} " in command and f"--title '{TITLE}'" in command
    assert str(done) not in text
    write_results_page([done, later], out, title=TITLE, noise=done, law=later)
    assert out.read_text() == text


def test_a_page_is_made_again_of_what_is_kept_beside_it(made, tmp_path, monkeypatch):
    _, plain, beside, done, later = made
    shutil.copytree(beside, tmp_path / "docs" / "page")
    runs = tmp_path / "runs"
    for study in (done, later):
        shutil.copytree(study, runs / study.name)
    pilot = shutil.copytree(done, runs / "study-pilot")
    monkeypatch.chdir(tmp_path)
    arguments = ["results", f"runs/{done.name}", f"runs/{later.name}", "--out", "docs/page.md"]
    arguments += ["--title", TITLE, "--noise", f"runs/{pilot.name}", "--keep"]
    assert main(arguments) == 0
    page, kept = Path("docs/page.md"), Path("docs/page")
    text = page.read_text(encoding="utf-8")
    assert (
        "The page is made of `page/study-demo`, `page/study-later` and `page/study-pilot`: " in text
    )
    assert "The page is made of" not in plain
    files = {file.name: file.read_bytes() for file in (kept / done.name).iterdir()}
    assert files.keys() == {"study.json", "results.parquet", "frozen.json"}
    assert files == {name: (runs / done.name / name).read_bytes() for name in files}
    assert [file.name for file in (kept / later.name).iterdir()] == ["frozen.json"]

    shutil.rmtree(runs)
    command = shlex.split(text[text.rindex("```\ncode-ablate results") :].strip("`\n"))
    assert command[2:4] == ["docs/page/study-demo", "docs/page/study-later"]
    page.unlink()
    assert main(command[1:]) == 0
    assert page.read_text(encoding="utf-8") == text
    assert {file.name: file.read_bytes() for file in (kept / done.name).iterdir()} == files
    (kept / CLAIMS).unlink()  # which speak of the other study
    made = write_results_page([kept / done.name], page, title=TITLE, keep=True)
    assert [place.name for place in made.left] == [later.name, pilot.name]  # no longer of the page


def test_what_is_kept_is_not_lost_to_a_study_that_has_less(made, tmp_path):
    _, _, beside, done, _ = made
    (tmp_path / CLAIMS).write_text("")
    kept = shutil.copytree(done, tmp_path / "page" / done.name)
    for file in beside.iterdir():
        if file.suffix == ".md":
            shutil.copy(file, tmp_path / "page")
    before = {file.name: file.read_bytes() for file in kept.iterdir()}
    begun = tmp_path / "runs" / done.name  # frozen again on another machine, with no results
    begun.mkdir(parents=True)
    shutil.copy(done / "frozen.json", begun)
    fewer = write_study(tmp_path / "fewer" / done.name, seeds=(0, 1), recipes=RECIPES, items=40)
    for other, lost in ((begun, 15), (fewer, 5)):
        with pytest.raises(UserError, match=rf"keeps {lost} arms that .* does not have, and would"):
            write_results_page([other], tmp_path / "page.md", title=TITLE, keep=True)
        assert {file.name: file.read_bytes() for file in kept.iterdir()} == before
    assert not (tmp_path / "page.md").exists()
    more = write_study(tmp_path / "more" / done.name, seeds=(0, 1, 2, 3), recipes=RECIPES, items=40)
    write_results_page([more], tmp_path / "page.md", title=TITLE, keep=True)
    assert (kept / "study.json").read_bytes() == (more / "study.json").read_bytes()
    assert not (kept / "frozen.json").exists()  # which the longer one does not have


def test_folders_are_kept_by_their_own_names_however_they_are_written(made, tmp_path, monkeypatch):
    _, _, beside, done, _ = made
    shutil.copytree(beside, tmp_path / "page")
    (tmp_path / "page" / CLAIMS).unlink()
    study = shutil.copytree(done, tmp_path / "runs" / done.name)
    (tmp_path / "runs" / "pilot").symlink_to(study)
    monkeypatch.chdir(study)
    before = sorted(file.name for file in tmp_path.iterdir())
    page = tmp_path / "page.md"
    write_results_page(["."], page, title=TITLE, noise="../pilot", law="../pilot/", keep=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*before, "page.md"])
    assert (tmp_path / "page" / done.name / "study.json").exists()
    command = page.read_text(encoding="utf-8").rstrip("`\n").splitlines()[-1]
    kept = f"{tmp_path.name}/page/{done.name}"
    assert f" {kept} --out" in command and f"--noise {kept} --law {kept} --keep" in command
    assert "From `demo`, frozen" in page.read_text(encoding="utf-8")


def test_what_is_too_large_to_be_kept_is_said_before_anything_is_written(
    made, tmp_path, monkeypatch
):
    _, _, beside, done, _ = made
    shutil.copytree(beside, tmp_path / "page")
    before = sorted((tmp_path / "page").iterdir())
    size = (done / "results.parquet").stat().st_size
    monkeypatch.setattr(keep_study, "LIMIT_BYTES", size - 1)
    with pytest.raises(UserError, match=rf"parquet has {size:,} bytes, .* leave --keep out"):
        write_results_page([done], tmp_path / "page.md", title=TITLE, keep=True)
    assert sorted((tmp_path / "page").iterdir()) == before and not (tmp_path / "page.md").exists()


def test_two_studies_of_one_name_are_refused(made, tmp_path):
    _, _, beside, done, _ = made
    shutil.copytree(done, tmp_path / done.name)
    shutil.copytree(beside, tmp_path / "page")
    with pytest.raises(UserError, match="two studies are called demo"):
        write_results_page([done, tmp_path / done.name], tmp_path / "page.md", title=TITLE)
    # A pilot has no name on the page, but a place beside it where it is kept.
    with pytest.raises(UserError, match="two studies are called demo"):
        write_results_page(
            [done], tmp_path / "page.md", title=TITLE, noise=tmp_path / done.name, keep=True
        )


def test_what_the_page_needs_is_asked_for(made, tmp_path):
    out, _, _, done, _ = made
    with pytest.raises(UserError, match=r"lacks question\.md, words\.md"):
        write_results_page([done], tmp_path / "other.md", title=TITLE)
    with pytest.raises(UserError, match=r"no results and nothing that was frozen"):
        write_results_page([tmp_path], out, title=TITLE)
    with pytest.raises(UserError, match=r"speaks of the study 'later'; given are demo"):
        write_results_page([done], out, title=TITLE)


def test_results_so_far_go_with_nothing_that_trains_or_freezes(capsys):
    for option in (["--phase", "text"], ["--freeze"]):
        assert main(["study", "demo", "--so-far", *option]) == 2
        assert "--so-far" in capsys.readouterr().err
