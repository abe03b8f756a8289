"""Regression trees as a law: scikit-learn's forest, or LightGBM where it is installed.

    Trees(engine="lightgbm").fit(observations, weights_SN).predict(rates_MC, covariates_MK)

Trees predict means of runs, so they never explode; they also never see below the best run. Their
number of rounds is fixed: stopping early on the runs that judge would let them see the answer.
"""

import importlib.util
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.laws.law import FittedLaw, Observations, target_patterns
from code_ablate.checked import OneOf, checked
from code_ablate.errors import MissingData

_TREES = 100
_TREES_OF_A_RESAMPLE = 20
"""A resample's own noise is far above that of so few trees."""
_ROUNDS, _RATE = 200, 0.05


@dataclass(frozen=True)
class FittedTrees:
    """A model per set of weights and pattern of known targets."""

    models: list[list[tuple[np.ndarray, Any]]]
    """(numbers of the targets, their model) of each pattern, for each set of weights."""
    targets: int
    """Number of targets."""

    def predict(self, rates_MC: np.ndarray, covariates_MK: np.ndarray) -> np.ndarray:
        """Standardised targets of mixtures, (S, T, M)."""
        x_MF = np.concatenate([rates_MC, covariates_MK], axis=1)
        predicted_STM = np.zeros((len(self.models), self.targets, len(x_MF)))
        for s, models in enumerate(self.models):
            for targets_U, model in models:
                predicted_STM[s, targets_U] = model.predict(x_MF).reshape(len(x_MF), -1).T
        return predicted_STM


@checked
@dataclass(frozen=True)
class Trees:
    """An ensemble of regression trees on the shares."""

    engine: Annotated[str, OneOf(("forest", "lightgbm"))] = "forest"
    """forest: extremely randomised trees, one forest for all targets; lightgbm: boosted trees, a
    model for each, from the extra of that name."""

    def __post_init__(self):
        if self.engine == "lightgbm" and importlib.util.find_spec("lightgbm") is None:
            raise MissingData(
                "trees by LightGBM need lightgbm, which is not installed: pip install "
                "'code-ablate[lightgbm]', or leave the engine at 'forest'."
            )

    @property
    def name(self) -> str:
        """As it stands in tables."""
        return "trees" if self.engine == "forest" else "trees, LightGBM"

    @property
    def description(self) -> str:
        """The ensemble, and how it is kept from learning noise."""
        if self.engine == "forest":
            return f"mean of {_TREES} random trees over all targets, two runs or more in a leaf"
        return f"{_ROUNDS} boosted trees per target, at most 8 leaves of three runs or more"

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedTrees:
        """One ensemble per set of weights, smaller ones where `start` is given; see `Law.fit`."""
        x_NF = np.concatenate([observations.rates_NC, observations.covariates_NK], axis=1)
        trees = _TREES_OF_A_RESAMPLE if start is not None else _TREES
        fit = self._forest if self.engine == "forest" else self._boosted
        models = []
        for s, weights_N in enumerate(weights_SN):
            of_set = []
            for known_N, targets_U in target_patterns(observations.known_NT):
                used = np.flatnonzero(weights_N * known_N > 1e-6)
                if used.size:
                    z_NU = observations.values_NT[np.ix_(used, targets_U)]
                    of_set += fit(x_NF[used], z_NU, weights_N[used], targets_U, trees, s)
            models.append(of_set)
        return FittedTrees(models, observations.values_NT.shape[1])

    @staticmethod
    def _forest(x_NF, z_NU, weights_N, targets_U, trees: int, seed: int):
        from sklearn.ensemble import ExtraTreesRegressor

        forest = ExtraTreesRegressor(trees, min_samples_leaf=2, max_features=0.5, random_state=seed)
        return [(targets_U, forest.fit(x_NF, z_NU.squeeze(), sample_weight=weights_N))]

    @staticmethod
    def _boosted(x_NF, z_NU, weights_N, targets_U, trees: int, seed: int):
        import lightgbm

        options = {
            "objective": "regression",
            "learning_rate": _RATE,
            "num_leaves": 8,
            "min_data_in_leaf": 3,
            "feature_fraction": 0.7,
            "lambda_l2": 1.0,
            "seed": seed,
            "num_threads": 1,
            "deterministic": True,
            "verbosity": -1,
        }
        models = []
        for column, target in enumerate(targets_U):
            data = lightgbm.Dataset(x_NF, z_NU[:, column], weight=weights_N)
            models.append((np.array([target]), lightgbm.train(options, data, _ROUNDS)))
        return models
