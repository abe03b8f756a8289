"""What the inspection shows."""

import dataclasses

import numpy as np
import pytest

from code_ablate.data.preparing.store_text import describe_store, show_documents, show_windows
from code_ablate.data.store import TokenStore
from code_ablate.errors import UserError
from tests.data.preparing.corpora import (
    TOKENIZE,
    Shorter,
    one,
    register,
    stored,
    texts,
)


def test_inspection_shows_what_is_trained_on(tmp_path, vocabulary):
    documents = [*texts(60), texts(1)[0]]
    store = one(register(documents, (Shorter(150), *TOKENIZE)), vocabulary, tmp_path)
    table = describe_store(store)
    dropped = store.manifest.dropped["bytes_over_150"]
    assert f"bytes_over_150 {dropped['documents']}" in " ".join(table.split())
    assert f"{store.num_tokens():,}" in table and "exact_duplicate" in table
    assert stored(store, vocabulary)[0] in show_documents(store, vocabulary, 2)
    shown = show_windows(store, vocabulary, 40, (0, 1))
    ids = store.read_windows([0, 1], 40)
    assert shown.count("<EOS>") == int((ids == vocabulary.eos_id).sum()) > 0
    for row in ids:
        for part in np.split(row, np.flatnonzero(row == vocabulary.eos_id)):
            assert vocabulary.decode(part) in shown
    with pytest.raises(UserError, match="lower seq_len"):
        show_windows(store, vocabulary, 10**7, (0,))


def test_documents_do_not_control_the_terminal(tmp_path, vocabulary):
    documents = [f"title \x1b]0;{i}\x07 and {text}" for i, text in enumerate(texts(20))]
    store = one(register(documents), vocabulary, tmp_path)
    shown = show_documents(store, vocabulary, 3) + show_windows(store, vocabulary, 40, (0, 1, 2))
    assert r"\x1b]0;" in shown and r"\x07" in shown
    assert "\x1b" not in shown and "\x07" not in shown


def test_clusters_and_leaks_are_shown(tmp_path, vocabulary):
    """As they stand in a manifest; names may hold anything."""
    store = one(register(texts(20)), vocabulary, tmp_path)
    first = [["c", "page \x1b1", "A title"], ["other", "", "Another"]]
    cluster = {"documents": 3, "by_corpus": {"c": 2, "other": 1}, "first": first}
    near = {"clusters": 1, "documents": 3, "sizes": {"3": 1}, "largest": [cluster]}
    leaks = {
        "tasks_searched": 2,
        "tasks_missing": ["quac"],
        "by_task": {"mbpp": {"documents": 4, "items": 5}},
    }
    changed = dataclasses.replace(store.manifest, near_duplicates=near, contamination=leaks)
    shown = describe_store(TokenStore(store.path, changed, {}))
    assert "clusters of near-duplicates: 1 with 3 documents (1 of 3)" in shown
    assert "2 in c, 1 in other" in shown and "other: Another" in shown
    assert r"page \x1b1: A title" in shown and "\x1b" not in shown
    assert "2 evaluation tasks (quac: rows not on the machine)" in shown
    assert "mbpp: 5 items in 4 documents" in shown
    none = dataclasses.replace(changed, contamination={**leaks, "by_task": {}})
    assert "none was found" in describe_store(TokenStore(store.path, none, {}))
