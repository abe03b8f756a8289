"""Cards of corpora: the figures of store and source; documents are named, not quoted."""

import dataclasses
import json

import pytest
import seqio

from code_ablate.data import filters
from code_ablate.data.preparing.corpus_card import corpus_card
from code_ablate.data.preparing.near_duplicates import Deduplication
from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from tests.data.preparing.corpora import HERE, one
from tests.data.preparing.test_near_duplicates import sentence


@pytest.fixture
def corpus(tmp_path):
    """(name, source) of documents with languages, licences and packages."""
    near = [sentence("near"), sentence("near", changed=1)]
    texts = [*(sentence(f"own{i}") for i in range(6)), *near, "short"]
    rows = [
        {
            "text": text,
            "path": f"src/{number}.py",
            "language": "python" if number % 3 else "c",
            "licence": ["MIT", "BSD-3-Clause"][number % 2] if number else "",
            "package": "bees",
            "version": "1.2",
        }
        for number, text in enumerate(texts)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    metadata = {name: name for name in ("licence", "package", "version")}
    source = Files(file, path_field="path", language_field="language", metadata=metadata)
    seqio.TaskRegistry.add(
        "card.corpus",
        source=source,
        preprocessors=[filters.Length(100), *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )
    yield "card.corpus", source, rows
    seqio.TaskRegistry.remove("card.corpus")


def test_a_card_has_the_figures_of_store_and_source(corpus, tmp_path, vocabulary):
    name, source, rows = corpus
    config = dataclasses.replace(HERE, near_duplicates=Deduplication(ngram=2))
    store = one(name, vocabulary, tmp_path, config)
    card = corpus_card(store, source, vocabulary)
    lines = dict(line.strip("| ").split(" | ", 1) for line in card.splitlines()[4:])
    total = sum(len(row["text"]) for row in rows)
    of_c = sum(len(row["text"]) for row in rows if row["language"] == "c")
    assert card.startswith("### card.corpus\n\n| | |\n|---|---|\n")
    assert (
        f"python {100 - 100 * of_c / total:.1f} %, c {100 * of_c / total:.1f} %" in lines["source"]
    )
    assert lines["source"].startswith("9 documents, 0.00 MB")
    unnamed = 100 * len(rows[0]["text"]) / total
    assert "MIT " in lines["licences"] and f"none named {unnamed:.1f} %" in lines["licences"]
    stored = store.manifest.splits
    assert f"{sum(s['tokens'] for s in stored.values()):,} tokens" in lines["store"]
    assert lines["store"].startswith("7 documents")
    assert lines["dropped by filters"].startswith("`length_under_100` 1 (")
    assert "1 near-duplicates; clusters of near-duplicates: 1, the largest of 2" in lines["copies"]
    assert lines["contamination"] == "not looked for"
    named = lines["documents"].split("<br>")
    assert len(named) == 3 and len(set(named)) == 3
    for one_of_them in named:
        assert one_of_them.startswith("bees 1.2: `src/")
        assert "40 words" in one_of_them
    assert not any(row["text"][:20] in card for row in rows)
