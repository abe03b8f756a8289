"""The check that users run on corpora of their own."""

import itertools

import pytest
import seqio
import tensorflow as tf

from code_ablate.data import filters
from code_ablate.data.filters import Drop
from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError
from code_ablate.testing import check_corpus
from tests.data.preparing.corpora import halves, with_inputs

_numbers = itertools.count()


def register(preprocessors, source=None, features=documents.FEATURES) -> str:
    name = f"checked.corpus_{next(_numbers)}"
    seqio.TaskRegistry.add(
        name,
        source=source or Files("/nowhere/*.jsonl"),  # never read
        preprocessors=list(preprocessors),
        output_features=features,
    )
    return name


def test_it_says_what_stays_and_what_goes():
    name = register([filters.Length(5), *filters.MARKUP, *documents.TOKENIZE])
    page = {"text": "some words é", "language": "html", "path": "a.html"}
    prose = {"text": "some words é", "language": "english"}
    checked = check_corpus(name, ["tiny", page, prose, "some words é", "some words é.", ""])
    assert [kept.text for kept in checked.kept] == ["some words é", "some words é."]
    vocabulary = checked.vocabulary
    for kept in checked.kept:
        assert kept.tokens == (*vocabulary.encode([kept.text])[0], vocabulary.eos_id)
    shown = filters.HtmlVisibleCharacters(100).name
    assert checked.dropped == (
        ("tiny", Drop("length_under_5", 4)),
        (page, Drop(shown, 12)),
        ("some words é", Drop("exact_duplicate")),
        ("", Drop("length_under_5", 0)),
    )


def test_filters_that_are_not_ours_and_empty_documents():
    def no_numbers(dataset):
        return dataset.filter(lambda d: not tf.strings.regex_full_match(d["text"], ".*[0-9].*"))

    checked = check_corpus(register([no_numbers, *documents.TOKENIZE]), ["one", "2", ""])
    assert [kept.text for kept in checked.kept] == ["one"]
    assert checked.dropped == (("2", Drop("no_numbers")), ("", Drop("empty_document")))


def test_a_task_of_lines_written_for_t5x(tmp_path):
    @seqio.map_over_dataset
    def lowercase(line):
        return {"targets": tf.strings.lower(line)}

    name = register(
        [lowercase, seqio.preprocessors.tokenize, seqio.preprocessors.append_eos_after_trim],
        seqio.TextLineDataSource({"train": str(tmp_path / "absent.txt")}),
    )
    assert [kept.text for kept in check_corpus(name, ["A Line"]).kept] == ["a line"]


def cut(dataset):
    return dataset.map(lambda d: {**d, "targets": d["targets"][:3]})


def own_vocabulary(dataset):
    ids = seqio.ByteVocabulary()
    return dataset.map(lambda d: {"targets": ids.encode_tf(d["targets"]), "text": d["targets"]})


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([*documents.TOKENIZE, cut], "cuts a document of .* tokens to 3"),
        ([*documents.TOKENIZE, halves], "same text and different tokens"),
        ([*documents.TOKENIZE, with_inputs], "inputs beside its targets"),
        ([documents.TOKENIZE[0]], "vector of token ids"),
        ([documents.TOKENIZE[0], own_vocabulary], "vocabulary of its own"),
    ],
)
def test_what_preparation_would_refuse_is_refused(chain, message):
    with pytest.raises(UserError, match=message):
        check_corpus(register(chain), ["a document with some words in it"])


def test_registrations_without_targets_and_wrong_documents():
    with pytest.raises(UserError, match="needs 'targets'"):
        check_corpus(
            register([], features={"inputs": documents.FEATURES["targets"]}), ["a document"]
        )
    name = register(documents.TOKENIZE)
    with pytest.raises(UserError, match="no corpus named"):
        check_corpus(name + "x", ["a document"])
    with pytest.raises(UserError, match="needs 'text'; this one has content"):
        check_corpus(name, [{"content": "a document"}])
    with pytest.raises(UserError, match="at least one document"):
        check_corpus(name, [])
