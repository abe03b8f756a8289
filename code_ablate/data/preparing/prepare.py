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
import os
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Annotated, Any

from annotated_types import Ge, Le, Lt
from etils import epath
from tqdm import tqdm

import gin
from code_ablate import own_file, storage
from code_ablate.checked import PositiveInt, Seed, checked
from code_ablate.data.manifest import FORMAT, MANIFEST
from code_ablate.data.preparing import contamination, contamination_record, near_duplicates
from code_ablate.data.preparing.account import Account
from code_ablate.data.preparing.assemble import assemble
from code_ablate.data.preparing.corpus_fingerprint import corpus_fingerprint
from code_ablate.data.preparing.exact_duplicates import ExactDuplicates
from code_ablate.data.preparing.extract import Extraction, Registration
from code_ablate.data.preparing.extracted import ExtractedCorpus
from code_ablate.data.preparing.finished_pieces import find_finished
from code_ablate.data.preparing.leak_index import Decontamination
from code_ablate.data.preparing.local import LocalRunner
from code_ablate.data.preparing.near_duplicates import Deduplication
from code_ablate.data.preparing.near_held_out import NearHeldOut
from code_ablate.data.preparing.pieces import Piece, PieceResult
from code_ablate.data.preparing.runner import Group, Runner
from code_ablate.data.preparing.scratch import locked, scratch_folder
from code_ablate.data.preparing.shared_files import delete_folder
from code_ablate.data.preparing.signatures import ALWAYS
from code_ablate.data.preparing.verdicts import Judge, Verdicts, judge
from code_ablate.data.registry import import_modules
from code_ablate.data.round_trip import require_returned
from code_ablate.data.store import Stores, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import Failed, MissingData, disk_failures
from code_ablate.identity import identity

FIELDS_OF_TASK = ("source", "preprocessors", "against", "items")
"""What of a store's key fields is not among its settings: where SeqIO is missing, nobody knows it.
"""
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
    near_duplicates: Deduplication | None = None
    """Which documents are near-duplicates, of which one is kept. None: they are not looked for."""
    decontamination: Decontamination | None = None
    """Which evaluation items must not stand in a corpus. None: they are not looked for."""
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
    """Name of the corpus."""
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
    fields = {
        **corpus_fingerprint(corpus),
        **store_settings(vocabulary, config),
        "against": _against(corpus, config),
        "items": contamination.fingerprints(config.decontamination),
    }
    path = epath.Path(data_dir) / "stores" / f"{corpus}-{identity(fields)[:_KEY_LENGTH]}"
    return StorePlan(corpus, fields, path)


def _against(corpus: str, config: PrepareConfig) -> list[list[str]]:
    """What decides the documents of the corpora that this one is compared with, with their names.

    Raises MissingData, with what to do, where one of them is not on the machine.
    """
    found = []
    for other in compared_with(config):
        try:
            found.append([other, identity(corpus_fingerprint(other))])
        except MissingData as error:
            raise MissingData(
                f"{error} Or leave {other} out of Deduplication.order, if no recipe reads it: "
                f"{corpus} is compared with what is in the order."
            ) from error
    return found


def store_settings(vocabulary: Vocabulary, config: PrepareConfig) -> dict[str, Any]:
    """The part of a store's key fields that does not depend on the corpus."""
    near, leaks = config.near_duplicates, config.decontamination
    return {
        "max_document_bytes": config.max_document_bytes,
        "vocabulary": vocabulary.digest,
        "eos_id": vocabulary.eos_id,
        "seed": config.seed,
        "validation_fraction": config.validation_fraction,
        # How it is found out which documents must not stay; `plan_store` adds against what.
        "judged": {
            "exact_duplicates": config.deduplicate,
            "near_duplicates": near and near.settings,
            "decontamination": leaks and leaks.settings,
        },
        "format": FORMAT,
    }


def judged_with(corpus: str, config: PrepareConfig) -> tuple[str, ...]:
    """The corpora whose documents decide which of this one's stay; () if only its own do."""
    near = config.near_duplicates
    return near.order if near and corpus in near.order else ()


