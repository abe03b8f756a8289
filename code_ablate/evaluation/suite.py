"""An evaluation suite: downstream SeqIO Tasks and domains, each with an identity of its own.

    suite = Suite.of(config, vocabulary, stores, seq_len=256)      # reads what names the data
    records = Records(run.evaluation(step))
    suite = suite.prepared([records])                    # loads what these records do not have
    for part in suite.todo(records):
        records.save(part.key, *part.evaluate(engine))
    suite.result(records).items         # a table: task, category, kind, item, correct, bits, ...

What is loaded and tokenised serves every checkpoint, and what is on record everywhere is not loaded
at all. A task whose data are not on this machine is listed in `missing`, with the reason.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from code_ablate import distributed
from code_ablate.data.registry import require_evaluation_tasks
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation import declarations
from code_ablate.evaluation.asked import domain_asked, task_asked
from code_ablate.evaluation.domains import DOMAIN_PREFIX, Domain
from code_ablate.evaluation.kinds import kind_of
from code_ablate.evaluation.measure import Advance, Engine, Measure
from code_ablate.evaluation.records import Key, Records
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import identity

COLUMNS = (
    "task", "category", "kind", "item", "correct", "correct_per_byte", "bits", "bytes",
    "gold_probability", "margin", "choices", "gold", "predicted", "predicted_per_byte",
    "prediction", "generated_tokens", "ended_by",
)  # fmt: skip
"""Columns that every table of items has, NaN where they do not apply. Kinds may add their own."""


@dataclass(frozen=True)
class Part:
    """A task or domain of a suite."""

    key: Key
    """Its name, and the identity of what is asked."""
    category: str
    """Group of tasks whose scores are averaged."""
    chance: float | None
    """Expected score of guessing. None: it was not declared."""
    load: Callable[[], Measure]
    """Reads and tokenises it. Raises MissingData, or UserError if it cannot be evaluated."""
    clusters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The passage, dialogue or subject of each item by its id; empty where each stands by itself.
    No part of the identity, because it changes no score."""

    @functools.cached_property
    def measure(self) -> Measure:
        """The part, loaded once."""
        return self.load()

    def evaluate(self, engine: Engine, advance: Advance) -> tuple[dict[str, Any], pd.DataFrame]:
        """(description, items) of one checkpoint, as `Records.save` takes them."""
        outcome = self.measure.evaluate(engine, advance)
        about = self.measure.describe()
        notes = [*about.get("notes", ()), *outcome.notes]
        said = {
            "metrics": outcome.metrics,
            "own_metrics": outcome.own_metrics,
            "notes": notes,
            "clusters": len(set(self.clusters.values())),
        }
        return {**about, **said}, self.clustered(outcome.items)

    def clustered(self, items: pd.DataFrame) -> pd.DataFrame:
        """The items with their clusters in a column, where they have any."""
        if not self.clusters:
            return items
        return items.assign(cluster=items["item"].map(self.clusters))


@dataclass(frozen=True)
class SuiteResult:
    """What one checkpoint scored."""

    items: pd.DataFrame
    """One row per task and item."""
    tasks: Mapping[str, Mapping]
    """Description of each task: category, kind, chance, items, available, and more by its kind."""
    metrics: Mapping[str, Mapping[str, float]]
    """Values that each task's own metric_fns returned."""


