"""The law of the mixture as tables: what `code_ablate.fit_law` gives.

    law = fit_law("runs/study-demo", ["demo.web_code<=0.5"])
    law.shares               # the pick, and what the mixtures as good as the best range over
    law.good_mixtures        # these mixtures

It fits; the others of this room only look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from etils import epath

from code_ablate.analysis.laws.optimum import Optimum
from code_ablate.analysis.report.law_figures import law_figure
from code_ablate.analysis.report.law_text import law_text
from code_ablate.api.plots import Plot
from code_ablate.errors import UserError
from code_ablate.jobs.mixture_law import law_tables, read_region, read_runs, study_mixtures


@dataclass(frozen=True, repr=False)
class MixtureLaw:
    """Laws that were fitted to runs, and the mixtures that cannot be told from the best."""

    optimum: Optimum
    """Everything that is known of them."""

    def __repr__(self) -> str:
        return law_text(self.optimum)

    @property
    def runs(self) -> pd.DataFrame:
        """What it was fitted to: run, "share/CORPUS" for each corpus, and the targets."""
        records = self.optimum.stack.records
        names = [f"share/{corpus}" for corpus in records.corpora]
        shares = pd.DataFrame(records.rates_NC, columns=names)
        values = pd.DataFrame(records.values_NT, columns=list(records.targets))
        return pd.concat([pd.Series(records.runs, name="run"), shares, values], axis=1)

    @property
    def laws(self) -> pd.DataFrame:
        """A row per law, the stack first: law, weight, error, rank, description.

        `error` and `rank` are of runs held out: in standard deviations, and rank correlation.
        """
        return self._tables["laws"].copy()

    @property
    def shares(self) -> pd.DataFrame:
        """A row per corpus: corpus, pick, least, greatest, least_run, greatest_run, and today.

        `least` and `greatest` are over the good mixtures; the others, over the runs.
        """
        return self._tables["shares"].copy()

    @property
    def targets(self) -> pd.DataFrame:
        """A row per target: target, pick (what is predicted of it), mean_of_runs, and today."""
        return self._tables["targets"].copy()

    @property
    def good_mixtures(self) -> pd.DataFrame:
        """The mixtures that cannot be told from the best, most likely first.

        A column per corpus.
        """
        return self._tables["good_mixtures"].copy()

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return law_tables(self.optimum)

    def plot(self) -> Plot:
        """Ranges of the shares of good mixtures, and what is predicted along single shares."""
        return Plot(law_figure(self.optimum))


def fit_law(
    table: epath.PathLike,
    constraints: Sequence[str] = (),
    *,
    corpora: Sequence[str] = (),
    targets: Sequence[str] = (),
    higher_is_better: Sequence[str] = (),
    run: str = "",
    tokens: float = 0.0,
    available: Mapping[str, float] | None = None,
    today: Mapping[str, float] | None = None,
    trees: str = "forest",
    seed: int = 0,
) -> MixtureLaw:
    """Fits the laws to a CSV with a row per run, or to the folder of a study's results.

    `constraints`: "code<=0.3", "epochs<=4", ...; `available`: tokens at hand by corpus; `today`:
    today's mixture; the others as the options of `code-ablate law`. Raises UserError.
    """
    path = epath.Path(table)
    if not path.exists():
        raise UserError(f"no table of runs at {path}: give a CSV, or the folder of a study.")
    records = read_runs(
        path, corpora=corpora, targets=targets, higher_is_better=higher_is_better, run=run
    )
    region = read_region(
        records.corpora,
        constraints,
        tokens=tokens,
        available=[f"{name}={value!r}" for name, value in (available or {}).items()],
        today=[f"{name}={value!r}" for name, value in (today or {}).items()],
    )
    return MixtureLaw(study_mixtures(records, region, trees=trees, seed=seed))
