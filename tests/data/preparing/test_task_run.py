"""Errors of sources and preprocessors arrive as they were raised; bad rows are counted."""

import dataclasses
import json

import pytest
import seqio
import tensorflow as tf

from code_ablate.data.filters.base import Filter
from code_ablate.data.preparing.account import Account
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.preparing.store_text import describe_store
from code_ablate.data.preparing.task_fingerprint import source_digest
from code_ablate.data.preparing.task_run import TaskRun, find_task
from code_ablate.data.round_trip import RoundTrip
from code_ablate.data.sources import bad_rows, documents
from code_ablate.data.sources.base import DocumentSource, Together
from code_ablate.data.sources.files import Files
from code_ablate.errors import Failed, UserError
from tests.data.preparing.corpora import HERE, TOKENIZE, one, stored

NAME = "task_run.corpus"


@pytest.fixture
def register():
    def add(source, preprocessors=TOKENIZE):
        if NAME in seqio.TaskRegistry.names():
            seqio.TaskRegistry.remove(NAME)
        seqio.TaskRegistry.add(
            NAME,
            source=source,
            preprocessors=list(preprocessors),
            output_features=documents.FEATURES,
        )
        return NAME

    yield add
    if NAME in seqio.TaskRegistry.names():
        seqio.TaskRegistry.remove(NAME)


def _run(name):
    run = TaskRun(find_task(name), seqio.ByteVocabulary())
    return run, [document.text.decode() for document in run]


class Fails(DocumentSource):
    """Gives some documents, and then an error."""

    def __init__(self, error, after=100):
        super().__init__()
        self.error, self.after = error, after

    def units(self):
        return ["one"]

    def read(self, unit):
        for i in range(self.after):
            yield dict.fromkeys(documents.DOCUMENT_FIELDS, f"{i}")
        raise self.error

    def describe(self):
        return ["fails"]


@pytest.mark.parametrize("after", [0, 1, 100])
@pytest.mark.parametrize("kind", [UserError, Failed])
def test_an_error_of_a_source_is_raised_as_it_is(register, after, kind, capfd):
    error = kind("row 3 of a.jsonl is wrong:\ncorrect it")
    with pytest.raises(kind) as caught:
        _run(register(Fails(error, after)))
    assert caught.value is error
    assert "Traceback" not in capfd.readouterr().err


def test_a_fault_in_a_source_names_the_corpus_and_keeps_its_cause(register):
    error = ZeroDivisionError("division by zero")
    with pytest.raises(Failed, match=r"source of corpus 'task_run\.corpus' failed") as caught:
        _run(register(Fails(error)))
    assert caught.value.__cause__ is error


def test_an_error_is_not_lost_in_a_dataset_that_repeats(register):
    with pytest.raises(UserError, match="wrong"):
        _run(register(Fails(UserError("wrong")), [lambda dataset: dataset.repeat(1000), *TOKENIZE]))


@dataclasses.dataclass(frozen=True)
class Refuses(Filter):
    name = "refuses"

    def measure(self, document):
        raise UserError("this filter needs\nanother source")


def test_errors_for_the_user_in_functions_of_others(register):
    with pytest.raises(UserError) as caught:
        _run(register(Fails(UserError("not reached"), 1000), [Refuses(), *TOKENIZE]))
    assert str(caught.value) == "this filter needs\nanother source"

    def dataset(split, shuffle_files):
        def rows():
            yield {"text": "a"}
            raise UserError("a row is wrong: correct it")

        return tf.data.Dataset.from_generator(
            rows, output_signature={"text": tf.TensorSpec([], tf.string)}
        )

    with pytest.raises(UserError) as caught:
        _run(register(seqio.FunctionDataSource(dataset, splits=("train",))))
    assert str(caught.value) == "a row is wrong: correct it"


def test_a_fault_in_a_preprocessor_shows_the_users_lines_alone(register):
    def divides(number):
        return int(number) // 0

    def divided(dataset):
        return dataset.map(lambda d: d | {"n": tf.numpy_function(divides, [1], tf.int64)})

    with pytest.raises(Failed) as caught:
        _run(register(Fails(UserError("not reached"), 1000), [divided, *TOKENIZE]))
    message = str(caught.value)
    assert "a preprocessor, or the source, of 'task_run.corpus' failed: " in message
    assert "return int(number) // 0" in message and "ZeroDivisionError" in message
    assert "/tensorflow/" not in message and "{{" not in message
    assert len(message.splitlines()) < 12


