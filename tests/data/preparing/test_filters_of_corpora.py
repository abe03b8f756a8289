"""Filters of a corpus while it is prepared: what they drop, measure and show."""

import dataclasses
import json

import pytest
import seqio

from code_ablate.data import filters
from code_ablate.data.filters import Without
from code_ablate.data.filters.tally import FilterRecord
from code_ablate.data.funnel import funnel
from code_ablate.data.preparing.filter_text import describe_filters
from code_ablate.data.preparing.task_run import TaskRun, find_task
from code_ablate.data.sources import documents
from code_ablate.data.sources.base import DocumentSource
from code_ablate.data.sources.files import Files
from code_ablate.errors import Failed, UserError
from tests.data.filters.made_documents import documents as made_documents
from tests.data.preparing.corpora import HERE, one, stored

NAME = "filtered.corpus"
STEPS = (filters.RedactSecrets(), *filters.MARKUP)


@pytest.fixture
def register():
    def add(source, steps):
        if NAME in seqio.TaskRegistry.names():
            seqio.TaskRegistry.remove(NAME)
        seqio.TaskRegistry.add(
            NAME,
            source=source,
            preprocessors=[*steps, *documents.TOKENIZE],
            output_features=documents.FEATURES,
        )
        return NAME

    yield add
    if NAME in seqio.TaskRegistry.names():
        seqio.TaskRegistry.remove(NAME)


@pytest.fixture
def files(tmp_path):
    rows = [
        {"text": f"ask a{i}@hive.io\n{text}" if i % 9 == 0 else text, "language": language}
        for i, (text, language) in enumerate(made_documents(400, seed=5))
    ]
    for part in range(6):
        lines = [json.dumps(row) + "\n" for row in rows[part::6]]
        (tmp_path / f"{part}.jsonl").write_text("".join(lines))
    return Files(str(tmp_path / "*.jsonl"))


def everything(store, vocabulary):
    return sorted(stored(store, vocabulary) + stored(store, vocabulary, "validation"))


def behind_another_step(dataset):
    """A preprocessor of somebody else, so that the filters run within TensorFlow."""
    return dataset.map(lambda document: document)


def test_the_same_whatever_the_pieces_and_wherever_the_filters_run(
    register, files, tmp_path, vocabulary
):
    register(files, STEPS)
    whole = one(NAME, vocabulary, tmp_path / "1", dataclasses.replace(HERE, pieces=1))
    cut = one(NAME, vocabulary, tmp_path / "2", dataclasses.replace(HERE, pieces=6))
    register(files, (behind_another_step, *STEPS))
    within = one(NAME, vocabulary, tmp_path / "3", dataclasses.replace(HERE, pieces=4))
    assert whole.manifest.identity == cut.manifest.identity == within.manifest.identity
    assert whole.manifest.filters == cut.manifest.filters == within.manifest.filters
    assert whole.manifest.dropped == cut.manifest.dropped
    plain = dataclasses.replace(whole.manifest)
    assert json.loads(plain.to_json())["filters"] == whole.manifest.filters


def test_what_seqio_yields_is_what_is_stored(register, files, tmp_path, vocabulary):
    register(files, STEPS)
    store = one(NAME, vocabulary, tmp_path, dataclasses.replace(HERE, deduplicate=False))
    dataset = seqio.get_mixture_or_task(NAME).get_dataset(None, "train", shuffle=False)
    texts = sorted(d["targets_pretokenized"].decode() for d in dataset.as_numpy_iterator())
    assert [text for text in texts if text] == everything(store, vocabulary)


def test_the_manifest_says_what_each_filter_saw_and_dropped(register, files, tmp_path, vocabulary):
    register(files, STEPS)
    manifest = one(NAME, vocabulary, tmp_path).manifest
    assert list(manifest.filters) == [step.name for step in STEPS]
    left = manifest.read["documents"]
    for step in STEPS:
        record = FilterRecord.of(manifest.filters[step.name])
        assert record.seen + record.passed_by == left
        if isinstance(step, filters.Filter):
            assert record.dropped == manifest.dropped[step.name]["documents"]
            assert record.dropped_bytes == manifest.dropped[step.name]["bytes"]
            left -= record.dropped
    steps = funnel(manifest)
    assert steps[0].name == "read" and steps[0].documents == manifest.read["documents"]
    for unit in ("documents", "bytes"):
        kept = sum(split[unit] for split in manifest.splits.values())
        assert getattr(steps[-1], unit) == kept
    assert manifest.filters["redact_secrets"]["changes"] == {"email": 45}
    assert "hive.io" not in json.dumps(manifest.filters)


def test_an_interrupted_preparation_keeps_what_filters_measured(
    register, files, tmp_path, vocabulary, monkeypatch
):
    from code_ablate.data.preparing import prepare

    register(files, STEPS)
    settings = dataclasses.replace(HERE, pieces=3)
    expected = one(NAME, vocabulary, tmp_path / "1", settings).manifest
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "assemble", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one(NAME, vocabulary, tmp_path / "2", settings)
    monkeypatch.setattr(TaskRun, "__iter__", lambda self: pytest.fail("it was run again"))
    resumed = one(NAME, vocabulary, tmp_path / "2", settings).manifest
    assert resumed.filters == expected.filters and resumed.dropped == expected.dropped


