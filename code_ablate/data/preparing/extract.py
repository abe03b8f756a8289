"""First pass: the documents of a piece of a corpus become tokens and signatures, in files.

    result = extract(Piece("demo.text", "train", 0, 16, vocabulary, 0, "/tmp/x", 10_000_000))
    load_index(result.path)["tokens"]          # lengths of the documents, which lie one by one

How a corpus is cut into pieces depends on its source and on `PrepareConfig.pieces`, never on the
machine or the number of workers. An index row is about 50 bytes. All is written as it comes: the
memory of a piece does not depend on its documents.
"""

import dataclasses
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING

import numpy as np

import gin
from code_ablate.data.preparing.array_file import ArrayWriter
from code_ablate.data.preparing.finished_pieces import file_digests, write_record
from code_ablate.data.preparing.package_versions import package_versions
from code_ablate.data.preparing.pieces import INDEX, TOKENS, Piece, PieceResult
from code_ablate.data.preparing.runner import Place
from code_ablate.data.preparing.shared_files import local_path, new_files
from code_ablate.data.preparing.signatures import SIGNATURES, index_dtype, split_word, text_hash
from code_ablate.data.registry import import_modules
from code_ablate.data.round_trip import RoundTrip
from code_ablate.data.variants import CorpusVariant, register_variants, registered_variants
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.identity import differences

if TYPE_CHECKING:
    from code_ablate.data.preparing.task_run import TaskRun

_CHECKED_DOCUMENTS = 8
_CHECKED_CHARACTERS = 2000
_DECODED_ONE_IN = 8  # documents, of a vocabulary that keeps all probes; of others every one
_REPORT_DOCUMENTS = 64
_REPORT_BYTES = 250_000
_HELD_ROWS = 2**13


def token_dtype(size: int) -> np.dtype:
    """The smallest unsigned type for the ids of a vocabulary of `size` entries."""
    return np.dtype(np.uint16 if size <= 65536 else np.uint32)


_PROCESS = uuid.uuid4().hex
"""Names this process, on whatever machine."""


@dataclasses.dataclass(frozen=True)
class Registration:
    """How a worker process comes to know the corpora, and what it must find."""

    modules: tuple[str, ...]
    """Modules that a worker imports, after `tasks`."""
    preprocessors: Mapping[str, Sequence[Mapping[str, str]]]
    """Fingerprints of each corpus' preprocessors where the preparation was started."""
    bindings: str = ""
    """gin bindings there, as text: preprocessors may be functions that gin configures."""
    variants: tuple[CorpusVariant, ...] = dataclasses.field(default_factory=registered_variants)
    """Variants of corpora that are registered there."""
    versions: Mapping[str, str] = dataclasses.field(default_factory=package_versions)
    """Versions there of what decides the tokens."""
    process: str = _PROCESS
    """Where it was started: there, nothing is imported or compared."""


_checked: set[tuple[str, str]] = set()
_checking = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Extraction:
    """`extract` for a runner: usable in other processes, which register the corpora first."""

    registration: Registration
    """What registers the corpora."""

    def __call__(self, piece: Piece, place: Place) -> PieceResult:
        """Extracts a piece. Raises UserError if the corpus here is not the one meant."""
        if self.registration.process != _PROCESS:
            with _checking:  # a cluster's worker has several threads
                self._register(piece.corpus)
            _check_files(piece)
        return extract(piece, place)

    def _register(self, corpus: str) -> None:
        known = (self.registration.process, corpus)
        if known not in _checked:
            import_modules(("tasks", *self.registration.modules))
            # Its own commands bind more than these modules have: the rest is nobody's here.
            gin.parse_config(self.registration.bindings, skip_unknown=True)
            register_variants(self.registration.variants)
            check_registration(corpus, self.registration.preprocessors[corpus])
            check_versions(self.registration.versions)
            _checked.add(known)


