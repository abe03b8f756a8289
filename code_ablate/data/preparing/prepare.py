"""Corpora become token stores: each SeqIO Task is run once, in parallel, and written to disk.

    stores = prepare(("demo.text", "demo.web_code"), vocabulary, "data", PrepareConfig(workers=2))
    stores["demo.text"].manifest.dropped    # {"length_under_200": {"documents": 3, "bytes": 29}}

A store is kept as `<data_dir>/stores/<corpus>-<key>`; the key covers all that decides its content,
so a store is found again exactly when it is still right, and `explain_missing` says why it is not.
The result does not depend on the number of workers. A preparation that was interrupted leaves no
manifest and starts afresh.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from etils import epath
from tqdm import tqdm

from code_ablate.data.preparing.extract import Piece, PieceResult, import_modules
from code_ablate.data.preparing.local import Bar, Registration, run_pieces
from code_ablate.data.store import FORMAT, MANIFEST, Manifest, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.identity import differences

_KEY_LENGTH = 12


@dataclass(frozen=True)
class PrepareConfig:
    """How corpora become token stores."""

    seed: int = 0
    """Keys the order of the documents in a store."""
    validation_fraction: float = 0.02
    """Share of a corpus' documents that is split off for validation, by hash. Not used for a corpus
    whose source has a validation split of its own."""
    deduplicate: bool = True
    """Whether of documents with exactly the same text, within a corpus, one is kept."""
    workers: int = 0
    """Worker processes; 0 is one for each core. Does not change the result."""
    pieces: int = 4
    """Into at most so many pieces a corpus is cut for the workers; not into more than its source
    has shards. Raise it above `workers` on a large machine. Changes the result only where a
    preprocessor looks at more than one document."""

    def __post_init__(self):
        if not 0 <= self.validation_fraction < 1:
            raise UserError(
                f"PrepareConfig.validation_fraction is {self.validation_fraction}: it must be 0 or "
                "more, and less than 1."
            )
        if self.workers < 0 or self.pieces < 1:
            raise UserError(
                f"PrepareConfig.workers = {self.workers}, pieces = {self.pieces}: workers must be "
                "0 or more, and pieces 1 or more."
            )


def prepare(
    corpora: Sequence[str],
    vocabulary: Vocabulary,
    data_dir: epath.PathLike,
    config: PrepareConfig = PrepareConfig(),
    *,
    modules: Sequence[str] = (),
    progress: bool = True,
) -> dict[str, TokenStore]:
    """Token stores of `corpora`; those that are missing are made.

    `modules` register corpora, and are imported here and in every worker (with `tasks`). Two
    processes that prepare the same store on one machine wait for each other. Raises UserError for
    an unknown or empty corpus, or one that does not fit the vocabulary.
    """
    import_modules(modules)
    plans = {corpus: _plan(corpus, vocabulary, data_dir, config) for corpus in corpora}
    with contextlib.ExitStack() as held:
        for corpus in sorted(plans):  # in one order, so that no two processes wait for each other
            if not plans[corpus].finished:
                held.enter_context(_lock(plans[corpus], data_dir))
        missing = [plan for plan in plans.values() if not plan.finished]
        if missing:
            with _scratch(missing, data_dir) as scratch:
                _prepare_missing(missing, vocabulary, config, modules, scratch, progress)
    return {corpus: TokenStore.open(plan.path) for corpus, plan in plans.items()}


def store_key(task: Any, vocabulary: Vocabulary, config: PrepareConfig) -> str:
    """Hash of what decides a store's content: source, preprocessors, vocabulary and settings."""
    return _hash(store_key_fields(task, vocabulary, config))


def store_key_fields(task: Any, vocabulary: Vocabulary, config: PrepareConfig) -> dict[str, Any]:
    """What `store_key` is the hash of, as plain values."""
    from code_ablate.data.preparing.task_run import task_fingerprint

    return {
        **task_fingerprint(task),
        "vocabulary": vocabulary.digest,
        "eos_id": vocabulary.eos_id,
        "seed": config.seed,
        "validation_fraction": config.validation_fraction,
        "deduplicate": config.deduplicate,
        "format": FORMAT,
    }


def find_store(
    corpus: str, vocabulary: Vocabulary, data_dir: epath.PathLike, config: PrepareConfig
) -> epath.Path | None:
    """The directory of the finished store of `corpus` as it is now; None if there is none."""
    plan = _plan(corpus, vocabulary, data_dir, config)
    return plan.path if plan.finished else None


