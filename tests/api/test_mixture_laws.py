"""The law of the mixture as tables: those of `code-ablate law`."""

import numpy as np
import pandas as pd
import pytest

import code_ablate
from code_ablate.errors import UserError
from code_ablate.jobs.mixture_law import law_tables, read_region, read_runs, study_mixtures


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Runs whose loss is least at a share of 0.3 of code."""
    draw = np.random.default_rng(0)
    code = np.linspace(0, 1, 12)
    loss = 2 + (code - 0.3) ** 2 + draw.normal(0, 0.01, 12)
    path = tmp_path_factory.mktemp("law") / "runs.csv"
    frame = pd.DataFrame({"text": 1 - code, "code": code, "loss": loss})
    frame.to_csv(path, index=False)
    return path


def test_tables_are_those_of_the_command(table):
    law = code_ablate.fit_law(table, ["code<=0.8"], today={"text": 0.9, "code": 0.1})
    records = read_runs(table)
    region = read_region(records.corpora, ["code<=0.8"], today=["text=0.9", "code=0.1"])
    wanted = law_tables(study_mixtures(records, region))
    found = {name: getattr(law, name) for name in wanted}
    for name, frame in wanted.items():
        pd.testing.assert_frame_equal(found[name], frame)
    shares = law.shares.set_index("corpus")
    assert 0.1 < shares["pick"]["code"] < 0.5 and shares["today"]["code"] == 0.1
    assert law.good_mixtures["code"].max() <= 0.8
    assert law.runs["loss"].tolist() == pd.read_csv(table)["loss"].tolist()
    assert law.runs["share/code"].tolist() == pytest.approx(np.linspace(0, 1, 12), rel=1e-9)
    assert "Pick:" in str(law) and law.plot()._repr_png_().startswith(b"\x89PNG")


def test_a_study_is_fitted_if_it_has_enough_mixtures(laboratory, tmp_path):
    study = code_ablate.open_study(laboratory.study)
    with pytest.raises(UserError, match="different mixtures"):
        study.fit_law(targets=["bits_per_byte/*"])
    with pytest.raises(UserError, match="no table of runs at"):
        code_ablate.fit_law(tmp_path / "none.csv")
