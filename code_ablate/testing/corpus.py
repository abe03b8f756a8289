"""Runs a registered corpus over a few documents: what stays, with tokens, and what goes, and why.

    checked = check_corpus("my.notes", ["a note\n" * 100, {"text": "short", "language": "english"}])
    checked.kept[0].tokens          # with EOS, as they would be stored
    checked.dropped                 # [({"text": "short", ...}, Drop("length_under_200", 5))]

Each document goes through the Task's preprocessors by itself, in place of the Task's source, which
is not read. The vocabulary is a small one of its own: byte pairs with EOS, as a study's.
"""

import functools
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import seqio
import tensorflow as tf

from code_ablate.data.filters.base import Document, Drop, Filter
from code_ablate.data.preparing.account import EMPTY
from code_ablate.data.preparing.exact_duplicates import DUPLICATE
from code_ablate.data.preparing.task_run import TaskRun, find_task
from code_ablate.data.preparing.vocabulary_training import train_model
from code_ablate.data.sources.base import DocumentSource
from code_ablate.data.sources.one_split import OneSplitSource
from code_ablate.data.vocabulary import Vocabulary, load_vocabulary
from code_ablate.errors import UserError

_SAMPLE = "The quick brown fox jumps over the lazy dog.\n\tdef f(x):\n\t\treturn x[0] + 1\n"


@dataclass(frozen=True)
class KeptDocument:
    """A document as it would be stored."""

    text: str
    """Text that the tokens stand for."""
    tokens: tuple[int, ...]
    """Ids, ended by EOS."""


@dataclass(frozen=True)
class CheckedCorpus:
    """What became of the documents."""

    kept: tuple[KeptDocument, ...]
    """Documents that stay, in order; a preprocessor may have made several of one."""
    dropped: tuple[tuple[str | Mapping[str, Any], Drop], ...]
    """Documents that do not stay, as they were given, with the step that dropped them."""
    vocabulary: Vocabulary
    """Vocabulary of the tokens."""


def check_corpus(
    name: str,
    documents: Sequence[str | Mapping[str, Any]],
    *,
    vocabulary: Vocabulary | None = None,
) -> CheckedCorpus:
    """Runs the Task `name` over documents.

    A string stands for the text of a document without metadata; a mapping has the features that the
    Task's source yields (for sources of this project `text`, `path`, `language`, `source`; those
    left out are empty). Raises UserError for what preparation would refuse, and for documents that
    are cut after they were tokenized.
    """
    task = find_task(name)
    if isinstance(documents, str) or not documents:
        raise UserError("check_corpus needs a list with at least one document.")
    vocabulary = vocabulary or small_vocabulary()
    kept: list[KeptDocument] = []
    dropped: list[tuple[str | Mapping[str, Any], Drop]] = []
    for document in documents:
        element = _element(task, document)
        run = TaskRun(task.replace(source=_Given(element)), vocabulary.seqio)
        made = [_stored(name, out.text, out.tokens.tolist(), vocabulary) for out in run]
        stages = run.stages()
        if not made:
            step = next(stage.name for stage in stages if not stage.documents)
            dropped.append((document, _drop(task, step, element)))
        for one in made:
            if len(one.tokens) == 1:
                dropped.append((document, Drop(EMPTY)))
            elif _is_repeated(name, one, kept):
                dropped.append((document, Drop(DUPLICATE)))
            else:
                kept.append(one)
    return CheckedCorpus(tuple(kept), tuple(dropped), vocabulary)


class _Given(OneSplitSource):
    """One document."""

    def __init__(self, element: Any):
        super().__init__("train")
        self._element = element

    def list_shards(self, split: str) -> Sequence[str]:
        return [split]

    def elements(self, shuffle: bool, seed: int | None, shard: seqio.ShardInfo) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensors(self._element)


def _element(task: seqio.Task, document: str | Mapping[str, Any]) -> Any:
    """The document as the Task's source would yield it."""
    if isinstance(document, str) and isinstance(task.source, seqio.TextLineDataSource):
        return document
    fields = {"text": document} if isinstance(document, str) else dict(document)
    if isinstance(task.source, DocumentSource):
        unknown = sorted(set(fields) - set(task.source.fields))
        if unknown or "text" not in fields:
            raise UserError(
                f"a document of {task.name!r} has the fields {', '.join(task.source.fields)}, and "
                f"needs 'text'; this one has {', '.join(sorted(fields))}."
            )
        fields = dict.fromkeys(task.source.fields, "") | fields
    return fields


def _stored(
    name: str, text: bytes | None, tokens: list[int], vocabulary: Vocabulary
) -> KeptDocument:
    if tokens and tokens[-1] == vocabulary.eos_id:
        tokens = tokens[:-1]
    if text is None:
        return KeptDocument(vocabulary.decode(tokens), (*tokens, vocabulary.eos_id))
    written = text.decode("utf-8", "replace")
    expected = vocabulary.encode([written])[0].tolist()
    common = (Counter(tokens) & Counter(expected)).total()
    if tokens and (max(tokens) >= vocabulary.size or 2 * common < min(len(tokens), len(expected))):
        raise UserError(
            f"the tokens of corpus {name!r} are not the study's vocabulary's: one of its "
            "preprocessors has a vocabulary of its own; let it use that of `output_features`."
        )
    if len(tokens) < len(expected) and tokens == expected[: len(tokens)]:
        raise UserError(
            f"corpus {name!r} cuts a document of {len(expected)} tokens to {len(tokens)}: leave "
            "out the preprocessor that does it; a token store keeps whole documents."
        )
    return KeptDocument(written, (*tokens, vocabulary.eos_id))


def _is_repeated(name: str, one: KeptDocument, kept: Sequence[KeptDocument]) -> bool:
    for other in kept:
        if other.text == one.text:
            if other.tokens != one.tokens:
                raise UserError(
                    f"corpus {name!r} yields documents with the same text and different tokens: a "
                    "preprocessor after tokenize cuts or changes them; let it work on the text, "
                    "before."
                )
            return True
    return False


def _drop(task: seqio.Task, step: str, element: Any) -> Drop:
    """What the filter says of the document, if it saw it as it was given."""
    for preprocessor in task.preprocessors:
        if isinstance(preprocessor, Filter) and preprocessor.name == step:
            return preprocessor.drop(Document.of(element)) or Drop(step)
    return Drop(step)


@functools.cache
def small_vocabulary() -> Vocabulary:
    """Byte pairs with EOS, as a study's vocabulary: for checks."""
    folder = tempfile.TemporaryDirectory(prefix="code-ablate-")
    path = Path(folder.name) / "small.model"
    path.write_bytes(train_model([_SAMPLE] * 20, 320))
    _alive.append(folder)
    return load_vocabulary(path)


_alive: list[tempfile.TemporaryDirectory] = []
"""Folders that are removed when the process ends."""
