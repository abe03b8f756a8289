"""Corpora become token stores: the four passes of preparation, for all corpora that need them.

    stores = make_stores(("demo.text", "demo.web_code"), vocabulary, "data", PrepareConfig())
    stores["demo.text"].manifest.dropped    # {"length_under_200": {"documents": 3, "bytes": 29}}

A store is kept as `<data_dir>/stores/<corpus>-<key>`; the key covers all that decides its content,
so a store is found again exactly when it is still right. The result does not depend on where the
pieces are extracted. A preparation that was interrupted leaves no manifest; the next one of the
same store goes on with the pieces that were finished.
"""

import contextlib
import functools
import shutil
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Le, Lt
from etils import epath
from tqdm import tqdm

import gin
from code_ablate.checked import PositiveInt, Seed, checked
from code_ablate.data.preparing.account import Account
from code_ablate.data.preparing.assemble import assemble
from code_ablate.data.preparing.corpus_fingerprint import corpus_fingerprint
from code_ablate.data.preparing.exact_duplicates import ExactDuplicates
from code_ablate.data.preparing.extract import Extraction, Registration
from code_ablate.data.preparing.extracted import ExtractedCorpus
from code_ablate.data.preparing.finished_pieces import find_finished
from code_ablate.data.preparing.local import LocalRunner
from code_ablate.data.preparing.pieces import Piece, PieceResult
from code_ablate.data.preparing.runner import Runner
from code_ablate.data.preparing.scratch import locked, scratch_folder
from code_ablate.data.preparing.signatures import ALWAYS
from code_ablate.data.preparing.verdicts import Judge, judge
from code_ablate.data.registry import import_modules
from code_ablate.data.round_trip import require_returned
from code_ablate.data.store import FORMAT, MANIFEST, Stores, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import Failed, disk_failures
from code_ablate.identity import identity

FIELDS_OF_TASK = ("source", "preprocessors")
"""What of a store's key fields is not among its settings."""
_KEY_LENGTH = 12

_PIECE_BYTES = 64 * 2**20
_PIECES_OF_UNKNOWN_SIZE = 4


@checked
@dataclass(frozen=True)
class PrepareConfig:
    """How corpora become token stores."""

    seed: Seed = 0
    """Key of the order of the documents in a store."""
    validation_fraction: Annotated[float, Ge(0), Lt(1)] = 0.02
    """Share of a corpus' documents that is split off for validation, by hash. Not used for a corpus
    whose source has a validation split of its own."""
    deduplicate: bool = True
    """Whether of documents with exactly the same text, within a corpus, one is kept."""
    max_document_bytes: PositiveInt = 10_000_000
    """Most bytes of text that a document of a source may have. A longer one is left out, and
    counted in the store's manifest: a tokenizer takes about 220 bytes of memory for each of its
    bytes."""
    min_returned: Annotated[float, Ge(0), Le(1)] = 0.99
    """Least share of the bytes of a corpus' text that comes back when its tokens are decoded; a
    corpus below it is refused. Does not change the result."""
    workers: Annotated[int, Ge(0), Le(4096)] = 0
    """Worker processes; 0: one for each core. Does not change the result."""
    pieces: Annotated[int, Ge(0), Le(1_000_000)] = 0
    """Most pieces that a corpus is cut into for the workers; its source's shards are an upper limit
    too. 0: one for each 64 MiB of its source's files, or 4 where their sizes are not known. A piece
    is what is done again after an interruption. Changes the result only where a preprocessor looks
    at more than one document."""


@dataclass(frozen=True)
class StorePlan:
    """The store of one corpus as it is now: what it is made from, and where it is kept."""

    corpus: str
    key_fields: dict[str, Any]
    """Plain values that decide the content of the store; its key is their identity."""
    path: epath.Path
    """Directory of the store."""

    @functools.cached_property
    def task(self) -> Any:
        """SeqIO Task that is run."""
        from code_ablate.data.preparing.task_run import find_task

        return find_task(self.corpus)

    @property
    def finished(self) -> bool:
        """Whether the store is there."""
        return (self.path / MANIFEST).exists()


def plan_store(
    corpus: str, vocabulary: Vocabulary, data_dir: epath.PathLike, config: PrepareConfig
) -> StorePlan:
    """Which store the registered corpus needs. Raises UserError for an unknown corpus."""
    fields = {**corpus_fingerprint(corpus), **store_settings(vocabulary, config)}
    path = epath.Path(data_dir) / "stores" / f"{corpus}-{identity(fields)[:_KEY_LENGTH]}"
    return StorePlan(corpus, fields, path)


def store_settings(vocabulary: Vocabulary, config: PrepareConfig) -> dict[str, Any]:
    """The part of a store's key fields that does not depend on the corpus."""
    return {
        "max_document_bytes": config.max_document_bytes,
        "vocabulary": vocabulary.digest,
        "eos_id": vocabulary.eos_id,
        "seed": config.seed,
        "validation_fraction": config.validation_fraction,
        # What the documents were compared with, to find those that must not stay.
        "judged": {"exact_duplicates": config.deduplicate, "against": []},
        "format": FORMAT,
    }


