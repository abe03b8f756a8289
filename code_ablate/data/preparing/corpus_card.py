"""A corpus in a few lines of Markdown: how much, of what, what left it and why, three documents.

    print(corpus_card(store, source, vocabulary))

Figures of what came and went are the manifest's; languages and licences are counted in the source
as it is now. Documents are named, and not quoted.
"""

from collections import Counter
from collections.abc import Mapping

from code_ablate.data.manifest import SPLITS, Manifest
from code_ablate.data.preparing.contamination import CONTAMINATED
from code_ablate.data.preparing.exact_duplicates import DUPLICATE, IN_VALIDATION
from code_ablate.data.preparing.near_duplicates import (
    IN_EARLIER_CORPUS,
    NEAR_DUPLICATE,
    NEAR_VALIDATION,
)
from code_ablate.data.sources.base import DocumentSource, to_utf8
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.shown import one_line

_EXAMPLES = 3
_TRIED = 200
_NAMED = 8
_UNKNOWN = "none named"
_COPIES = {
    DUPLICATE: "equal to another",
    NEAR_DUPLICATE: "near-duplicates",
    IN_EARLIER_CORPUS: "near-duplicates of another corpus",
    IN_VALIDATION: "equal to a validation document",
    NEAR_VALIDATION: "near a validation document",
}


def corpus_card(store: TokenStore, source: DocumentSource, vocabulary: Vocabulary) -> str:
    """The card of a corpus, whose documents come from `source`."""
    manifest = store.manifest
    texts = _first_texts(store, vocabulary)
    found = _Found(source, set(texts))
    examples = [found.names[text] for text in texts if text in found.names][:_EXAMPLES]
    rows = {
        "source": f"{_amount(manifest.read)}; {_shares(found.languages, manifest.read['bytes'])}",
        "licences": _shares(found.licences, manifest.read["bytes"]) if found.licences else "",
        "store": _stored(manifest),
        "dropped by filters": _by_filters(manifest),
        "copies": _copies(manifest),
        "contamination": _contamination(manifest),
        "documents": "<br>".join(examples),
    }
    lines = [f"| {name} | {one_line(text)} |" for name, text in rows.items() if text]
    return "\n".join([f"### {manifest.corpus}", "", "| | |", "|---|---|", *lines])


def _first_texts(store: TokenStore, vocabulary: Vocabulary) -> list[bytes]:
    """The first training documents in the order of the store, which a seed draws."""
    count = min(_TRIED, store.num_documents("train"))
    return [vocabulary.decode(store.read_document(i)).encode() for i in range(count)]


class _Found:
    """What one pass over the source tells of its documents."""

    def __init__(self, source: DocumentSource, wanted: set[bytes]):
        """`wanted`: texts of documents of which some are to be named."""
        self.languages: Counter[str] = Counter()
        self.licences: Counter[str] = Counter()
        self.names: dict[bytes, str] = {}
        """Name of each of the wanted ones that the source has: a filter may have changed some."""
        for document in source.documents():
            text = to_utf8(document["text"])
            self.languages[document["language"] or "no language"] += len(text)
            if "licence" in source.fields:
                self.licences[document["licence"] or _UNKNOWN] += len(text)
            if text in wanted:
                self.names[text] = _name(document, len(text))


def _name(document: Mapping[str, str], size: int) -> str:
    """Where a document comes from, and how long it is."""
    package = " ".join(document[key] for key in ("package", "version") if document.get(key))
    where = f"{package}: `{document['path']}`" if package else f"`{document['path']}`"
    return f"{where}, {size:,} bytes, {len(document['text'].split()):,} words"


def _amount(entry: Mapping[str, int]) -> str:
    return f"{entry['documents']:,} documents, {entry['bytes'] / 1e6:,.2f} MB"


def _shares(sizes: Mapping[str, int], total: int) -> str:
    """The largest parts of the bytes, in percent."""
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {100 * size / max(total, 1):.1f} %" for name, size in ordered[:_NAMED]]
    if rest := ordered[_NAMED:]:
        share = 100 * sum(size for _, size in rest) / max(total, 1)
        shown.append(f"{len(rest)} others {share:.1f} %")
    return ", ".join(shown)


def _stored(manifest: Manifest) -> str:
    splits = [manifest.splits[split] for split in SPLITS]
    total = {key: sum(split[key] for split in splits) for key in ("documents", "bytes", "tokens")}
    held_out = manifest.splits["validation"]["documents"]
    return (
        f"{_amount(total)}, {total['tokens']:,} tokens of a vocabulary of "
        f"{manifest.vocabulary['size']:,}; {held_out:,} documents are for validation"
    )


def _by_filters(manifest: Manifest) -> str:
    went = [
        f"`{name}` {entry['documents']:,} ({entry['bytes'] / 1e6:,.2f} MB)"
        for name, entry in manifest.dropped.items()
        if entry["documents"] and name not in (*_COPIES, CONTAMINATED)
    ]
    return ", ".join(went) or "none"


def _copies(manifest: Manifest) -> str:
    went = [
        f"{manifest.dropped[reason]['documents']:,} {words}"
        for reason, words in _COPIES.items()
        if manifest.dropped.get(reason, {}).get("documents")
    ]
    clusters = manifest.near_duplicates
    if clusters:
        largest = max((one["documents"] for one in clusters["largest"]), default=0)
        went.append(
            f"clusters of near-duplicates: {clusters['clusters']:,}"
            + (f", the largest of {largest:,}" if largest else "")
        )
    return "; ".join(went) or "not looked for"


def _contamination(manifest: Manifest) -> str:
    found = manifest.contamination
    if not found:
        return "not looked for"
    text = f"{found['tasks_searched']:,} evaluation tasks were looked for"
    if found["tasks_missing"]:
        text += f" ({len(found['tasks_missing'])} without rows on the machine)"
    if not found["by_task"]:
        return f"{text}: no document holds an item"
    items = ", ".join(f"{task} {n['items']:,}" for task, n in found["by_task"].items())
    return f"{text}: {found['documents']:,} documents held items ({items}) and were removed"
