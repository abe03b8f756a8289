"""Which documents are split off for validation."""

import dataclasses
import re

import pytest
import seqio

from code_ablate.data.controls.base import Control
from code_ablate.data.preparing.signatures import split_bound, split_word
from code_ablate.data.sources.base import DocumentSource
from tests.data.preparing.corpora import (
    FEATURES,
    HERE,
    TOKENIZE,
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


def without_numbers(text):
    return re.sub(r" ?\d", "", text)


@dataclasses.dataclass(frozen=True)
class Capitals(Control):
    """Documents in capital letters."""

    name = "capitals"

    def text_of(self, document):
        return document.text.upper()


@dataclasses.dataclass(frozen=True)
class WithoutNumbers(Control):
    """Documents without digits, of which many become equal."""

    name = "without_numbers"

    def text_of(self, document):
        return without_numbers(document.text)


class Listed(DocumentSource):
    """Documents of a list, filtered before TensorFlow sees them."""

    def __init__(self, given):
        super().__init__()
        self.given = given

    def units(self):
        return self.given

    def read(self, unit):
        yield {"text": unit, "path": unit[:20], "language": "", "source": "test"}

    def describe(self):
        return self.given


def listed(documents, preprocessors, name):
    seqio.TaskRegistry.add(
        name, source=Listed(documents), preprocessors=preprocessors, output_features=FEATURES
    )
    return name


def splits(corpus, vocabulary, folder):
    store = one(corpus, vocabulary, folder)
    return [set(stored(store, vocabulary, split)) for split in ("train", "validation")]


@pytest.mark.parametrize("way", ["before TensorFlow", "within it"])
def test_a_control_holds_out_what_its_corpus_does(tmp_path, vocabulary, way):
    given, made = texts(200), {}
    for control in (None, Capitals(), WithoutNumbers()):
        steps = [*([control] if control else []), *TOKENIZE]
        name = f"extracted.{way.replace(' ', '_')}_{control.name if control else 'plain'}"
        if way == "within it":
            corpus = register(given, steps, name=name)
        else:
            corpus = listed(given, steps, name)
        made[control and control.name] = splits(corpus, vocabulary, tmp_path)
    train, validation = made[None]
    assert len(validation) > 5
    assert made["capitals"] == [{t.upper() for t in train}, {t.upper() for t in validation}]
    # Of documents that have become equal all are held out if one is.
    bare = set(map(without_numbers, validation))
    assert made["without_numbers"][1] == bare
    assert not bare & made["without_numbers"][0]


@pytest.mark.parametrize("way", ["before TensorFlow", "within it"])
def test_a_held_out_document_stays_so_where_another_becomes_its_equal(tmp_path, vocabulary, way):
    bound = split_bound(HERE.validation_fraction)
    words = (f"{'bees ' * count}in the hive" for count in range(1, 400))
    bare = [text for text in words if split_word(text.encode()) < bound][:5]
    numbered = [f"{text} 7" for text in bare if split_word(f"{text} 7".encode()) >= bound]
    assert len(numbered) > 2
    # With numbers first and without them first.
    given = [*numbered[:1], *bare, *numbered[1:], *texts(20)]
    register_it = register if way == "within it" else listed
    name = f"extracted.equals_{way.replace(' ', '_')}"
    corpus = register_it(given, [WithoutNumbers(), *TOKENIZE], name=name)
    train, validation = splits(corpus, vocabulary, tmp_path)
    assert {without_numbers(text) for text in numbered} <= set(bare)
    assert set(bare) <= validation and not set(bare) & train
