"""Token stores made readable: what they hold, their documents, their windows.

print(describe_store(store))
print(show_documents(store, vocabulary, 3))
print(show_windows(store, vocabulary, seq_len=256, indices=(0, 1)))

Control characters of documents and names are written out, so that a terminal does not obey them.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Int

from code_ablate.data.manifest import SPLITS, Manifest
from code_ablate.data.preparing.contamination_record import FILE
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.shown import one_line, shown

EOS = "<EOS>"
_MAX_CHARACTERS = 2000
_SHOWN_CLUSTERS = 3


def describe_store(store: TokenStore) -> str:
    """The manifest as a table: what came, what went and why, what is there."""
    manifest = store.manifest
    vocabulary = manifest.vocabulary
    lines = [
        f"{manifest.corpus}   {store.path}",
        f"identity {manifest.identity[:16]}   prepared {manifest.created}   seed {manifest.seed}",
        f"vocabulary {vocabulary['name']}, {vocabulary['size']:,} entries, "
        f"sha256 {vocabulary['digest'][:16]}",
        *_returned(store),
        "",
        f"{'':36} {'documents':>12} {'bytes':>16} {'tokens':>15} {'bytes/token':>12}",
        _row("read from the source", manifest.read),
    ]
    lines += [_row(f"  + {name}", entry) for name, entry in manifest.added.items()]
    lines += [_row(f"  - {reason}", entry) for reason, entry in manifest.dropped.items()]
    lines += [_row(split, manifest.splits[split]) for split in SPLITS]
    if manifest.skipped:
        skipped = ", ".join(f"{count:,} {reason}" for reason, count in manifest.skipped.items())
        lines.append(f"files the source found and did not read: {one_line(skipped)}")
    lines += [f"for example: {one_line(messages[0])}" for messages in manifest.examples.values()]
    lines += [*_describe_clusters(manifest), *_describe_contamination(manifest)]
    return "\n".join(lines)


def _describe_clusters(manifest: Manifest) -> Iterator[str]:
    """Clusters of near-duplicates: how many, their sizes, the largest ones."""
    found = manifest.near_duplicates
    if not found:
        return
    sizes = ", ".join(f"{count:,} of {size}" for size, count in found["sizes"].items())
    yield (
        f"clusters of near-duplicates: {found['clusters']:,} with {found['documents']:,} documents"
        + (f" ({sizes})" if sizes else "")
    )
    for cluster in found["largest"][:_SHOWN_CLUSTERS]:
        counts = ", ".join(f"{n:,} in {corpus}" for corpus, n in cluster["by_corpus"].items())
        yield f"  {cluster['documents']:,} documents ({counts}), the first of which stays:"
        yield from (f"    {one_line(_named(*one))}" for one in cluster["first"])


def _named(corpus: str, name: str, line: str) -> str:
    return f"{name or corpus}: {line}"


def _describe_contamination(manifest: Manifest) -> Iterator[str]:
    """Evaluation tasks that were looked for, and what was found."""
    found = manifest.contamination
    if not found:
        return
    searched = f"{found['tasks_searched']:,} evaluation tasks"
    if found["tasks_missing"]:
        searched += f" ({', '.join(found['tasks_missing'])}: rows not on the machine)"
    if not found["by_task"]:
        yield f"items of {searched} were looked for, and none was found"
        return
    yield f"items of {searched} were looked for; {FILE} lists the documents that held one:"
    for task, counts in found["by_task"].items():
        yield f"  {task}: {counts['items']:,} items in {counts['documents']:,} documents"


def _returned(store: TokenStore) -> list[str]:
    """A line that says which share of the text comes back from the tokens."""
    share, measured = store.manifest.returned_share, store.manifest.returned
    if share is None:
        return []
    lost = [f"{character!r} {n:,} times" for character, n in measured["lost"].items()]
    most = f"; lost above all: {one_line(', '.join(lost))}" if lost else ""
    documents = f"{measured['documents']:,} documents were tried"
    return [f"{share:.4%} of the text comes back from the tokens ({documents}{most})"]


def show_documents(store: TokenStore, vocabulary: Vocabulary, n: int, split: str = "train") -> str:
    """The first `n` documents in the order of the store, each cut after 2,000 characters here."""
    sizes = store.document_bytes(split)
    parts = []
    for index in range(min(n, store.num_documents(split))):
        tokens_T = store.read_document(index, split)
        text = vocabulary.decode(tokens_T)
        if len(text) > _MAX_CHARACTERS:
            text = f"{text[:_MAX_CHARACTERS]} [... {len(text) - _MAX_CHARACTERS:,} characters more]"
        head = f"document {index} ({split}): {len(tokens_T):,} tokens, {sizes[index]:,} bytes"
        parts.append(f"--- {head}\n{shown(text)}{EOS}")
    return "\n".join(parts)


def show_windows(
    store: TokenStore,
    vocabulary: Vocabulary,
    seq_len: int,
    indices: Sequence[int],
    split: str = "train",
) -> str:
    """Windows as they are trained on; `<EOS>` and a line end stand where a document ends.

    A character whose bytes fall into two windows shows as U+FFFD in both.
    """
    windows_NxT = store.read_windows(np.asarray(indices, np.int64), seq_len, split)
    parts = []
    for index, window_T in zip(indices, windows_NxT, strict=True):
        ends = int((window_T == vocabulary.eos_id).sum())
        head = f"window {index} ({split}): {len(window_T):,} tokens, {ends} document ends"
        parts.append(f"--- {head}\n{text_of_window(window_T, vocabulary)}")
    return "\n".join(parts)


def text_of_window(tokens_T: Int[np.ndarray, " T"], vocabulary: Vocabulary) -> str:
    """The text of a window, control characters written out, `<EOS>` where a document ends."""
    pieces = np.split(tokens_T, np.flatnonzero(tokens_T == vocabulary.eos_id) + 1)
    return "".join(
        shown(vocabulary.decode(piece)) + (f"{EOS}\n" if piece[-1] == vocabulary.eos_id else "")
        for piece in pieces
        if len(piece)
    )


def _row(label: str, entry: Mapping[str, int]) -> str:
    row = f"{one_line(label):<36} {entry['documents']:>12,} {entry['bytes']:>16,}"
    if entry.get("tokens"):
        row += f" {entry['tokens']:>15,} {entry['bytes'] / entry['tokens']:>12.2f}"
    return row
