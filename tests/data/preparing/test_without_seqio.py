"""What was prepared is found where SeqIO and TensorFlow are not installed."""

import dataclasses
from pathlib import Path

import pytest
import seqio

from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.preparing.vocabulary_training import make_vocabulary
from code_ablate.data.vocabulary import Vocabulary, VocabularyConfig
from tests.data.preparing.corpora import one, register, texts
from tests.test_imports import run

BLOCKED = ("seqio", "tensorflow", "tensorflow_text", "tensorflow_datasets", "t5", "sentencepiece")
CONFIG = VocabularyConfig("mine", size=330, corpora=("alone.corpus",), sample_bytes=9000)
PREPARE = PrepareConfig(workers=1, validation_fraction=0.1)

FIND = """
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.preparing.prepared import explain_missing, find_stores
from code_ablate.data.preparing.vocabulary_training import find_vocabulary
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError

data = {data!r}
config = VocabularyConfig("mine", size=330, corpora=("alone.corpus",), sample_bytes=9000)
prepare = PrepareConfig(validation_fraction=0.1)
try:
    vocabulary = find_vocabulary(config, data)
except UserError as error:
    print("error", error)
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[str, Vocabulary]:
    """A folder with a vocabulary and a store, and the vocabulary."""
    data = tmp_path_factory.mktemp("data")
    register(texts(60), name="alone.corpus")
    vocabulary = make_vocabulary(CONFIG, data, progress=False)
    one("alone.corpus", vocabulary, data, PREPARE)
    return str(data), vocabulary


def output(code: str, data: str) -> str:
    done = run(FIND.format(data=data) + code, *BLOCKED)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_the_only_one_that_fits_is_taken_and_it_is_said_that_sources_were_not_checked(prepared):
    data, vocabulary = prepared
    code = """
stores = find_stores(("alone.corpus",), vocabulary, data, prepare)
print(vocabulary)
again = find_stores(("alone.corpus",), vocabulary.digest, data, prepare)
print(stores.identities, again.identities)
print("missing:", repr(explain_missing("alone.corpus", vocabulary, data, prepare)))
try:
    vocabulary.encode(["text"])
except UserError as error:
    print(error)
"""
    said = output(code, data)
    assert str(vocabulary) in said
    identity = one("alone.corpus", vocabulary, data, PREPARE).manifest.identity
    assert said.count(identity) == 2
    assert "missing: ''" in said
    assert "vocabularies were found by their settings alone" in said
    assert "token stores were found by their settings alone" in said
    assert "cannot be read" in said and "pip install 'code-ablate[data]'" in said


def test_what_does_not_fit_is_refused_with_the_reason(prepared):
    data, _ = prepared
    code = """
for wanted in (PrepareConfig(seed=3, validation_fraction=0.1), prepare):
    for corpus in ("alone.corpus", "alone.other"):
        try:
            find_stores((corpus,), vocabulary, data, wanted)
        except UserError as error:
            print(error)
try:
    find_vocabulary(VocabularyConfig("mine", size=340, corpora=("alone.corpus",)), data)
except UserError as error:
    print(error)
"""
    said = output(code, data)
    assert "was made for these settings" in said and "seed: 0 -> 3" in said
    assert "no store of 'alone.other' was prepared" in said
    assert "size: 330 -> 340" in said and "pip install 'code-ablate[data]'" in said


def test_several_that_fit_are_named(tmp_path, prepared):
    paths, trained = [], []
    for count in (61, 60):
        seqio.TaskRegistry.remove("alone.corpus")
        register(texts(count), name="alone.corpus")
        trained.append(make_vocabulary(CONFIG, tmp_path, progress=False))
    for count in (61, 60):  # 60 last: what `prepared` is made of
        seqio.TaskRegistry.remove("alone.corpus")
        register(texts(count), name="alone.corpus")
        paths.append(one("alone.corpus", trained[0], tmp_path, PREPARE).path)
    code = f"""
try:
    find_stores(("alone.corpus",), {trained[0].digest!r}, data, prepare)
except UserError as error:
    print(error)
"""
    said = output(code, str(tmp_path))
    assert "2 vocabularies 'mine'" in said and "2 stores of 'alone.corpus'" in said
    for path in (*paths, *(vocabulary.path for vocabulary in trained)):
        assert path in said


def test_a_vocabulary_without_a_record_gets_one_when_it_is_made_again(prepared):
    data, vocabulary = prepared
    record = Path(vocabulary.path).with_suffix(".json")
    written = record.read_text()
    record.unlink()
    assert "has no record of what it was made of" in output("", data)
    record.write_text(written.replace(vocabulary.digest, "0" * 64))
    assert "has no record of what it was made of" in output("", data)
    assert make_vocabulary(CONFIG, data, progress=False) == vocabulary
    assert record.read_text() == written


def test_a_file_of_the_users_own_is_known_from_the_stores_made_with_it(prepared):
    data, vocabulary = prepared
    own = Path(data) / "own.model"
    own.write_bytes(Path(vocabulary.path).read_bytes())
    said = output(f"print(find_vocabulary(VocabularyConfig({str(own)!r}, size=0), data))", data)
    assert str(dataclasses.replace(vocabulary, name=str(own), path=str(own))) in said


def test_a_mixture_by_name_says_what_to_install(prepared):
    code = """
from code_ablate.data.registry import resolve_mixture
print(resolve_mixture({"a": 3, "b": 1}))
try:
    resolve_mixture("demo.code")
except UserError as error:
    print(error)
"""
    said = output(code, prepared[0])
    assert "75% a + 25% b" in said
    assert "pip install 'code-ablate[data]', or write the mixture as {corpus: rate}" in said