def make_stores(
    corpora: Sequence[str],
    vocabulary: Vocabulary,
    data_dir: epath.PathLike,
    config: PrepareConfig = PrepareConfig(),
    *,
    modules: Sequence[str] = (),
    progress: bool = True,
    runner: Runner | None = None,
) -> Stores:
    """Token stores of `corpora`; those that are missing are prepared.

    `modules` register corpora, and are imported here and in every worker (with `tasks`). `runner`
    says where pieces are extracted; None: on this machine. Two processes that prepare the same
    store on one machine wait for each other. Raises UserError for an unknown or empty corpus, or
    one that does not fit the vocabulary, and Failed where the disk takes no more or a worker is
    killed; pieces that are finished then are kept for the next call.
    """
    import_modules(modules)
    runner = runner or LocalRunner(config.workers, progress)
    plans = {corpus: plan_store(corpus, vocabulary, data_dir, config) for corpus in corpora}
    with disk_failures(data_dir), contextlib.ExitStack() as held:
        for corpus in sorted(plans):  # in one order, so that no two processes wait for each other
            if not plans[corpus].finished:
                held.enter_context(locked(plans[corpus].path.name, data_dir))
        missing = [plan for plan in plans.values() if not plan.finished]
        if missing:
            scratch = {plan.corpus: scratch_folder(plan.path.name, data_dir) for plan in missing}
            preparation = _Preparation(vocabulary, config, tuple(modules), scratch, progress)
            preparation.run(missing, runner)
    return Stores({corpus: TokenStore.open(plan.path) for corpus, plan in plans.items()})


def _extracted(
    extraction: Extraction, pieces: Sequence[Piece], runner: Runner
) -> Generator[PieceResult, None, None]:
    """The results of all pieces: first of those that were finished before, then of the others."""
    with ThreadPoolExecutor() as threads:  # what is finished is read once more, to be sure of it
        finished = [result for result in threads.map(find_finished, pieces) if result]
    if finished:
        tqdm.write(f"{len(finished)} of {len(pieces)} pieces were finished before, and are kept.")
    yield from finished
    done = {result.piece for result in finished}
    unfinished = [piece for piece in pieces if piece not in done]
    with contextlib.closing(
        runner.run(extraction, unfinished, [piece.bytes for piece in unfinished])
    ) as others:
        yield from others


def _pieces_by_size(size: int | None) -> int:
    """The number of pieces for a source whose files have `size` bytes; None: it is not known."""
    return _PIECES_OF_UNKNOWN_SIZE if size is None else -(-size // _PIECE_BYTES)


@dataclass(frozen=True)
class _Preparation:
    """The four passes over corpora whose stores are missing."""

    vocabulary: Vocabulary
    config: PrepareConfig
    modules: tuple[str, ...]
    scratch: dict[str, str]
    """Folder for the pieces of each corpus; what is finished there already is used."""
    progress: bool

    def run(self, plans: Sequence[StorePlan], runner: Runner) -> None:
        """Extracts all pieces, and finishes each store as soon as its pieces are there."""
        by_corpus = {plan.corpus: plan for plan in plans}
        pieces = [piece for plan in plans for piece in self._pieces(plan)]
        expected = {plan.corpus: plan.key_fields["preprocessors"] for plan in plans}
        extraction = Extraction(Registration(self.modules, expected, gin.config_str()))
        results: dict[str, list[PieceResult]] = {plan.corpus: [] for plan in plans}
        with contextlib.closing(_extracted(extraction, pieces, runner)) as extracted:
            for result in extracted:
                corpus = result.piece.corpus
                results[corpus].append(result)
                if len(results[corpus]) == sum(piece.corpus == corpus for piece in pieces):
                    self._finish(by_corpus[corpus], results.pop(corpus))
                    shutil.rmtree(self.scratch[corpus], ignore_errors=True)

    @property
    def _judges(self) -> Sequence[Judge]:
        return [ExactDuplicates(self.config.deduplicate)]

    def _pieces(self, plan: StorePlan) -> list[Piece]:
        from code_ablate.data.preparing.task_run import corpus_splits, shard_bytes

        pieces = []
        asked_for = (*ALWAYS, *(name for one in self._judges for name in one.signatures))
        signatures = tuple(dict.fromkeys(asked_for))
        for split in corpus_splits(plan.task):
            wanted = self.config.pieces or _pieces_by_size(shard_bytes(plan.task, split))
            count = max(1, min(wanted, len(plan.task.source.list_shards(split))))
            pieces += [
                Piece(
                    plan.corpus,
                    split,
                    index,
                    count,
                    self.vocabulary,
                    self.config.seed,
                    self.scratch[plan.corpus],
                    self.config.max_document_bytes,
                    signatures,
                    shard_bytes(plan.task, split, index, count),
                )
                for index in range(count)
            ]
        return pieces

    def _finish(self, plan: StorePlan, results: Sequence[PieceResult]) -> None:
        """Judges the documents of one corpus, accounts for them, and writes the store.

        A corpus is judged as soon as it is extracted, because it is judged against no other one
        (`store_settings`). Raises Failed if its source has changed since the store was planned.
        """
        from code_ablate.data.preparing.task_run import require_unchanged

        try:
            require_unchanged(plan.task, plan.key_fields["source"])
        except Failed:
            shutil.rmtree(self.scratch[plan.corpus])  # nobody knows what the pieces hold
            raise
        corpus = ExtractedCorpus.load(results, self.config.validation_fraction)
        (verdicts,) = judge([corpus.documents], self._judges)
        account = Account(results, getattr(plan.task.source, "skipped", dict)())
        require_returned(plan.corpus, account.round_trip, self.config.min_returned)
        account.judged(corpus.documents, verdicts)
        assemble(
            plan.path,
            corpus,
            verdicts,
            self.vocabulary,
            seed=self.config.seed,
            manifest={
                "key": identity(plan.key_fields),
                "key_fields": plan.key_fields,
                "source_digest": plan.key_fields["source"],
                "validation_fraction": self.config.validation_fraction,
                **account.fields,
            },
            progress=self.progress,
        )