def _returns_none(dataset):
    dataset.map(lambda document: document)


def _fails(dataset):
    raise KeyError("mine")


def _fails_in_a_map(dataset):
    return dataset.map(lambda document: document["nothing"])


@pytest.mark.parametrize(
    "step, said",
    [
        (_returns_none, "'_returns_none' of corpus 'task_run.corpus' returns None: let it return"),
        (lambda dataset: [1], r"'<lambda>' .* returns \[1\]"),
        (_fails, r"'_fails' .* fails: KeyError: 'mine' \(.*test_task_run.py:\d+\)\."),
        (
            _fails_in_a_map,
            r"'_fails_in_a_map' .* KeyError: 'nothing' \(.*test_task_run.py:\d+\)\.",
        ),
        (lambda dataset, other: dataset, "fails: TypeError: .*missing 1 required"),
        (3, "'int' of .* cannot be called .* takes a tf.data.Dataset and returns one"),
        (lambda dataset: dataset.repeat(), "returns a dataset without end"),
    ],
)
def test_a_preprocessor_that_cannot_be_built_is_named(register, step, said):
    with pytest.raises(UserError, match=said) as caught:
        _run(register(Fails(UserError("not reached"), 1000), [step, *TOKENIZE]))
    assert "\n" not in str(caught.value)


def _no_rows(split, shuffle_files):
    return None


def _no_disk(split, shuffle_files):
    raise OSError("no disk")


