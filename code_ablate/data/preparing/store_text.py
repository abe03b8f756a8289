"""Token stores made readable: what they hold, their documents, their windows.

print(describe_store(store))
print(show_documents(store, vocabulary, 3))
print(show_windows(store, vocabulary, seq_len=256, indices=(0, 1)))

Control characters of documents and names are written out, so that a terminal does not obey them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from code_ablate.data.store import SPLITS, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.shown import one_line, shown

EOS = "<EOS>"
_MAX_CHARACTERS = 2000


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
    return "\n".join(lines)


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
        parts.append(f"--- {head}\n{_with_boundaries(window_T, vocabulary)}")
    return "\n".join(parts)


def _with_boundaries(tokens_T: Int[np.ndarray, " T"], vocabulary: Vocabulary) -> str:
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
