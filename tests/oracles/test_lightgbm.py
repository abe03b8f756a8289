"""LightGBM as the trees among the laws of the mixture."""

import numpy as np
import pytest

from code_ablate.analysis.laws.mixture_records import Scaling
from code_ablate.analysis.laws.trees import Trees
from tests.analysis.laws.conftest import losses, make_records, mixtures

pytest.importorskip("lightgbm", reason="lightgbm is not installed: make oracles")


def test_boosted_trees_predict_unseen_mixtures_and_follow_the_weights():
    records = make_records(120)
    scaling = Scaling.of(records)
    observations = scaling.observations(records)
    weights_SN = np.ones((2, 120))
    weights_SN[1, 60:] = 0
    unseen = mixtures(100, 50)
    predicted_STM = (
        Trees("lightgbm").fit(observations, weights_SN).predict(unseen, np.zeros((100, 0)))
    )
    truth_TM = ((losses(unseen) - scaling.mean_T) / scaling.spread_T).T
    errors = np.sqrt(((predicted_STM - truth_TM) ** 2).mean(axis=(1, 2)))
    assert errors[0] < 0.3 * truth_TM.std()
    assert errors[1] > 1.2 * errors[0]
