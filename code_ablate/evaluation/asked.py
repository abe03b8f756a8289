"""What is asked of a checkpoint, as plain values: their hash names its scores.

    asked = task_asked(task, kind, config, vocabulary, seq_len)
    Key("arc_easy", identity(asked.values))

What changes a score stands there: rows as they are chosen (and not how many were asked for, nor the
seed, where all are used), prompts, metrics with the distributions that these use, vocabulary,
context, sampling, and the versions of what computes. docs/identities.md has the list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from code_ablate.data.fingerprints import installed
from code_ablate.data.fingerprints.used import used_distributions
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.evaluation import domains
from code_ablate.evaluation.measure import Kind
from code_ablate.evaluation.row_choice import choice_key, chosen_rows, count_rows
from code_ablate.evaluation.suite_config import SuiteConfig

if TYPE_CHECKING:
    import seqio

FORMAT = 3
"""Version of the engine: raised when it would score the same requests in another way. What one kind
makes of them has a version of its own, `Kind.version`."""

ENGINE = ("jax", "jaxlib", "flax")
"""Distributions that every score is computed with."""

TASKS = ("seqio",)
"""Those that read and tokenise Tasks. What a Task itself uses is followed."""


@dataclass(frozen=True)
class Asked:
    """What is asked, and of how many rows."""

    values: dict[str, Any]
    """Plain values, for `identity`."""
    available: int
    """Rows or documents to choose from."""


def task_asked(
    task: "seqio.Task", kind: Kind, config: SuiteConfig, vocabulary: Vocabulary, seq_len: int
) -> Asked:
    """What is asked of a Task. Its rows are read if their number is not known; see `count_rows`.

    Raises UserError for what cannot be followed, and what the source raises.
    """
    from code_ablate.data.preparing.task_fingerprint import preprocessor_fingerprint
    from code_ablate.data.preparing.task_run import task_fingerprint

    reading = task_fingerprint(task)
    judged = [f for f in (task.postprocessor, *task.metric_fns) if f is not None]
    available = count_rows(task.source, config.split, reading["source"])
    return Asked(
        {
            **_engine(kind, vocabulary, seq_len, TASKS),
            **kind.settings(task.name, config),
            "split": config.split,
            "rows": choice_key(available, config.max_items, config.seed),
            "task": {**reading, "judged": [preprocessor_fingerprint(f) for f in judged]},
            "used": used_distributions(judged),
        },
        available,
    )


def domain_asked(
    config: SuiteConfig, vocabulary: Vocabulary, store: TokenStore, seq_len: int
) -> Asked:
    """What is asked of the validation documents of a corpus."""
    available, most = store.num_documents("validation"), config.max_documents
    chosen = chosen_rows(available, most, config.seed)
    ends = store.document_ends("validation")
    lengths = np.diff(ends, prepend=0) - 1  # without EOS
    longest = int(np.max(lengths if chosen is None else lengths[chosen], initial=0))
    return Asked(
        {
            **_engine(domains.KIND, vocabulary, seq_len, ()),
            "rows": choice_key(available, most, config.seed),
            "max_tokens": min(config.max_document_tokens, longest),
            "store": store.manifest.identity,
        },
        available,
    )


def _engine(
    kind: Kind, vocabulary: Vocabulary, seq_len: int, further: Iterable[str]
) -> dict[str, Any]:
    versions = {name: installed.installed_version(name) for name in (*ENGINE, *further)}
    return {
        "format": FORMAT,
        "versions": versions,
        "kind": kind.name,
        "kind_version": kind.version,
        "seq_len": seq_len,
        "vocabulary": vocabulary.digest,
    }
