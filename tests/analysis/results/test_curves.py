"""The baseline's scores at earlier checkpoints, read beside the results."""

import io

import numpy as np
import pandas as pd
import pytest

from code_ablate import own_file
from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.multiplier import compute_multiplier
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results.curves import curves_of
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError
from tests.analysis.conftest import PRETRAINING

TOKENS = (125_000, 250_000)
GAIN = 0.4
"""Bits per byte that the text domain gains for each factor of e in tokens."""


def with_checkpoints(directory, drop=lambda table: table):
    """Adds two earlier checkpoints of the baseline to a study, worse by what its tokens lack."""
    table = pd.read_parquet(directory / "results.parquet")
    base = table[(table["recipe"] == "text_only") & (table["stage"] == "pretraining")]
    parts = []
    for tokens in TOKENS:
        lost = GAIN * np.log(500_000 / tokens)
        parts.append(base.assign(tokens=tokens, bits=base["bits"] + lost * base["bytes"]))
    content = drop(pd.concat(parts, ignore_index=True)).to_parquet(index=False)
    (directory / "checkpoints.parquet").write_bytes(content)
    return own_file.sha256(content)


@pytest.fixture
def study(tmp_path, make_study):
    """A study whose record knows the checkpoints."""

    def make(drop=lambda table: table, digest=None):
        few = {"recipes": ("text_only", "code_25", "code_100"), "items": 20, "seeds": (0, 1, 2)}
        make_study(tmp_path / "a", **few)
        found = with_checkpoints(tmp_path / "a", drop)

        def change(study, table):
            study["checkpoints_digest"] = digest or found

        return make_study(tmp_path / "a", change=change, **few)

    return make


def test_the_curve_is_that_of_the_checkpoints(study):
    results = load_results(study())
    curves = curves_of(results)
    assert curves.at[PRETRAINING].tokens == (125_000, 250_000, 500_000)
    assert set(curves.at) == {PRETRAINING}
    metric = summarise(results.scores).metrics[0]
    assert metric.label == "demo.text"
    estimator = Estimator(curves.scores, Settings())
    for recipe in ("code_25", "code_100"):
        found = compute_multiplier(estimator, PRETRAINING, recipe, metric, curves.at[PRETRAINING])
        means = [
            estimator.by_seed(PRETRAINING, name, metric, (0, 1, 2)).mean()
            for name in (recipe, "text_only")
        ]
        assert found.value == pytest.approx(np.exp((means[1] - means[0]) / GAIN), rel=1e-6)
        assert found.low < found.value < found.high < 1  # code makes text worse
    assert results.scores.recipes_at(PRETRAINING) == ("text_only", "code_25", "code_100")


def test_a_checkpoint_that_a_seed_lacks_is_left_out(study):
    def drop(table):
        return table[~((table["tokens"] == TOKENS[0]) & (table["seed"] == 2))]

    curves = curves_of(load_results(study(drop)))
    assert curves.at[PRETRAINING].tokens == (250_000, 500_000)


def test_without_checkpoints_there_is_no_curve(study_dir):
    assert curves_of(load_results(study_dir)) is None


def test_a_table_of_another_study_is_refused(study):
    with pytest.raises(UserError, match=r"checkpoints\.parquet is damaged, or is not the table"):
        load_results(study(digest="0" * 64))


def test_reading_needs_no_rounding(study):
    """What is written is what is read: the tokens are whole numbers."""
    directory = study()
    table = pd.read_parquet(io.BytesIO((directory / "checkpoints.parquet").read_bytes()))
    assert sorted(set(table["tokens"])) == list(TOKENS)