class Rows(DocumentSource):
    """Documents that are given."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def units(self):
        return ["one"]

    def read(self, unit):
        for row in self.rows:
            yield dict.fromkeys(documents.DOCUMENT_FIELDS, "") | row

    def describe(self):
        return ["rows"]


@dataclasses.dataclass(frozen=True)
class Breaks(Without):
    def measure(self, document):
        return 1 // (len(document.text) - 1)


def run(name, max_bytes=None):
    done = TaskRun(find_task(name), seqio.ByteVocabulary(), max_bytes=max_bytes)
    return done, [document.text.decode() for document in done]


def test_a_fault_in_a_filter_names_corpus_and_document_and_keeps_its_cause(register):
    register(Rows([{"text": "abc"}, {"text": "a", "path": "a.txt"}]), [Breaks()])
    with pytest.raises(Failed, match=r"'filtered\.corpus': a filter failed on a\.txt") as e:
        run(NAME)
    assert isinstance(e.value.__cause__, ZeroDivisionError)


def test_a_filter_that_needs_what_the_source_has_not(register):
    register(Rows([{"text": "abc"}]), [filters.PermissiveLicence()])
    with pytest.raises(UserError, match="no feature 'licence': add one in the source"):
        run(NAME)


def test_halves_of_surrogate_pairs_are_undecodable_as_they_are_in_tensorflow(register):
    rows = [{"text": "half \ud83d", "path": "\udcff.txt"}, {"text": "whole 😀"}]
    register(Rows(rows), [filters.Undecodable()])
    done, texts = run(NAME)
    assert texts == ["whole 😀"]
    read, undecodable = done.stages()[:2]
    assert (read.documents, read.bytes) == (2, len("half \ufffd".encode()) + 10)
    assert undecodable.measured["dropped_examples"][0][1]["path"] == "\ufffd.txt"


def test_what_is_too_long_is_left_out_before_the_filters(register):
    rows = [{"text": "x" * 9}, {"text": "x" * 10}, {"text": "é" * 5}, {"text": "é" * 6}]
    register(Rows(rows), [filters.Length(6)])
    done, texts = run(NAME, max_bytes=10)
    assert texts == ["x" * 9, "x" * 10]
    stages = [(stage.name, stage.documents, stage.bytes) for stage in done.stages()][:3]
    assert stages == [
        ("read", 4, 41),
        ("over_max_document_bytes", 3, 29),
        ("length_under_6", 2, 19),
    ]


class Counts(filters.Length):
    """A rule that is called in a way of its own."""

    def __call__(self, dataset):
        return super().__call__(dataset).take(1)


def test_a_rule_with_a_call_of_its_own_is_called(register):
    register(Rows([{"text": "abc"}, {"text": "abcd"}]), [Counts(2), filters.Length(3)])
    assert run(NAME)[1] == ["abc"]


def test_filters_made_readable(register, files, tmp_path, vocabulary):
    register(files, STEPS)
    manifest = one(NAME, vocabulary, tmp_path).manifest
    shown = describe_filters(manifest)
    assert shown.startswith(NAME) and "exact_duplicate" in shown.partition("---")[0]
    assert "--- longest_line_over_1000   (maximum = 1000)" in shown
    assert "--- redact_secrets\njudged 400 documents" in shown and "  email: 45" in shown
    assert "dropped nothing: " in shown and "svg_in_first_1000" in shown
    alone = describe_filters(manifest, "longest_line")
    assert alone == describe_filters(manifest, "longest_line_over_1000")
    assert alone.startswith("--- longest_line_over_1000")
    dropped = manifest.dropped["longest_line_over_1000"]["documents"]
    assert f"dropped {dropped:,} (" in alone and "kept, the nearest to the bound:" in alone
    assert " 896 to 1024 " in alone and "* 1000: " in alone
    with pytest.raises(UserError, match=r"no filter of .* 'longst_line'; did you mean 'longest_l"):
        describe_filters(manifest, "longst_line")
    bare = dataclasses.replace(manifest, filters={})
    with pytest.raises(UserError, match="nothing is known of filters of"):
        describe_filters(bare)


def test_documents_cannot_command_the_terminal(register, tmp_path, vocabulary):
    rows = [{"text": f"\x1b[2Jevil\r{i}", "path": "\x1b]0;a\n"} for i in range(3)]
    register(
        Rows([*rows, *({"text": f"a good text {i}"} for i in range(40))]), [filters.Length(12)]
    )
    shown = describe_filters(one(NAME, vocabulary, tmp_path).manifest)
    assert "\x1b" not in shown and "\r" not in shown and "\\x1b[2Jevil" in shown
