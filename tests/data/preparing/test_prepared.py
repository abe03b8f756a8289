"""Which stores are found, and why others are not."""

import dataclasses
import json
from pathlib import Path

import pytest
import seqio

from code_ablate.data.manifest import FORMAT
from code_ablate.data.preparing.prepared import explain_missing, find_stores
from code_ablate.errors import NewerFormat
from tests.data.preparing.corpora import (
    HERE,
    TOKENIZE,
    Shorter,
    one,
    register,
    texts,
)


def test_a_miss_is_explained_field_by_field(tmp_path, vocabularies):
    corpus = register(texts(30), (Shorter(100), *TOKENIZE))
    one(corpus, vocabularies[0], tmp_path)

    def explain(vocabulary=vocabularies[0], config=HERE):
        return explain_missing(corpus, vocabulary, tmp_path, config)

    assert "another vocabulary" in explain(vocabularies[1])
    assert "seed: 0 -> 3" in explain(config=dataclasses.replace(HERE, seed=3))
    seqio.TaskRegistry.remove(corpus)
    register(texts(31), (Shorter(90), *TOKENIZE), name=corpus)
    message = explain()
    assert "source has changed" in message
    assert "'bytes_over_100' is gone" in message and "'bytes_over_90' is new" in message
    assert "vocabulary" not in message and "seed" not in message


def test_a_store_of_a_newer_version_is_told_of(tmp_path, vocabulary):
    corpus = register(texts(30))
    store = one(corpus, vocabulary, tmp_path)
    manifest = Path(store.path) / "manifest.json"
    manifest.write_text(
        json.dumps({**json.loads(manifest.read_text()), "format": FORMAT + 1, "new": 1})
    )
    message = explain_missing(corpus, vocabulary, tmp_path, dataclasses.replace(HERE, seed=3))
    assert "newer code-ablate" in message and "upgrade" in message
    with pytest.raises(NewerFormat, match="upgrade"):
        find_stores((corpus,), vocabulary, tmp_path, HERE)