@pytest.mark.parametrize(
    "source, said",
    [
        (seqio.FunctionDataSource(_no_rows, splits=("train",)), "returns None"),
        (
            seqio.FunctionDataSource(_no_disk, splits=("train",)),
            r"cannot be read: OSError: no disk \(.*test_task_run.py:\d+\)\.",
        ),
        (seqio.TextLineDataSource({"train": "/no/such.txt"}), r"cannot be read.*/no/such\.txt"),
        (seqio.TfdsDataSource("no_such_set:1.0.0"), "cannot be read: .*no_such_set"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_message(register, source, said):
    with pytest.raises(UserError, match=said) as caught:
        name = register(source)
        source_digest(source)
        _run(name)
    assert "\n" not in str(caught.value)


def test_a_dataset_without_end_may_be_cut_by_a_later_step(register):
    source = Fails(UserError("not reached"), 1000)
    steps = [lambda dataset: dataset.repeat(), lambda dataset: dataset.take(7), *TOKENIZE]
    assert len(_run(register(source, steps))[1]) == 7


def test_files_of_tensorflow_that_are_gone_or_cut(register, tmp_path):
    path = tmp_path / "a.tfrecord"

    def dataset(split, shuffle_files):
        return tf.data.TFRecordDataset(str(path)).map(lambda text: {"text": text})

    register(seqio.FunctionDataSource(dataset, splits=("train",)))
    with pytest.raises(UserError, match=r"source of corpus .* cannot be read \(.*a\.tfrecord"):
        _run(NAME)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for _ in range(9):
            writer.write(b"x" * 100)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"cannot be read \(truncated record at"):
        _run(NAME)
    read = seqio.FileDataSource(
        lambda file: tf.data.TFRecordDataset(file).map(lambda text: {"text": text}),
        {"train": str(path)},
    )
    with pytest.raises(UserError, match=r"truncated record at .*, in .*a\.tfrecord\): are its"):
        _run(register(read))


def _write(path, rows):
    path.write_text(
        "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    )


@pytest.fixture
def files(tmp_path):
    good = [{"text": f"document {i} with some words"} for i in range(120)]
    _write(tmp_path / "a.jsonl", good[:40])
    _write(tmp_path / "b.jsonl", [*good[40:80], "{not json\n", {"text": None}, {"text": 3}])
    _write(tmp_path / "c.jsonl", ["[1]\n", *good[80:], '{"text": "cut off'])
    return tmp_path, [row["text"] for row in good]


def test_preparation_stops_at_a_bad_row_with_one_message(register, files, vocabulary, tmp_path):
    register(Files(str(files[0] / "*.jsonl")))
    with pytest.raises(UserError, match=r"line 41 of .*b\.jsonl: it is not JSON") as caught:
        one(NAME, vocabulary, tmp_path / "data")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pieces", [1, 3])
def test_skipped_rows_stand_in_the_manifest(register, files, vocabulary, tmp_path, pieces):
    folder, texts = files
    register(Files(str(folder / "*.jsonl"), on_bad="skip"))
    store = one(NAME, vocabulary, tmp_path / "data", dataclasses.replace(HERE, pieces=pieces))
    assert sorted(stored(store, vocabulary) + stored(store, vocabulary, "validation")) == sorted(
        texts
    )
    manifest = store.manifest
    sizes = {
        bad_rows.NOT_JSON: (1, len("{not json\n")),
        bad_rows.TEXT_NOT_A_STRING: (2, len('{"text": null}\n{"text": 3}\n')),
        bad_rows.NOT_AN_OBJECT: (1, len("[1]\n")),
        bad_rows.CUT: (1, 0),
    }
    assert {k: (v["documents"], v["bytes"]) for k, v in manifest.dropped.items()} == sizes
    assert manifest.read["documents"] == 125
    assert set(manifest.examples) == set(sizes)
    assert "b.jsonl" in manifest.examples[bad_rows.NOT_JSON][0]
    assert len(manifest.examples[bad_rows.TEXT_NOT_A_STRING]) == 2
    text = describe_store(store)
    assert "- row_not_json" in text and "for example: line 41 of" in text


def test_a_corpus_of_bad_rows_alone_says_so(register, vocabulary, tmp_path):
    _write(tmp_path / "a.jsonl", ["{not json\n"] * 5)
    register(Files(str(tmp_path / "a.jsonl"), on_bad="skip"))
    with pytest.raises(UserError, match=r"source gave 5; left out: 5 as row_not_json"):
        one(NAME, vocabulary, tmp_path / "data")


def test_sources_together_skip_what_each_may(register, files):
    folder, texts = files
    strict, loose = Files(str(folder / "a.jsonl")), Files(str(folder / "b.jsonl"), on_bad="skip")
    run, found = _run(register(Together(strict, loose, loose)))
    assert found == [*texts[:40], *texts[40:80] * 2]
    stages = {stage.name: stage.documents for stage in run.stages() if "/" not in stage.name}
    assert stages["read"] == 126
    assert stages[bad_rows.NOT_JSON] == 124 and stages[bad_rows.TEXT_NOT_A_STRING] == 120


def test_examples_of_all_pieces_are_few(register):
    stage = dataclasses.make_dataclass(
        "S", ["name", "documents", "bytes", "is_filter", "examples", "measured"]
    )
    result = dataclasses.make_dataclass(
        "R", ["stages", "empty", "empty_bytes", "with_eos", "with_eos_bytes", "round_trip"]
    )
    stages = (
        stage("read", 3, 9, False, (), None),
        stage("bad", 0, 0, False, ("b", "a", "c"), None),
    )
    account = Account(
        [result(stages, 0, 0, 0, 0, RoundTrip()), result(stages, 0, 0, 0, 0, RoundTrip())]
    )
    assert account.fields["examples"] == {"bad": ["a", "a", "b"]}


def test_a_source_that_changes_while_it_is_prepared_makes_no_store(
    register, files, vocabulary, tmp_path
):
    folder, _ = files
    (folder / "b.jsonl").unlink()
    (folder / "c.jsonl").unlink()

    def adds_a_file(dataset):
        _write(folder / "d.jsonl", [{"text": "new"}])
        return dataset

    register(Files(str(folder / "*.jsonl")), [adds_a_file, *TOKENIZE])
    with pytest.raises(Failed, match=r"source of corpus .* changed while the corpus was prepared"):
        one(NAME, vocabulary, tmp_path / "data")
    assert one(NAME, vocabulary, tmp_path / "data", PrepareConfig(workers=1)).num_documents() > 30
