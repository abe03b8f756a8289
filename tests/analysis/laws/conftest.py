"""Runs with a known law, and tables made by others where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from code_ablate.analysis.laws.mixture_records import Records
from code_ablate.analysis.laws.optimum import find_optimum
from code_ablate.analysis.laws.outlook import Objective, resample
from code_ablate.analysis.laws.parametric import EffectiveData
from code_ablate.analysis.laws.plain import Mean, Smooth
from code_ablate.analysis.laws.read_records import read_records
from code_ablate.analysis.laws.region import Region
from code_ablate.analysis.laws.stack import fit_stack

CORPORA = ("text", "code", "markup", "maths", "unused")
TARGETS = ("loss text", "loss code", "loss maths")


def losses(rates_NC: np.ndarray) -> np.ndarray:
    """Losses by the effective-data law, with returns that diminish; shape (N, 3)."""
    worth_TC = np.array([[1, 0.05, 0.4, 0.1, 0], [0.05, 1, 0.3, 0.1, 0], [0.1, 0.3, 0.05, 1, 0]])
    return 2.0 + 0.6 * (rates_NC**0.7 @ worth_TC.T + 0.02) ** -0.4


def mixtures(runs: int, seed: int) -> np.ndarray:
    """Random mixtures of the first four corpora."""
    rng = np.random.default_rng(seed)
    rates_NC = np.zeros((runs, len(CORPORA)))
    rates_NC[:, :4] = rng.dirichlet(np.full(4, 0.7), runs)
    return rates_NC


def make_records(runs: int = 40, seed: int = 0, noise: float = 0.01, **changes) -> Records:
    rates_NC = mixtures(runs, seed)
    values_NT = losses(rates_NC)
    values_NT = values_NT + noise * np.random.default_rng(seed + 100).standard_normal(
        values_NT.shape
    )
    fields = {"corpora": CORPORA, "targets": TARGETS, "rates_NC": rates_NC, "values_NT": values_NT}
    return Records(**{**fields, **changes})


@pytest.fixture(scope="session")
def records() -> Records:
    return make_records()


def tables() -> Path:
    """The folder of tables made by others."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "tables"
    folder = Path(os.environ.get("CODE_ABLATE_TABLES", beside))
    if not (folder / "regmix").is_dir():
        pytest.skip("no tables: set CODE_ABLATE_TABLES to a folder with regmix/ and olmix/")
    return folder


@pytest.fixture(scope="session")
def regmix() -> dict[str, Records]:
    folder = tables() / "regmix"
    return {
        name: read_records(
            folder / f"{part}_mixture_{size}.csv", folder / f"{part}_pile_loss_{size}.csv"
        )
        for name, part, size in (("train", "train", "1m"), ("test", "test", "1m"))
    }


def make_optimum():
    """The good mixtures of `make_records`, by three laws, where code is at most a fifth."""
    laws = (Mean(), Smooth(), EffectiveData(returns=True))
    stack = fit_stack(make_records(), laws, tightnesses=(1.0,))
    objective = Objective.mean_of(stack)
    region = Region(CORPORA, upper={"code": 0.2}, today={"text": 0.9, "code": 0.1})
    return find_optimum(
        stack, objective, region, resampled=resample(stack, objective, resamples=16)
    )
