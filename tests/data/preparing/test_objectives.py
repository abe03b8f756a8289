"""Tasks of T5X as corpora: objectives are refused by name, and EOS ends each document once."""

import functools

import pytest
import seqio
import t5.data.preprocessors as t5
import tensorflow as tf

from code_ablate.data.preparing.account import WITH_EOS
from code_ablate.data.preparing.task_run import find_task
from code_ablate.errors import UserError
from tests.data.preparing.corpora import FEATURES, one, register, stored, texts

REKEY = functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"})
BOTH = functools.partial(seqio.preprocessors.rekey, key_map={"inputs": None, "targets": "text"})
TOKENIZE, EOS = seqio.preprocessors.tokenize, seqio.preprocessors.append_eos
OF_T5X = {
    "inputs": seqio.Feature(seqio.ByteVocabulary(), required=False),
    "targets": seqio.Feature(seqio.ByteVocabulary()),
}


def _own_objective(dataset, output_features, sequence_length):
    return dataset.take(sequence_length["targets"])


OBJECTIVES = {
    "span_corruption": [
        BOTH,
        TOKENIZE,
        seqio.CacheDatasetPlaceholder(),
        t5.span_corruption,
        seqio.preprocessors.append_eos_after_trim,
    ],
    "prefix_lm": [BOTH, TOKENIZE, t5.prefix_lm, EOS],
    "full_lm": [REKEY, TOKENIZE, t5.full_lm],
    "unsupervised": [
        BOTH,
        TOKENIZE,
        functools.partial(t5.unsupervised, preprocessors=[t5.span_corruption]),
    ],
    "reduce_concat_tokens": [REKEY, TOKENIZE, t5.reduce_concat_tokens],
    "split_tokens": [
        REKEY,
        TOKENIZE,
        functools.partial(t5.split_tokens, max_tokens_per_segment=20),
    ],
    "select_random_chunk": [
        REKEY,
        TOKENIZE,
        functools.partial(t5.select_random_chunk, max_length=20, feature_key="targets"),
    ],
    "_own_objective": [REKEY, TOKENIZE, functools.partial(_own_objective)],
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_is_refused_by_name_before_any_work(name):
    corpus = register(texts(20), OBJECTIVES[name], features=OF_T5X)
    with pytest.raises(UserError) as refused:
        find_task(corpus)
    assert f"corpus {corpus!r} has the preprocessor {name!r}, which" in str(refused.value)
    assert "seqio.preprocessors.tokenize and append_eos" in str(refused.value)


def _with_eos_inside(dataset, output_features):
    eos = output_features["targets"].vocabulary.eos_id

    def join(tokens):
        return tf.concat([tokens[:3], [eos], tokens[3:]], 0)

    return dataset.map(
        lambda d: (
            d | {"targets": join(d["targets"]) if tf.size(d["targets"]) > 40 else d["targets"]}
        )
    )


CHAINS = {
    "none": [REKEY, TOKENIZE],
    "append_eos": [REKEY, TOKENIZE, EOS],
    "twice": [REKEY, TOKENIZE, EOS, EOS],
    "tokenize_and_append_eos": [REKEY, seqio.preprocessors.tokenize_and_append_eos],
    "after_trim": [REKEY, TOKENIZE, seqio.preprocessors.append_eos_after_trim],
    "lm": [t5.lm, TOKENIZE, EOS],
}


@pytest.mark.parametrize("add_eos", [True, False])
@pytest.mark.parametrize("chain", CHAINS)
def test_every_document_ends_by_one_eos(tmp_path, vocabulary, chain, add_eos):
    if chain == "tokenize_and_append_eos" and not add_eos:
        pytest.skip("SeqIO's own function asks for add_eos")
    targets = seqio.Feature(seqio.ByteVocabulary(), add_eos=add_eos)
    features = {**OF_T5X, "targets": targets} if chain == "lm" else {"targets": targets}
    store = one(register(texts(20), CHAINS[chain], features=features), vocabulary, tmp_path)
    both = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(both) == sorted(texts(20)) and not store.manifest.dropped


def test_documents_with_eos_inside_are_left_out_and_counted(tmp_path, vocabulary):
    documents = texts(20)
    corpus = register(documents, [REKEY, TOKENIZE, _with_eos_inside, EOS], features=FEATURES)
    store = one(corpus, vocabulary, tmp_path)
    both = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    lost = store.manifest.dropped[WITH_EOS]
    assert 0 < lost["documents"] < 20 and len(both) == 20 - lost["documents"]
    assert lost["bytes"] == sum(len(t.encode()) for t in documents if t not in both)