def extract(piece: Piece, place: Place) -> PieceResult:
    """Runs the piece and writes its files, and last the record that says that they are whole.

    Raises UserError if the Task does not fit the study's vocabulary.
    """
    from code_ablate.data.preparing import task_run

    read = _Read(piece, place)
    run = task_run.TaskRun(
        task_run.find_task(piece.corpus),
        piece.vocabulary.seqio,
        split=piece.split,
        piece=piece.index,
        pieces=piece.count,
        seed=piece.seed,
        threads=place.threads,
        max_bytes=piece.max_document_bytes,
        on_read=read.count,
    )
    with new_files(piece.path, piece.suffixes) as path:
        writer = _PieceWriter(path, piece)
        with open(path + TOKENS, "wb") as file:
            _write_documents(run, writer, file, piece, read)
        writer.finish()
        digests = file_digests(path, piece.suffixes)
    result = PieceResult(
        piece,
        piece.path,
        tuple(run.stages()),
        writer.empty,
        writer.empty_bytes,
        writer.with_eos,
        writer.with_eos_bytes,
        round_trip=writer.round_trip,
    )
    write_record(result, digests)
    return result


class _Read:
    """Tells a place how many bytes of the files of a piece were read, all of them in the end."""

    def __init__(self, piece: Piece, place: Place):
        self.place, self._bytes, self._counted = place, piece.bytes or 0, 0

    def count(self, size: int) -> None:
        self._counted += size
        self.place.read(size)

    def count_at_most(self, size: int) -> None:
        self.count(min(size, self._bytes - self._counted))

    def finish(self) -> None:
        self.place.read(self._bytes - self._counted)


def _write_documents(
    run: "TaskRun", writer: "_PieceWriter", file: IO[bytes], piece: Piece, read: _Read
) -> None:
    """Writes what the Task gives. Raises UserError if its tokens are of another vocabulary."""
    checked, fitting, new_documents, new_bytes = 0, 0, 0, 0
    for document in run:
        size = writer.add(file, document)
        if document.text and checked < _CHECKED_DOCUMENTS:
            checked += 1
            fitting += _is_tokenized(document, piece.vocabulary)
        new_documents, new_bytes = new_documents + 1, new_bytes + size
        if new_documents == _REPORT_DOCUMENTS or new_bytes >= _REPORT_BYTES:
            read.place.report(new_documents, new_bytes)
            if not run.counts_bytes:  # about as many as there are bytes of text
                read.count_at_most(new_bytes)
            new_documents, new_bytes = 0, 0
    if checked and not fitting:
        raise UserError(
            f"the tokens of corpus {piece.corpus!r} are not the study's vocabulary's: one of its "
            "preprocessors has a vocabulary of its own; let it use that of `output_features`."
        )
    read.place.report(new_documents, new_bytes)
    read.finish()


def load_index(path: str) -> np.memmap:
    """The index rows of a piece, memory-mapped."""
    return np.load(local_path(path + INDEX), mmap_mode="r")