@dataclass(frozen=True)
class Suite:
    """Tasks and domains, for one vocabulary."""

    config: SuiteConfig
    """Which tasks, domains and items."""
    vocabulary: Vocabulary
    """Vocabulary of the models."""
    parts: tuple[Part, ...]
    """Tasks and domains that can be run here."""
    missing: Mapping[str, str]
    """Reason why it cannot be run here, for each task that is missing."""

    @classmethod
    def of(
        cls,
        config: SuiteConfig,
        vocabulary: Vocabulary,
        stores: Mapping[str, TokenStore],
        seq_len: int,
    ) -> "Suite":
        """Names what is asked; loads and tokenises nothing.

        `seq_len`: tokens of context that the model was trained with. Raises UserError for unknown
        names, and for tasks that nothing says how to score.
        """
        reason = _no_seqio() if config.tasks else ""
        parts, missing = [], dict.fromkeys(config.tasks if reason else (), reason)
        runnable = () if reason else config.tasks
        if runnable:
            require_evaluation_tasks(runnable)
        for name in runnable:
            try:
                parts.append(_task_part(name, config, vocabulary, seq_len))
            except MissingData as error:
                missing[name] = str(error)
        parts += [
            _domain_part(name, config, vocabulary, stores[name], seq_len) for name in config.domains
        ]
        return cls(config, vocabulary, (), {})._having(parts, missing)

    @property
    def identity(self) -> str:
        """Names all that is asked: results of one identity have the same items."""
        return identity([[part.key.name, part.key.identity] for part in self.parts])

    def prepared(self, places: Sequence[Records]) -> "Suite":
        """Loads what is not on record in each of the places.

        Returns the suite without the parts whose data are not on this machine: those are
        missing. Raises UserError for tasks that cannot be evaluated.
        """
        needed = distributed.from_first(
            lambda: [
                part.key.name
                for part in self.parts
                if not all(records.has(part.key) for records in places)
            ]
        )
        parts, missing = [], dict(self.missing)
        for part in self.parts:
            try:
                if part.key.name in needed:
                    part.measure  # noqa: B018  (loads it)
                parts.append(part)
            except MissingData as error:
                missing[part.key.name] = str(error)
        return self._having(parts, missing)

    @property
    def loaded(self) -> "Suite":
        """The suite with only those parts that are loaded: what was not on record everywhere."""
        parts = tuple(part for part in self.parts if "measure" in vars(part))
        return dataclasses.replace(self, parts=parts)

    def todo(self, records: Records) -> list[Part]:
        """The parts that are not on record, in their order."""
        names = distributed.from_first(
            lambda: [part.key.name for part in self.parts if not records.has(part.key)]
        )
        return [part for part in self.parts if part.key.name in names]

    def result(self, records: Records) -> SuiteResult | None:
        """What is on record; None if a part is not."""
        tables, tasks, metrics = [], {}, {}
        for part in self.parts:
            found = records.load(part.key)
            if found is None:
                return None
            items, about = found
            name = part.key.name
            metrics[name] = about.pop("metrics")
            # A category is a matter of presentation: it may change without evaluating again.
            tasks[name] = {"chance": part.chance, **about, "category": part.category}
            items = items.assign(task=name, category=part.category, kind=about["kind"])
            tables.append(part.clustered(items))
        table = pd.concat(tables, ignore_index=True)
        extra = [column for column in table.columns if column not in COLUMNS]
        return SuiteResult(table.reindex(columns=[*COLUMNS, *extra]), tasks, metrics)

    def _having(self, parts: Sequence[Part], missing: Mapping[str, str]) -> "Suite":
        """The suite with these parts.

        Raises UserError if what is missing is required, or all, and if another host has other data.
        """
        asked = dict.fromkeys(missing, "") | {part.key.name: part.key.identity for part in parts}
        first = distributed.from_first(lambda: asked)
        if first != asked:
            other = sorted(name for name in asked if first.get(name) != asked[name])
            raise UserError(
                f"the hosts of this job have different evaluation data for {', '.join(other)}: "
                "install the same data on all, or name files in a folder that all can read."
            )
        reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        if missing and self.config.require_all:
            raise UserError(f"SuiteConfig.require_all is True, and these are missing: {reasons}")
        if not parts:
            raise UserError(f"no part of the evaluation suite can be run here: {reasons}")
        return dataclasses.replace(self, parts=tuple(parts), missing=dict(missing))


def _no_seqio() -> str:
    """Why no Task can be run here; empty where the libraries that run them are installed."""
    try:
        import seqio  # noqa: F401
        import tensorflow  # noqa: F401
    except ImportError as error:
        return (
            f"tasks need TensorFlow and SeqIO, and {error.name} is not installed: "
            "`pip install code-ablate[data]`"
        )
    return ""


@contextlib.contextmanager
def _own_libraries() -> Iterator[None]:
    """Raises MissingData if a library that a Task itself uses, such as t5, is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or str(error)).partition(".")[0]
        command = "pip install --no-deps t5" if library == "t5" else f"pip install {library}"
        raise MissingData(f"it needs {library}, which is not installed: `{command}`") from error


def _task_part(name: str, config: SuiteConfig, vocabulary: Vocabulary, seq_len: int) -> Part:
    import seqio

    from code_ablate.evaluation.downstream import LoadedTask, require_rows
    from code_ablate.evaluation.sets.source import EvaluationSet

    task, info = seqio.TaskRegistry.get(name), declarations.info(name)
    kind = kind_of(task)
    if kind.measure is None:
        raise UserError(
            f"evaluation task {name!r} is declared as {kind.name!r}, which is not a kind of Task."
        )
    make_measure = kind.measure
    require_rows(task, config.split)
    with _own_libraries():
        asked = task_asked(task, kind, config, vocabulary, seq_len)

    def load() -> Measure:
        with _own_libraries():
            loaded = LoadedTask.load(name, vocabulary, config, longest=seq_len + 1)
        if loaded.available != asked.available:
            raise UserError(
                f"evaluation task {name!r} has {loaded.available:,} rows, and had "
                f"{asked.available:,} when they were counted: what its source reads cannot be seen "
                "from its code. Give the source a `version`, and another one whenever its rows "
                "change."
            )
        with _own_libraries():
            return make_measure(loaded)

    chance = info.chance if info else None
    key = Key(name, identity(asked.values))
    clusters = task.source.clusters if isinstance(task.source, EvaluationSet) else {}
    return Part(key, declarations.category_of(name), chance, load, clusters)


def _domain_part(
    corpus: str, config: SuiteConfig, vocabulary: Vocabulary, store: TokenStore, seq_len: int
) -> Part:
    settings = {
        "max_items": config.max_documents,
        "max_tokens": config.max_document_tokens,
        "seed": config.seed,
        "seq_len": seq_len,
    }
    asked = domain_asked(config, vocabulary, store, seq_len)
    key = Key(DOMAIN_PREFIX + corpus, identity(asked.values))
    return Part(key, "domains", None, lambda: Domain(corpus, store, vocabulary, **settings))
