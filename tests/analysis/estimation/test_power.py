"""What a study will be able to find: by simulation, and from an earlier study."""

import numpy as np
import pytest
from scipy import stats

from code_ablate.analysis.estimation.power import detectable_changes, guessed_change
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError
from tests.tolerance import sampling_error


@pytest.mark.parametrize(("seeds", "family"), [(3, 1), (5, 20), (10, 54)])
def test_the_guessed_change_is_found_in_four_of_five_studies(seeds, family):
    rng, studies = np.random.default_rng(seeds), 20_000
    change = guessed_change(0.01, seeds=seeds, family=family)
    differences_TS = rng.normal(change, 0.01, (studies, seeds))
    p_T = stats.ttest_1samp(differences_TS, 0.0, axis=1).pvalue
    found = float((p_T < 0.05 / family).mean())
    assert found == pytest.approx(0.8, abs=sampling_error(0.8, studies))


def test_a_study_of_the_same_seeds_and_family_can_find_what_the_earlier_one_could(three_seeds_dir):
    summary = summarise(load_results(three_seeds_dir).scores)
    rows = detectable_changes(summary.comparisons, seeds=3, family=len(summary.comparisons))
    assert [row.metric.key for row in rows] == [m.key for m in summary.metrics]
    for row in rows:
        found = [c for c in summary.comparisons if c.metric.key == row.metric.key]
        changes = {c.recipe: c.detectable / c.base for c in found}
        assert row.relative and row.largest == pytest.approx(max(changes.values()), rel=0.5)
        assert row.typical <= row.largest
    more = detectable_changes(summary.comparisons, seeds=10, family=len(summary.comparisons))
    assert all(a.typical < b.typical for a, b in zip(more, rows, strict=True))


def test_too_few_seeds_and_guesses_that_are_none_are_refused(study_dir):
    summary = summarise(load_results(study_dir).scores)
    with pytest.raises(UserError, match="the study has 2 seeds: with fewer than 3 nothing"):
        detectable_changes(summary.comparisons, seeds=2, family=9)
    with pytest.raises(UserError, match="a guess of the noise is a number above 0"):
        guessed_change(0.0, seeds=3, family=9)
    with pytest.raises(UserError, match="noise between seeds is not known"):
        detectable_changes((), seeds=3, family=9)