class _PieceWriter:
    def __init__(self, path: str, piece: Piece):
        self.empty = self.empty_bytes = self.with_eos = self.with_eos_bytes = 0
        self.round_trip = RoundTrip()
        self._rows: list[tuple] = []
        self._path, self._vocabulary = piece.path, piece.vocabulary
        self._signatures = [SIGNATURES[name] for name in piece.signatures]
        self._index_dtype = index_dtype(piece.signatures)
        self._index = ArrayWriter(path + INDEX, self._index_dtype)
        self._dtype = token_dtype(piece.vocabulary.size)
        self._position = 0
        self._beside = [files.writer(path) for files in piece.side_files]

    def add(self, file, document) -> int:
        """Appends a document, ended by one EOS; returns the bytes of its text."""
        tokens, eos = document.tokens, self._vocabulary.eos_id
        while len(tokens) and tokens[-1] == eos:
            tokens = tokens[:-1]
        if not len(tokens):
            self.empty += 1
            self.empty_bytes += len(document.text or b"")  # white space, to some vocabularies
            return 0
        if tokens.min() < 0 or tokens.max() >= self._vocabulary.size:
            raise UserError(
                f"{self._path}: token id {tokens.max()} is outside of the study's vocabulary of "
                f"{self._vocabulary.size}: a preprocessor has a vocabulary of its own; let it use "
                "that of `output_features`."
            )
        if (tokens == eos).any():  # nobody could tell where the document ends
            self.with_eos += 1
            self.with_eos_bytes += len(document.text or b"")
            return 0
        text = document.text
        if text is None:
            text = self._vocabulary.decode(tokens).encode()
        elif not self._vocabulary.lossless or text_hash(text)[0] % _DECODED_ONE_IN == 0:
            self.round_trip.add(text, self._vocabulary.decode(tokens))
        stored = np.append(tokens, eos).astype(self._dtype)
        content = stored.tobytes()
        file.write(content)
        signatures = (signature.compute(text, content) for signature in self._signatures)
        split = split_word(text) if document.split is None else document.split
        self._rows.append((*signatures, split, self._position, len(stored), len(text)))
        if len(self._rows) == _HELD_ROWS:
            self._write_rows()
        if self._beside:
            shown = text.decode("utf-8", "replace")
            for side_writer in self._beside:
                side_writer.add(shown, document.name)
        self._position += len(stored)
        return len(text)

    def finish(self) -> None:
        """Writes what is left; the index and the side files are whole then."""
        for side_writer in self._beside:
            side_writer.finish()
        self._write_rows()
        self._index.finish()

    def _write_rows(self) -> None:
        self._index.add(np.array(self._rows, self._index_dtype))
        self._rows = []


def check_registration(corpus: str, preprocessors: Sequence[Mapping[str, str]]) -> None:
    """Raises UserError unless `corpus` is registered in this process with these preprocessors."""
    from code_ablate.data.preparing import task_run

    try:
        task = task_run.find_task(corpus)
    except UserError as error:
        raise UserError(
            f"corpus {corpus!r} is not registered in a worker process: name the module that "
            f"registers it (--import), or prepare with workers=1. ({error})"
        ) from error
    if list(preprocessors) != task_run.preprocessor_fingerprints(task):
        raise UserError(
            f"corpus {corpus!r} has other preprocessors in a worker process than here: register it "
            "in a module, and always in the same way, or prepare with workers=1."
        )


def check_versions(versions: Mapping[str, str]) -> None:
    """Raises UserError unless this process has these versions of what decides the tokens."""
    others = differences(dict(versions), package_versions())
    if others:
        raise UserError(
            "a worker has other versions than where the work was planned "
            f"({'; '.join(others)}): give all machines the same environment."
        )


def _check_files(piece: Piece) -> None:
    """Raises UserError unless the files of a piece are here as large as where it was planned."""
    from code_ablate.data.preparing import task_run

    if piece.bytes is None:
        return
    task = task_run.find_task(piece.corpus)
    size = task_run.shard_bytes(task, piece.split, piece.index, piece.count)
    if size != piece.bytes:
        raise UserError(
            f"the files of corpus {piece.corpus!r} are others for a worker than when the work was "
            f"planned ({size:,} bytes in a piece of {piece.bytes:,}): name them so that every "
            "machine finds the same ones, with their whole path or URL, and let nothing change "
            "them."
        )


def _is_tokenized(document, vocabulary: Vocabulary) -> bool:
    """Whether the tokens begin mostly with those that `vocabulary` gives for the text."""
    beginning = document.text.decode("utf-8", "replace")[:_CHECKED_CHARACTERS]
    expected = vocabulary.encode([beginning])[0].tolist()
    common = Counter(expected) & Counter(document.tokens[: 2 * len(expected)].tolist())
    return common.total() * 2 >= len(expected)
