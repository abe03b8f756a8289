"""Which documents are split off for validation."""

import dataclasses

from tests.data.preparing.corpora import (
    HERE,
    one,
    register,
    stored,
    texts,
)


def test_validation_is_stable_when_documents_are_added(tmp_path, vocabulary):
    def split(documents, config=HERE):
        store = one(register(documents), vocabulary, tmp_path, config)
        train, validation = (set(stored(store, vocabulary, s)) for s in ("train", "validation"))
        assert not train & validation
        return train, validation

    train, validation = split(texts(150))
    larger_train, larger_validation = split(texts(300)[::-1])
    assert validation <= larger_validation and train <= larger_train
    # Nor does it hang on the seed of the order, and a larger fraction takes more.
    assert split(texts(150), dataclasses.replace(HERE, seed=5))[1] == validation
    assert validation < split(texts(150), dataclasses.replace(HERE, validation_fraction=0.3))[1]
    assert split(texts(150), dataclasses.replace(HERE, validation_fraction=0.0))[1] == set()
