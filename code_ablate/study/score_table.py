"""The scores of a study's arms, from the records of its phases to results.parquet and study.json.

suites = Suites.of(study, vocabulary, stores, graph, runs)      # before training
write_results(study, graph, runs, suites, stores, vocabulary, directory)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from etils import epath

from code_ablate import own_file, storage
from code_ablate.analysis.results import study_record
from code_ablate.data.store import Stores
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation.cropping import CroppedPrompts, cropped_prompts
from code_ablate.evaluation.records import Records
from code_ablate.evaluation.suite import Suite, SuiteResult
from code_ablate.identity import to_plain
from code_ablate.study.describe import describe_study
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class Suites:
    """The study's suite for each length of context that its models were trained with."""

    by_seq_len: Mapping[int, Suite]
    """Suite by the tokens that a model sees at once."""

    @classmethod
    def of(
        cls,
        study: Study,
        vocabulary: Vocabulary,
        stores: Stores,
        graph: PhaseGraph,
        runs: Mapping[str, RunDirectory],
        earlier: Mapping[str, Sequence[int]] = {},
    ) -> "Suites":
        """The suites, with everything loaded that is not on record for each evaluated phase.

        `earlier`: steps of checkpoints that are evaluated too, by identity of the phase.
        """
        records: dict[int, list[Records]] = {}
        for identity, phase in graph.evaluated.items():
            for step in (*earlier.get(identity, ()), phase.steps):
                records.setdefault(phase.seq_len, []).append(
                    Records(runs[identity].evaluation(step))
                )
        return cls(
            {
                seq_len: Suite.of(study.suite, vocabulary, stores, seq_len).prepared(places)
                for seq_len, places in records.items()
            }
        )

    @property
    def missing(self) -> dict[str, str]:
        """Why tasks cannot be run here, by task."""
        suites = self.by_seq_len.values()
        return {name: why for suite in suites for name, why in suite.missing.items()}

    @property
    def cropped(self) -> tuple[CroppedPrompts, ...]:
        """The tasks still to be evaluated whose prompts do not fit the context of their models."""
        return tuple(
            prompts
            for seq_len, suite in self.by_seq_len.items()
            for prompts in cropped_prompts(suite.loaded, seq_len)
        )

    def unevaluated(self, graph: PhaseGraph, runs: Mapping[str, RunDirectory]) -> set[str]:
        """Identities of the evaluated phases of which scores are missing."""
        return {
            identity
            for identity, phase in graph.evaluated.items()
            for part in self.of_phase(phase).parts
            if not Records(runs[identity].evaluation(phase.steps)).has(part.key)
        }

    def of_phase(self, phase: Phase) -> Suite:
        """The suite that a phase's model is evaluated with."""
        return self.by_seq_len[phase.seq_len]

    def result(self, phase: Phase, identity: str, run: RunDirectory) -> SuiteResult:
        """The scores of a phase. Raises UserError if it is not evaluated."""
        found = self.of_phase(phase).result(Records(run.evaluation(phase.steps)))
        if found is None:
            raise UserError(f"phase {identity} is not evaluated yet: run the study.")
        return found


def write_results(
    study: Study,
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    suites: Suites,
    stores: Stores,
    vocabulary: Vocabulary,
    directory: epath.Path,
    arguments: tuple[str, ...] = (),
    checkpoints: pd.DataFrame | None = None,
) -> None:
    """Writes the scores of all arms as one tidy table, and what is needed to read it.

    `directory`: the study's folder; `arguments`: of the command that this is done for;
    `checkpoints`: scores of earlier checkpoints, if there are any.
    """
    directory.mkdir(parents=True, exist_ok=True)
    results, tables = [], []
    for arm, phase in graph.arms.items():
        identity = graph.identities[arm]
        result = suites.result(phase, identity, runs[identity])
        results.append(result)
        tables.append(result.items.assign(**to_plain(arm), phase=identity))
    table = _as_parquet(pd.concat(tables, ignore_index=True))
    earlier = b"" if checkpoints is None else _as_parquet(checkpoints)
    record = describe_study(
        study,
        graph,
        runs,
        stores,
        vocabulary,
        suites.by_seq_len.values(),
        results,
        own_file.sha256(table),
        arguments,
        own_file.sha256(earlier) if earlier else "",
    )
    # The description goes first and comes last: a kill in between leaves none that does not fit.
    (directory / study_record.FILE).unlink(missing_ok=True)
    storage.replace(directory / study_record.TABLE, table)
    if earlier:
        storage.replace(directory / study_record.CHECKPOINTS, earlier)
    else:
        (directory / study_record.CHECKPOINTS).unlink(missing_ok=True)
    storage.replace(directory / study_record.FILE, record.to_json())


def _as_parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file.

    Numbers that hardly repeat go byte by byte, all first bytes before all second ones: a dictionary
    of them, as Parquet makes of every column, would be as large as they are.
    """
    numbers = table.select_dtypes("float")
    split = [name for name in numbers if numbers[name].nunique() > len(table) / 2]
    return table.to_parquet(
        index=False,
        compression="zstd",
        use_dictionary=[name for name in table if name not in split],
        use_byte_stream_split=split or False,
    )
