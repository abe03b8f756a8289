"""The report: its figures recomputed from the per-item table, its form, and what it says."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.report import figures
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.page import render_report, terminal_table, write_report
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError

QUICK = Settings(resamples=1000)
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


class Cells(HTMLParser):
    """Collects what stands in data attributes, and everything that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[dict[str, str]] = []
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        if "data-kind" in found:
            self.cells.append({k.removeprefix("data-"): v for k, v in found.items()})
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            if name in found:
                self.loads.append(found[name])


def _parse(text: str) -> Cells:
    parser = Cells()
    parser.feed(text)
    return parser


@pytest.fixture(scope="module")
def page(study_dir, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "sub" / "report.html"
    write_report(study_dir, path, QUICK)
    assert 0 < path.with_suffix(".png").stat().st_size < 200_000
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cells(page) -> pd.DataFrame:
    return pd.DataFrame(_parse(page).cells)


@pytest.fixture(scope="module")
def items(study_dir) -> pd.DataFrame:
    return pd.read_parquet(study_dir / "results.parquet")


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Leaves out the drawing, which is slow, where a test does not look at it."""
    monkeypatch.setattr(figures, "to_data_uri", lambda figure: "data:image/svg+xml;base64,")


def _score(rows: pd.DataFrame, metric: str) -> float:
    """A metric in plain pandas, from the rows of one recipe and stage."""
    if metric.startswith("bits_per_byte/"):
        rows = rows[rows["task"] == metric]
        return rows["bits"].sum() / rows["bytes"].sum()
    rows = rows[rows["category"] == metric.removeprefix("accuracy/")]
    return rows.groupby("task")["correct"].mean().mean()


def _rows(items, stage, recipe):
    return items[(items["stage"] == stage) & (items["recipe"] == recipe)]


def test_every_score_is_that_of_the_items(cells, items):
    scores = cells[cells["kind"] == "score"]
    assert len(scores) == (7 + 4) * 6  # recipes of both stages x metrics
    for row in scores.itertuples():
        assert float(row.value) == pytest.approx(
            _score(_rows(items, row.stage, row.recipe), row.metric), rel=1e-9
        )
        assert float(row.low) < float(row.value) < float(row.high)
        assert row.seeds == "0 1"


def test_every_gain_is_that_of_the_items(cells, items):
    gains = cells[cells["kind"] == "gain"]
    assert len(gains) == (6 + 3) * 6
    for row in gains.itertuples():
        base = _score(_rows(items, row.stage, "text_only"), row.metric)
        x = _score(_rows(items, row.stage, row.recipe), row.metric)
        assert float(row.value) == pytest.approx((x - base) / base, rel=1e-9, abs=1e-12)
        assert float(row.low) <= float(row.value) <= float(row.high)
    _check_seed_test(gains, items)
    p = np.sort(gains["p"].astype(float).to_numpy())
    expected = np.minimum(1, np.maximum.accumulate(p * np.arange(len(p), 0, -1)))
    np.testing.assert_allclose(np.sort(gains["p-holm"].astype(float)), expected)


def _check_seed_test(gains, items):
    """No p is under that of randomised blocks, here by ordinary least squares."""
    for (stage, metric), group in gains.groupby(["stage", "metric"]):
        rows = items[items["stage"] == stage]
        scores = {key: _score(g, metric) for key, g in rows.groupby(["recipe", "seed"])}
        recipes = sorted({recipe for recipe, _ in scores} - {"text_only"})
        design = np.array(
            [[1.0, s == 1, *(r == name for name in recipes)] for r, s in scores], dtype=float
        )
        values = np.array(list(scores.values()))
        effects, (rest,), *_ = np.linalg.lstsq(design, values)
        freedom = len(values) - design.shape[1]
        error = np.sqrt(rest / freedom * np.linalg.inv(design.T @ design)[2, 2])
        for row in group.itertuples():
            effect = effects[2 + recipes.index(row.recipe)]
            expected = 2 * stats.t.sf(abs(effect) / error, freedom)
            assert float(row.p) >= expected * (1 - 1e-6)


def test_every_task_score_is_that_of_the_items(cells, items):
    found = cells[cells["kind"] == "task"]
    assert len(found) == (7 + 4) * 11 * 3
    for row in found.itertuples():
        rows = _rows(items, row.stage, row.recipe)
        rows = rows[rows["task"] == row.task]
        if row.score == "bits":
            expected = rows["bits"].sum() / rows["bytes"].sum()
        else:
            expected = rows[row.score].mean()
        assert float(row.value) == pytest.approx(expected, rel=1e-9)
        assert int(row.n) == rows["item"].nunique()


def test_tests_against_chance_and_collapse(cells, items):
    found = cells[(cells["kind"] == "task") & (cells["score"] == "correct")]
    for _, row in found.iterrows():
        rows = _rows(items, row["stage"], row["recipe"])
        rows = rows[rows["task"] == row["task"]]
        worst = max(
            stats.binomtest(
                int(g["correct"].sum()), len(g), 1 / g["choices"].iloc[0], alternative="greater"
            ).pvalue
            for _, g in rows.groupby("seed")
        )
        assert float(row["chance-p"]) == pytest.approx(worst, rel=1e-6)
        assert (row["degenerate"] == "true") == (row["task"] == "boolq")


def _plain_bootstrap(items, stage, recipe, metric, draws=1500) -> np.ndarray:
    """Relative gain, resampled one replicate at a time with an index, as one would by hand."""
    generator = np.random.default_rng(99)
    rows = items[items["stage"] == stage]
    if metric.startswith("bits_per_byte/"):
        names, top, bottom = [metric], "bits", "bytes"
    else:
        category = metric.removeprefix("accuracy/")
        names = list(rows.loc[rows["category"] == category, "task"].unique())
        top, bottom = "correct", None
    arrays = []
    for name in names:
        wide = rows[rows["task"] == name].pivot(index="item", columns=["recipe", "seed"])
        tops, sizes = wide[top], wide[bottom] if bottom else wide[top] * 0 + 1
        arrays.append([(tops[r].to_numpy(), sizes[r].to_numpy()) for r in (recipe, "text_only")])
    gains = []
    for _ in range(draws):
        seed = generator.integers(2)
        x = base = 0.0
        for (x_top, x_size), (b_top, b_size) in arrays:
            chosen = generator.integers(0, len(x_top), len(x_top))
            x += x_top[chosen, seed].sum() / x_size[chosen, seed].sum()
            base += b_top[chosen, seed].sum() / b_size[chosen, seed].sum()
        gains.append((x - base) / base)
    return np.array(gains)


@pytest.mark.parametrize(
    ("recipe", "metric"),
    [
        ("code_100", "bits_per_byte/demo.text"),
        ("balanced_to_text", "bits_per_byte/demo.markup"),
        ("code_75", "accuracy/basic skills"),
    ],
)
def test_intervals_are_those_of_a_plain_bootstrap(cells, items, recipe, metric):
    row = cells[
        (cells["kind"] == "gain")
        & (cells["stage"] == "pretraining")
        & (cells["recipe"] == recipe)
        & (cells["metric"] == metric)
    ].iloc[0]
    low, high = np.quantile(_plain_bootstrap(items, "pretraining", recipe, metric), [0.025, 0.975])
    tolerance = 0.12 * (high - low)
    assert float(row["low"]) == pytest.approx(low, abs=tolerance)
    assert float(row["high"]) == pytest.approx(high, abs=tolerance)


def test_built_in_effects_are_found(study_dir):
    summary = summarise(load_results(study_dir), Settings(resamples=5000))
    domains = {metric.label: metric for metric in summary.metrics}
    worse = summary.comparison("pretraining", "code_100", domains["demo.text"])
    assert worse.certain() and not worse.better
    assert worse.gain.low < (2.94 - 2.30) / 2.30 < worse.gain.high
    better = summary.comparison("cooldown", "balanced_only", domains["demo.web_code"])
    assert better.certain() and better.better
    built_in = (2.75 - 1.15 * 0.5**0.4 - 0.06) / (2.75 - 0.06) - 1
    assert better.gain.value == pytest.approx(built_in, abs=0.02)
    assert not summary.comparison("pretraining", "code_25", domains["reasoning"]).certain()
    assert summary.comparison("pretraining", "text_only", domains["demo.text"]) is None


def test_page_is_self_contained(page):
    assert not re.search(r"https?://", page)
    assert "@import" not in page and "url(" not in page
    parsed = _parse(page)
    assert len(parsed.loads) == 3  # the three figures
    assert all(load.startswith("data:image/svg+xml;base64,") for load in parsed.loads)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(parsed.tags)
    for name in set(parsed.tags) - {"meta", "img"}:
        assert page.count(f"</{name}>") == parsed.tags.count(name), name


def test_sections_stand_in_order(page):
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == [
        "Scores against the share of code",
        "Scores",
        "Change relative to text_only",
        "Categories",
        "Tasks",
        "Realised mixtures",
        "Token stores",
        "Phases",
        "What cannot be concluded",
        "How each number was made",
    ]


def test_names_are_escaped(tmp_path, make_study, undrawn):
    def change(study, table):
        study["name"] = "<script>alert(1)</script>"
        study["missing"] = [{"task": "a<b", "reason": 'not "there" & gone'}]

    study = make_study(tmp_path / "a", change=change, **SMALL)
    write_report(study, tmp_path / "r.html", QUICK)
    text = (tmp_path / "r.html").read_text()
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "a&lt;b (not &quot;there&quot; &amp; gone)" in text


def test_same_results_give_the_same_page(tmp_path, study_dir, page):
    write_report(study_dir, tmp_path / "r.html", QUICK)
    assert (tmp_path / "r.html").read_text() == page


def test_a_path_that_cannot_be_written_is_named(tmp_path, study_dir, undrawn):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the report"):
        write_report(study_dir, tmp_path / "file" / "r.html", Settings(resamples=20))


def _keys(study_dir) -> set[str]:
    return {limit.key for limit in limits(summarise(load_results(study_dir), QUICK))}


def test_page_lists_the_limits(page, study_dir):
    assert set(re.findall(r'data-limit="(\w+)"', page)) == _keys(study_dir)


def test_what_cannot_be_concluded_follows_the_data(tmp_path, make_study):
    first = _keys(make_study(tmp_path / "a", **SMALL))
    assert {"scale", "prediction", "few_seeds", "spans_zero", "at_chance", "degenerate"} <= first
    assert {"few_documents", "order_and_share", "no_cooldown"} <= first
    assert not {"one_seed", "epochs", "missing", "no_baseline", "undefined_gain"} & first

    def change(study, table):
        study["missing"] = [{"task": "hellaswag", "reason": "not installed"}]
        study["model"]["parameters"], study["tokens"] = 470_000_000, 200_000_000_000
        for recipe in study["recipes"]:  # a single-phase recipe at the same share
            if recipe["name"] == "code_25":
                recipe["sweep"] = True
        for arm in study["arms"]:
            if arm["recipe"] == "code_25":
                arm["code_share"] = 0.3
        for row in study["tasks"].values():
            row["items"] = max(row["items"], 30)
        table.loc[table["task"] == "boolq", "predicted"] = table["gold"]
        table = table[table["stage"] == "pretraining"]
        study["arms"] = [arm for arm in study["arms"] if arm["stage"] == "pretraining"]
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
    gone = {"scale", "few_seeds", "degenerate", "order_and_share", "no_cooldown", "few_documents"}
    assert not gone & other


def test_one_seed_is_said_to_be_one(tmp_path, make_study, undrawn):
    study = make_study(tmp_path / "a", seeds=(3,), **SMALL)
    keys = _keys(study)
    assert "one_seed" in keys and "few_seeds" not in keys
    summary = summarise(load_results(study), QUICK)
    assert min(c.p_holm for c in summary.comparisons) < 0.05  # by items alone
    assert not any(c.certain() for c in summary.comparisons)
    write_report(study, tmp_path / "r.html", QUICK)
    assert "one seed</span>" in (tmp_path / "r.html").read_text()


def test_too_few_resamples_for_holm_are_said_to_be_too_few(study_dir):
    results = load_results(study_dir)
    few = {limit.key for limit in limits(summarise(results, Settings(resamples=200)))}
    enough = {limit.key for limit in limits(summarise(results, Settings(resamples=4000)))}
    assert "resolution" in few and "resolution" not in enough


def test_without_a_common_seed_nothing_is_compared(tmp_path, make_study, undrawn):
    def change(study, table):
        study["arms"] = [
            arm for arm in study["arms"] if (arm["recipe"] == "text_only") == (arm["seed"] == 0)
        ]
        return table[(table["recipe"] == "text_only") == (table["seed"] == 0)]

    study = make_study(tmp_path / "a", change=change, **SMALL)
    summary = summarise(load_results(study), QUICK)
    assert summary.comparisons == ()
    assert "Nothing can be said" in answer(summary)[0]
    assert "no_baseline" in {limit.key for limit in limits(summary)}
    assert "not comparable" in terminal_table(summary)
    write_report(study, tmp_path / "r.html", QUICK)
    text = (tmp_path / "r.html").read_text()
    assert 'data-kind="gain"' not in text and len(_parse(text).loads) == 2


def test_a_baseline_of_zero_gives_no_relative_gain(tmp_path, make_study, undrawn):
    def change(study, table):
        zero = (table["recipe"] == "text_only") & (table["category"] == "reasoning")
        table.loc[zero, "correct"] = 0.0

    study = make_study(tmp_path / "a", change=change, **SMALL)
    summary = summarise(load_results(study), QUICK)
    undefined = [c for c in summary.comparisons if c.gain is None]
    assert {c.metric.label for c in undefined} == {"reasoning"}
    assert all(c.certain(0.2) and c.difference.low > 0 for c in undefined)
    assert "undefined_gain" in {limit.key for limit in limits(summary)}
    shown = re.findall(r"\+\d+\.\d\spoints \[\+\d+\.\d, \+\d+\.\d\]", terminal_table(summary))
    assert len(shown) == len(undefined)
    cells = pd.DataFrame(_parse(render_report(summary)).cells)
    found = cells[cells["kind"] == "difference"]
    expected = [repr(c.difference.value) for c in undefined]
    assert sorted(found["value"]) == sorted(expected)
    certain = [c for c in undefined if c.certain()]
    assert certain and "points" in " ".join(answer(summary))


def test_nothing_right_has_an_interval_all_the_same(tmp_path, make_study):
    def change(study, table):
        table.loc[table["task"].isin(["arc_easy", "boolq"]), "correct"] = 0.0
        table.loc[table["category"] == "basic skills", "correct"] = 0.0

    summary = summarise(load_results(make_study(tmp_path / "a", change=change, **SMALL)), QUICK)
    high = 1 - 0.025 ** (1 / 40)  # Clopper and Pearson's upper end for 0 of 40
    task = summary.task_results["pretraining", "text_only", "arc_easy"].scores["correct"]
    assert (task.low, task.high) == (0.0, pytest.approx(high))
    skills = next(metric for metric in summary.metrics if metric.label == "basic skills")
    level = summary.level("pretraining", "text_only", skills)
    assert (level.value, level.low, level.high) == (0.0, 0.0, pytest.approx(high))


def test_tasks_on_the_same_items_are_not_independent(tmp_path, make_study):
    def change(study, table):
        arc = table[table["task"] == "arc_easy"]
        others = table["category"] != "reasoning"
        again = [arc.assign(task=name) for name in ("arc_easy", "piqa", "sciq", "copa", "boolq")]
        for name in study["tasks"]:
            if study["tasks"][name]["category"] == "reasoning":
                study["tasks"][name]["items"] = 40
        return pd.concat([table[others], *again], ignore_index=True)

    summary = summarise(load_results(make_study(tmp_path / "a", change=change, **SMALL)), QUICK)
    reasoning = next(metric for metric in summary.metrics if metric.label == "reasoning")
    level = summary.level("pretraining", "code_100", reasoning)
    task = summary.task_results["pretraining", "code_100", "arc_easy"].scores["correct"]
    assert (level.low, level.high) == pytest.approx((task.low, task.high))


def test_answer_names_what_holds_and_what_does_not(study_dir):
    text = " ".join(answer(summarise(load_results(study_dir), Settings(resamples=5000))))
    assert re.search(r"fell against text_only .*with code_100 on demo\.web_code", text)
    assert re.search(r"rose, at most by: \+2\d\.\d\s% \[.*\] with code_100 on demo\.text", text)
    assert "In accuracy no recipe can be told apart from text_only here" in text
    assert "1.1 million parameters trained on 500,000 tokens with 2 seeds" in text


def test_terminal_table_is_the_golden_one(tmp_path, make_study):
    # If you meant to change the table: write the new one over terminal_table.txt and read it.
    study = make_study(tmp_path / "a", **SMALL)
    table = terminal_table(summarise(load_results(study), QUICK))
    golden = Path(__file__).with_name("terminal_table.txt")
    assert table == golden.read_text(encoding="utf-8")
    assert max(map(len, table.splitlines())) <= 88


def test_cropped_prompts_are_said(tmp_path, make_study):
    study = make_study(tmp_path / "study", **SMALL)
    assert "lost its beginning" not in " ".join(
        x.text for x in limits(summarise(load_results(study), QUICK))
    )
    description = json.loads((study / "study.json").read_text())
    description["tasks"]["boolq"] |= {"examples": 100, "cropped": 37}
    (study / "study.json").write_text(json.dumps(description))
    said = {limit.key: limit.text for limit in limits(summarise(load_results(study), QUICK))}
    assert "boolq (37\u00a0%)" in said["cropped"]