def compared_with(config: PrepareConfig) -> tuple[str, ...]:
    """The corpora whose documents, or validation documents, decide what stays of every corpus."""
    return config.near_duplicates.order if config.near_duplicates else ()


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
    says where pieces are worked on; None: on this machine. Two processes that prepare the same
    store on one machine wait for each other. Corpora that are judged together
    (`Deduplication.order`) are prepared together, also those that were not asked for; and they are
    prepared before corpora that must not resemble their validation documents. Raises
    UserError for an unknown or empty corpus, or one that does not fit the vocabulary, and Failed
    where the disk takes no more or a worker is killed; pieces that are finished then are kept for
    the next call.
    """
    import_modules(modules)
    runner = runner or LocalRunner(config.workers, progress)
    needed = _judged_together(corpora, config)
    plans = {corpus: plan_store(corpus, vocabulary, data_dir, config) for corpus in needed}
    held_out = Stores({})
    if any(not plans[corpus].finished and not judged_with(corpus, config) for corpus in needed):
        order = compared_with(config)
        held_out = make_stores(
            order, vocabulary, data_dir, config, modules=modules, progress=progress, runner=runner
        )
    with disk_failures(data_dir), contextlib.ExitStack() as held:
        for corpus in sorted(plans):  # in one order, so that no two processes wait for each other
            if not _all_finished(corpus, plans, config):
                held.enter_context(locked(plans[corpus].path.name, data_dir))
        missing = [plan for c, plan in plans.items() if not _all_finished(c, plans, config)]
        if missing:
            scratch = {
                plan.corpus: scratch_folder(plan.path.name, data_dir, shared=runner.is_cluster)
                for plan in missing
            }
            anywhere = _with_whole_path(vocabulary)
            preparation = _Preparation(
                anywhere, config, tuple(modules), scratch, progress, held_out
            )
            preparation.run(missing, runner)
    return Stores({corpus: TokenStore.open(plans[corpus].path) for corpus in corpora})


def _with_whole_path(vocabulary: Vocabulary) -> Vocabulary:
    """The same, to be found from every folder: a worker may be in another one."""
    path = vocabulary.path
    return (
        vocabulary if storage.is_remote(path) else replace(vocabulary, path=os.path.abspath(path))
    )


def _judged_together(corpora: Sequence[str], config: PrepareConfig) -> list[str]:
    """The corpora, and all that are judged together with one of them."""
    others = [other for corpus in corpora for other in judged_with(corpus, config)]
    return list(dict.fromkeys([*corpora, *others]))


def _all_finished(corpus: str, plans: Mapping[str, StorePlan], config: PrepareConfig) -> bool:
    """Whether the stores are there of a corpus and of all that are judged together with it."""
    return all(plans[other].finished for other in {corpus, *judged_with(corpus, config)})


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
    held_out: Stores
    """Stores of other corpora whose validation documents no training document may resemble."""

    def run(self, plans: Sequence[StorePlan], runner: Runner) -> None:
        """Extracts all pieces, and finishes stores as soon as all pieces that decide them are
        there."""
        by_corpus = {plan.corpus: plan for plan in plans}
        pieces = [piece for plan in plans for piece in self._pieces(plan)]
        expected_pieces = Counter(piece.corpus for piece in pieces)
        expected = {plan.corpus: plan.key_fields["preprocessors"] for plan in plans}
        extraction = Extraction(Registration(self.modules, expected, gin.config_str()))
        results: dict[str, list[PieceResult]] = {plan.corpus: [] for plan in plans}
        with contextlib.closing(_extracted(extraction, pieces, runner)) as extracted:
            for result in extracted:
                corpus = result.piece.corpus
                results[corpus].append(result)
                together = judged_with(corpus, self.config) or (corpus,)
                if all(len(results[c]) == expected_pieces[c] for c in together):
                    self._finish([by_corpus[c] for c in together], results, runner.group)
                    for done in together:
                        delete_folder(self.scratch[done])

    @functools.cached_property
    def _judges(self) -> Sequence[Judge]:
        """Leaks go before near-duplicates: a clean document does not leave for one that holds an
        item."""
        judges: list[Judge] = [ExactDuplicates(self.config.deduplicate)]
        if self.config.decontamination is not None:
            judges.append(contamination.Decontaminate.of(self.config.decontamination))
        if self.config.near_duplicates is not None:
            judges.append(near_duplicates.NearDuplicates(self.config.near_duplicates))
        return judges

    def _judges_of(self, corpus: str) -> Sequence[Judge]:
        """Those of every corpus, and for one outside of the order what the others hold out."""
        near = self.config.near_duplicates
        if near is None or not self.held_out or judged_with(corpus, self.config):
            return self._judges
        folder = self.scratch[corpus]
        return [*self._judges, NearHeldOut(near, self.held_out, self.vocabulary, folder)]

    def _pieces(self, plan: StorePlan) -> list[Piece]:
        from code_ablate.data.preparing.task_run import corpus_splits, shard_bytes

        pieces = []
        asked_for = (*ALWAYS, *(name for one in self._judges for name in one.signatures))
        signatures = tuple(dict.fromkeys(asked_for))
        folder = self.scratch[plan.corpus]
        side_files = dict.fromkeys(f for one in self._judges for f in one.side_files(folder))
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
                    folder,
                    self.config.max_document_bytes,
                    signatures,
                    shard_bytes(plan.task, split, index, count),
                    tuple(side_files),
                )
                for index in range(count)
            ]
        return pieces

    def _finish(
        self,
        plans: Sequence[StorePlan],
        results: Mapping[str, Sequence[PieceResult]],
        group: Group,
    ) -> None:
        """Judges the documents of corpora that are judged together, and writes their stores.

        Raises Failed if a source has changed since its store was planned.
        """
        corpora = [self._load(plan, results[plan.corpus]) for plan in plans]
        judges = self._judges_of(plans[0].corpus)
        verdicts = judge([corpus.documents for corpus in corpora], judges, group)
        for plan, corpus, found in zip(plans, corpora, verdicts, strict=True):
            if not plan.finished:
                self._write(plan, corpus, found, results[plan.corpus])

    def _load(self, plan: StorePlan, results: Sequence[PieceResult]) -> ExtractedCorpus:
        from code_ablate.data.preparing.task_run import require_unchanged

        try:
            require_unchanged(plan.task, plan.key_fields["source"])
        except Failed:
            delete_folder(self.scratch[plan.corpus])  # nobody knows what the pieces hold
            raise
        return ExtractedCorpus.load(results, self.config.validation_fraction)

    def _write(
        self,
        plan: StorePlan,
        corpus: ExtractedCorpus,
        verdicts: Verdicts,
        results: Sequence[PieceResult],
    ) -> None:
        """Accounts for the documents of one corpus, and writes its store."""
        account = Account(results, getattr(plan.task.source, "skipped", dict)())
        require_returned(plan.corpus, account.round_trip, self.config.min_returned)
        account.judged(corpus.documents, verdicts)
        files, leaks = {}, {}
        if record := verdicts.findings.get(contamination.FINDINGS):
            text = own_file.text_of(record, contamination_record.FORMAT)
            files[contamination_record.FILE] = text
            leaks = contamination.summary(record, own_file.sha256(text.encode()))
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
                "near_duplicates": verdicts.findings.get(near_duplicates.FINDINGS, {}),
                "contamination": leaks,
                **account.fields,
            },
            files=files,
            progress=self.progress,
        )