def explain_missing(
    corpus: str, vocabulary: Vocabulary, data_dir: epath.PathLike, config: PrepareConfig
) -> str:
    """Why no existing store of `corpus` is used, field by field; '' if one is."""
    plan = _plan(corpus, vocabulary, data_dir, config)
    if plan.finished:
        return ""
    lines = []
    if plan.path.exists():
        lines.append(f"{plan.path.name}: half-written; it is prepared again.")
    stores = epath.Path(data_dir) / "stores"
    others = sorted(stores.iterdir()) if stores.exists() else []
    for other in others:
        try:
            manifest = Manifest.from_json((other / MANIFEST).read_text())
        except (OSError, ValueError, TypeError):
            continue
        if manifest.corpus == corpus:
            changes = _changes(dict(manifest.key_fields), plan.key_fields)
            lines.append(f"{other.name} is not used: {'; '.join(changes)}.")
    return "\n".join(lines) or f"no store of {corpus!r} was prepared in {data_dir}."


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs between the key fields of two stores, in words."""
    old, new = dict(old), dict(new)
    changes = []
    if old.pop("source", None) != new.pop("source"):
        changes.append("the source has changed (other files, sizes or versions)")
    if old.pop("vocabulary", None) != new.pop("vocabulary"):
        changes.append("it was made with another vocabulary")
    before, now = old.pop("preprocessors", []), new.pop("preprocessors")
    names_before, names_now = ([p["name"] for p in chain] for chain in (before, now))
    if names_before == names_now:
        edited = [a["name"] for a, b in zip(before, now, strict=True) if a != b]
        changes += [f"preprocessor {name!r} was edited" for name in edited]
    else:
        gone = [name for name in names_before if name not in names_now]
        came = [name for name in names_now if name not in names_before]
        changes += [f"preprocessor {name!r} is gone" for name in gone]
        changes += [f"preprocessor {name!r} is new" for name in came]
        if not gone and not came:
            changes.append(f"the preprocessors were {names_before} and are {names_now}")
    return changes + differences(old, new)


@dataclass(frozen=True)
class _Plan:
    """One corpus: what is to be made, and where."""

    corpus: str
    key: str
    key_fields: dict[str, Any]
    path: epath.Path
    task: Any

    @property
    def finished(self) -> bool:
        return (self.path / MANIFEST).exists()


def _hash(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _plan(
    corpus: str, vocabulary: Vocabulary, data_dir: epath.PathLike, config: PrepareConfig
) -> _Plan:
    from code_ablate.data.preparing.task_run import find_task

    task = find_task(corpus)
    fields = store_key_fields(task, vocabulary, config)
    key = _hash(fields)
    path = epath.Path(data_dir) / "stores" / f"{corpus}-{key[:_KEY_LENGTH]}"
    return _Plan(corpus, key, fields, path, task)


def _is_remote(data_dir: epath.PathLike) -> bool:
    return "://" in str(data_dir)


@contextlib.contextmanager
def _lock(plan: _Plan, data_dir: epath.PathLike) -> Iterator[None]:
    """Holds the right to write one store. Local disks only: an object store has no locks."""
    if _is_remote(data_dir):
        yield
        return
    directory = os.path.join(data_dir, "stores", ".locks")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, plan.path.name), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tqdm.write(f"waiting for another process that prepares {plan.corpus} ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _scratch(plans: Sequence[_Plan], data_dir: epath.PathLike) -> Iterator[dict[str, str]]:
    """A local directory for each corpus' temporary files; what a killed run left is removed
    first."""
    if _is_remote(data_dir):
        with tempfile.TemporaryDirectory(prefix="code-ablate-") as root:
            paths = {plan.corpus: os.path.join(root, plan.path.name) for plan in plans}
            for path in paths.values():
                os.makedirs(path)
            yield paths
        return
    root = os.path.join(data_dir, "stores", ".scratch")
    paths = {plan.corpus: os.path.join(root, plan.path.name) for plan in plans}
    try:
        for path in paths.values():  # nobody else uses it: its name is the name of the lock we hold
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path)
        yield paths
    finally:
        for path in paths.values():
            shutil.rmtree(path, ignore_errors=True)


def _prepare_missing(
    plans: Sequence[_Plan],
    vocabulary: Vocabulary,
    config: PrepareConfig,
    modules: Sequence[str],
    scratch: dict[str, str],
    progress: bool,
) -> None:
    """Runs all pieces of all corpora, and writes each store as soon as its pieces are there."""
    from code_ablate.data.preparing.assemble import assemble

    pieces = [
        piece for plan in plans for piece in _pieces(plan, vocabulary, config, scratch[plan.corpus])
    ]
    waiting = {plan.corpus: sum(p.corpus == plan.corpus for p in pieces) for plan in plans}
    results: dict[str, list[PieceResult]] = {plan.corpus: [] for plan in plans}
    by_corpus = {plan.corpus: plan for plan in plans}
    expected = {plan.corpus: plan.key_fields["preprocessors"] for plan in plans}
    workers = config.workers or os.cpu_count() or 1
    with Bar(len(pieces), progress) as bar:
        for result in run_pieces(pieces, workers, Registration(tuple(modules), expected), bar):
            corpus = result.piece.corpus
            results[corpus].append(result)
            bar.piece_done(corpus)
            if len(results[corpus]) < waiting[corpus]:
                continue
            plan = by_corpus[corpus]
            skipped: dict[str, int] = getattr(plan.task.source, "skipped", dict)()
            assemble(
                plan.path,
                results.pop(corpus),
                vocabulary,
                seed=config.seed,
                validation_fraction=config.validation_fraction,
                deduplicate=config.deduplicate,
                manifest={
                    "key": plan.key,
                    "key_fields": plan.key_fields,
                    "source_digest": plan.key_fields["source"],
                    "skipped": {reason: n for reason, n in skipped.items() if n},
                },
                progress=progress,
            )
            shutil.rmtree(scratch[corpus], ignore_errors=True)


def _pieces(
    plan: _Plan, vocabulary: Vocabulary, config: PrepareConfig, scratch: str
) -> list[Piece]:
    from code_ablate.data.preparing.task_run import corpus_splits

    pieces = []
    for split in corpus_splits(plan.task):
        count = max(1, min(config.pieces, len(plan.task.source.list_shards(split))))
        pieces += [
            Piece(plan.corpus, split, index, count, vocabulary, config.seed, scratch)
            for index in range(count)
        ]
    return pieces
