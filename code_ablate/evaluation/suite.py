"""Runs an evaluation suite on a model: downstream SeqIO Tasks and domains, one row per item.

    config = SuiteConfig(tasks=("arc_easy",), domains=("demo.text",))
    suite = Suite.load(config, vocabulary, stores, seq_len=256)
    result = suite.evaluate(scorer)
    result.items                # a table: task, category, kind, item, correct, bits, bytes, ...

The data are read and tokenised once, and then serve every checkpoint.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import seqio
from etils import epath

from code_ablate import storage
from code_ablate.data.fingerprint import preprocessor_fingerprint
from code_ablate.data.pipeline import task_fingerprint
from code_ablate.data.registry import require_tasks
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation.domains import DomainItems, domain_items
from code_ablate.evaluation.downstream import DownstreamTask
from code_ablate.evaluation.scoring import Scorer
from code_ablate.identity import identity, to_plain
from code_ablate.progress import bar

FORMAT = 1
"""Part of a suite's identity. Raised when the same items would be scored in another way."""

DOMAIN_PREFIX = "bits_per_byte/"


@dataclass(frozen=True)
class SuiteConfig:
    """What a model is evaluated on."""

    tasks: tuple[str, ...] = ()
    """Registered SeqIO Tasks with a validation split and metrics."""
    domains: tuple[str, ...] = ()
    """Corpora whose validation documents are scored in bits per byte."""
    max_items: int = 1_000_000
    """At most this many items of a task, a seeded choice; the number used is always reported."""
    max_documents: int = 200
    """At most this many validation documents of a domain."""
    max_document_tokens: int = 2048
    """Of a longer document, only the beginning is scored."""
    split: str = "validation"
    """Split of the downstream tasks."""
    seed: int = 0
    """Of the choice of items and documents."""

    def __post_init__(self):
        for name in ("max_items", "max_documents", "max_document_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"SuiteConfig.{name} is {getattr(self, name)}; it must be above 0.")
        if not self.tasks and not self.domains:
            raise UserError("SuiteConfig: name at least one task or one domain to evaluate on.")


@dataclass(frozen=True)
class SuiteResult:
    """What one model scored."""

    items: pd.DataFrame
    """One row per task and item."""
    tasks: Mapping[str, Mapping]
    """What the suite says about each task: `Suite.describe`."""
    metrics: Mapping[str, Mapping[str, float]]
    """What the tasks' own metric_fns returned, by task."""


@dataclass(frozen=True)
class Suite:
    """Tasks and domains, loaded and tokenised for one vocabulary."""

    identity: str
    """Names what is asked, and of which data: scores under one identity can be compared."""
    vocabulary: str
    """Digest of the vocabulary that everything is tokenised with."""
    tasks: tuple[DownstreamTask, ...]
    domains: Mapping[str, DomainItems] = field(default_factory=dict)

    @classmethod
    def identity_of(
        cls,
        config: SuiteConfig,
        vocabulary: Vocabulary,
        stores: Mapping[str, TokenStore],
        seq_len: int,
    ) -> str:
        """The identity without loading any data. Raises UserError for unknown names."""
        require_tasks("evaluation task", config.tasks)
        return identity(
            {
                "format": FORMAT,
                "config": to_plain(config),
                "seq_len": seq_len,
                "vocabulary": vocabulary.digest,
                "tasks": {name: _fingerprint(name) for name in config.tasks},
                "domains": {name: stores[name].manifest.identity for name in config.domains},
            }
        )

    @classmethod
    def load(
        cls,
        config: SuiteConfig,
        vocabulary: Vocabulary,
        stores: Mapping[str, TokenStore],
        seq_len: int,
    ) -> "Suite":
        """Reads and tokenises everything. `seq_len`: tokens that the model sees at once."""
        name = cls.identity_of(config, vocabulary, stores, seq_len)
        tasks = tuple(
            DownstreamTask.load(
                task,
                vocabulary,
                split=config.split,
                max_items=config.max_items,
                seed=config.seed,
                longest=seq_len + 1,
            )
            for task in config.tasks
        )
        domains = {
            corpus: domain_items(
                stores[corpus],
                vocabulary,
                max_items=config.max_documents,
                max_tokens=config.max_document_tokens,
                seq_len=seq_len,
                seed=config.seed,
            )
            for corpus in config.domains
        }
        for corpus, documents in domains.items():
            if not documents.items:
                raise UserError(
                    f"the store of {corpus!r} has no validation documents to score: raise "
                    "PrepareConfig.validation_fraction or add data."
                )
        return cls(name, vocabulary.digest, tasks, domains)

    def describe(self) -> dict[str, dict]:
        """What the report says about each task: category, kind, chance, items, available."""
        described = {task.name: task.describe() for task in self.tasks}
        for corpus, documents in self.domains.items():
            described[DOMAIN_PREFIX + corpus] = {
                "category": "domains",
                "kind": "bits_per_byte",
                "chance": None,
                "items": len(documents.items),
                "available": documents.available,
                "cropped": sum(item.cropped for item in documents.items),
            }
        return described

    def evaluate(self, scorer: Scorer, label: str = "") -> SuiteResult:
        """Scores every item of every task and domain."""
        tables, metrics = [], {}
        requests = [request for task in self.tasks for request in task.requests]
        for documents in self.domains.values():
            requests += [request for item in documents.items for request in item.requests]
        total = sum(len(request.pieces(scorer.longest)) for request in requests)
        with bar(total, f"{label} evaluation".strip(), unit="req") as progress:
            for task in self.tasks:
                items, metrics[task.name] = task.evaluate(scorer, progress.update)
                tables.append(items)
            for corpus, documents in self.domains.items():
                tables.append(_score_domain(corpus, documents, scorer, progress.update))
        return SuiteResult(pd.concat(tables, ignore_index=True), self.describe(), metrics)


def _fingerprint(name: str) -> dict:
    """What an evaluation Task reads and how it is judged."""
    task = seqio.TaskRegistry.get(name)
    judged = [f for f in (task.postprocessor, *task.metric_fns) if f is not None]
    return {**task_fingerprint(task), "judged": [preprocessor_fingerprint(f) for f in judged]}


def _score_domain(
    corpus: str, documents: DomainItems, scorer: Scorer, advance: Callable[[int], object]
) -> pd.DataFrame:
    requests = [request for item in documents.items for request in item.requests]
    owner = np.repeat(
        np.arange(len(documents.items)), [len(item.requests) for item in documents.items]
    )
    nats = np.bincount(owner, scorer.score(requests, advance), len(documents.items))
    return pd.DataFrame(
        {
            "task": DOMAIN_PREFIX + corpus,
            "category": "domains",
            "kind": "bits_per_byte",
            "item": [item.item for item in documents.items],
            "bits": -nats / np.log(2),
            "bytes": [float(item.bytes) for item in documents.items],
        }
    )


def save_result(result: SuiteResult, directory: epath.PathLike) -> None:
    """Writes two JSON files and then items.parquet, whose presence means that it is whole."""
    directory = epath.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "metrics.json").write_text(json.dumps(result.metrics, indent=1, default=float))
    (directory / "tasks.json").write_text(json.dumps(result.tasks, indent=1))
    storage.replace(directory / "items.parquet", result.items.to_parquet(index=False))


def load_result(directory: epath.PathLike) -> SuiteResult | None:
    """What `save_result` wrote, or None."""
    directory = epath.Path(directory)
    if not (directory / "items.parquet").exists():
        return None
    with (directory / "items.parquet").open("rb") as file:
        items = pd.read_parquet(file)
    tasks, metrics = (
        json.loads((directory / name).read_text()) for name in ("tasks.json", "metrics.json")
    )
    return SuiteResult(items, tasks, metrics)
