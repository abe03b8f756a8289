"""Grids of seeds: found in a study's record, and their scores put together."""

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.results.results import load_results
from code_ablate.analysis.results.seed_grid import seed_grids
from code_ablate.errors import UserError
from tests.analysis.conftest import read_content, save_study

FEW = {"recipes": ("text_only", "code_100"), "items": 12, "seeds": (0, 1, 2)}
PARTS = {f"1M, first weights {i}": ("1M", f"first weights {i}") for i in range(3)}
SETTINGS = tuple(PARTS)


def crossed(study, table):
    """Each setting fixes an initialisation, and the seeds vary the order."""
    for arm in study["arms"]:
        size = arm["arm"]["size"]
        arm["initialisation_seed"] = int(size[-1])
        arm["order_seed"] = arm["arm"]["seed"]
        arm["seedless"] = f"{size.partition(',')[0]} {arm['arm']['recipe']} {arm['arm']['stage']}"
    where = table["size"].map(SETTINGS.index)
    table["bits"] *= 1 + 0.01 * where + 0.003 * table["seed"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make_study):
    directory = tmp_path_factory.mktemp("crossed")
    sizes = dict.fromkeys(SETTINGS, 1_000_000)
    return make_study(directory, sizes=sizes, parts=PARTS, change=crossed, **FEW)


def test_a_grid_has_the_scores_of_its_runs(folder):
    results = load_results(folder)
    grids = seed_grids(results)
    assert [str(grid.place) for grid in grids] == ["1M, pretraining", "1M, cooldown"]
    grid = grids[0]
    assert (grid.initialisations, grid.orders) == ((0, 1, 2), (0, 1, 2))
    assert grid.settings == SETTINGS
    assert grid.scores.recipes_at(grid.place) == ("text_only", "code_100")
    table = pd.read_parquet(folder / "results.parquet")
    rows = table[(table["task"] == "bits_per_byte/demo.text") & (table["stage"] == "pretraining")]
    scores = grid.scores.of("bits_per_byte/demo.text", grid.place)
    for i, setting in enumerate(SETTINGS):
        for o in range(3):
            own = rows[(rows["size"] == setting) & (rows["seed"] == o)]
            own = own[own["recipe"] == "code_100"].set_index("item")
            found = scores.matrix("bits", "code_100", [3 * i + o])[:, 0]
            assert found == pytest.approx(own.loc[list(scores.items), "bits"].to_numpy())
    assert [g.scores.recipes_at(g.place) for g in grids[1:]] == [("text_only",)]


def test_weights_that_were_made_elsewhere_have_no_grid(folder, tmp_path):
    content = read_content(folder)
    for arm in content["arms"]:
        arm["initialisation_seed"] = None
    save_study(tmp_path, content, pd.read_parquet(folder / "results.parquet"))
    assert seed_grids(load_results(tmp_path)) == ()


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (lambda i: ("wide, 1M", f"first, {i}"), "wide, 1M"),
        (lambda i: ("1M", f"first weights {i}", "learning rate 2"), "1M, learning rate 2"),
        (lambda i: (f"1M, first weights {i}",), "1M, first weights 0"),
    ],
)
def test_a_grid_has_the_parts_of_names_that_its_settings_share(folder, tmp_path, parts, name):
    content = read_content(folder)
    for i, size in enumerate(content["sizes"]):
        size["parts"] = list(parts(i))
    save_study(tmp_path, content, pd.read_parquet(folder / "results.parquet"))
    assert seed_grids(load_results(tmp_path))[0].place.size == name


def edited(folder, tmp_path, edit):
    """The study with the seeds of its arms as `edit(initialisation, order)` has them."""
    content = read_content(folder)
    for arm in content["arms"]:
        pair = edit(arm["initialisation_seed"], arm["order_seed"])
        arm["initialisation_seed"], arm["order_seed"] = pair
    save_study(tmp_path, content, pd.read_parquet(folder / "results.parquet"))
    return seed_grids(load_results(tmp_path))


def test_seeds_that_vary_together_are_no_grid(folder, tmp_path):
    assert edited(folder, tmp_path, lambda i, o: (o, o)) == ()


def test_of_a_part_of_a_grid_it_is_the_largest_whole_one(folder, tmp_path):
    # One run stands elsewhere: 2 x 3 of the others are whole.
    [grid, _] = edited(folder, tmp_path, lambda i, o: (7, 7) if (i, o) == (1, 2) else (i, o))
    shape = len(grid.initialisations), len(grid.orders)
    assert sorted(shape) == [2, 3]
    assert not (1 in grid.initialisations and 2 in grid.orders)


def test_settings_that_differ_in_more_than_seeds_are_no_grid(folder, tmp_path):
    content = read_content(folder)
    for arm in content["arms"]:
        arm["seedless"] += arm["arm"]["size"]
    save_study(tmp_path, content, pd.read_parquet(folder / "results.parquet"))
    assert seed_grids(load_results(tmp_path)) == ()


def test_runs_that_were_scored_on_other_items_are_refused(folder, tmp_path):
    rows = pd.read_parquet(folder / "results.parquet")
    here = (rows["size"] == SETTINGS[2]) & (rows["task"] == "arc_easy")
    rows.loc[here, "item"] = "other-" + rows["item"]
    save_study(tmp_path, read_content(folder), rows)
    with pytest.raises(UserError, match="'arc_easy' has other items at other settings of 1M, pre"):
        seed_grids(load_results(tmp_path))


def test_components_are_those_of_the_runs_scores(folder):
    report = read_report(folder)
    [row] = [
        row
        for row in report.seed_noise
        if row.is_change and row.metric.key == "bits_per_byte/demo.text"
    ]
    assert row.recipe == "code_100" and row.grid.place == Place("1M", "pretraining")
    table = pd.read_parquet(folder / "results.parquet")
    rows = table[(table["task"] == row.metric.key) & (table["stage"] == "pretraining")]
    sums = rows.groupby(["recipe", "size", "seed"])[["bits", "bytes"]].sum()
    by_run = (sums["bits"] / sums["bytes"]).unstack("recipe")
    change_IO = (by_run["code_100"] - by_run["text_only"]).unstack("seed").to_numpy()
    own = change_IO - change_IO.mean()
    rest = own - own.mean(axis=0) - own.mean(axis=1)[:, None]
    rest = (rest**2).sum() / 4
    of_rows = 3 * own.mean(axis=1).var(ddof=1)
    assert row.parts.initialisation.value == pytest.approx((of_rows - rest) / 3, rel=1e-9)
    assert row.parts.rest.value == pytest.approx(rest, rel=1e-9, abs=1e-15)
    scores = [row for row in report.seed_noise if not row.is_change]
    assert {row.recipe for row in scores} == {"text_only", "code_100"}
    assert np.isfinite([row.parts.units.value for row in scores]).all()
