"""Documents become tokens, or the Task is refused."""

import functools

import pytest
import seqio

from code_ablate.data.preparing.extract import check_registration
from code_ablate.errors import UserError
from tests.data.preparing.corpora import (
    TOKENIZE,
    halves,
    one,
    register,
    texts,
    with_inputs,
)


@pytest.mark.parametrize("add_eos", [True, False])
@pytest.mark.parametrize("keep_text", [True, False])
def test_eos_is_added_where_the_task_does_not(tmp_path, vocabulary, add_eos, keep_text):
    chain = [
        TOKENIZE[0],
        functools.partial(seqio.preprocessors.tokenize, copy_pretokenized=keep_text),
    ]
    features = {"targets": seqio.Feature(seqio.ByteVocabulary(), add_eos=add_eos)}
    plain = one(register(texts(30), chain, features=features), vocabulary, tmp_path)
    usual = one(register(texts(30)), vocabulary, tmp_path)
    assert plain.manifest.identity == usual.manifest.identity  # bytes of text among the content


def test_tasks_that_do_not_fit_are_refused(tmp_path, vocabulary):
    def own_vocabulary(dataset):
        return dataset.map(lambda d: {"targets": seqio.ByteVocabulary().encode_tf(d["text"]), **d})

    for chain, message in (
        ([own_vocabulary], "vocabulary of its own"),
        ([*TOKENIZE, halves], "same text and different tokens"),
        ([*TOKENIZE, with_inputs], "inputs beside its targets"),
        ([TOKENIZE[0]], "vector of token ids"),
    ):
        with pytest.raises(UserError, match=message):
            one(register(texts(30), chain), vocabulary, tmp_path)


def test_workers_refuse_a_corpus_that_is_not_the_one_meant():
    with pytest.raises(UserError, match=r"not registered in a worker process.*--import"):
        check_registration("prepare.not_here", [])
    other = [{"name": "rekey", "digest": "of something else"}]
    with pytest.raises(UserError, match="other preprocessors in a worker process"):
        check_registration(register(texts(3)), other)
