"""That exported tokenizers give the same ids, by `tokenizers` alone."""

import json

import pytest
import sentencepiece
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data.vocabulary import VocabularyConfig, load_vocabulary
from code_ablate.errors import UserError
from code_ablate.interop.tokenizer import tokenizer_files
from tests.trained_run import texts


def loaded(files):
    tokenizer = tokenizers.Tokenizer.from_str(files["tokenizer.json"])
    configuration = json.loads(files["tokenizer_config.json"])
    tokenizer.encode_special_tokens = configuration["split_special_tokens"]
    return tokenizer


@pytest.fixture(scope="module")
def tokenizer(vocabulary):
    return loaded(tokenizer_files(vocabulary))


def assert_same(tokenizer, vocabulary, text):
    ids = vocabulary.encode([text])[0].tolist()
    assert tokenizer.encode(text).ids == [vocabulary.eos_id, *ids]
    assert tokenizer.encode(text, add_special_tokens=False).ids == ids
    assert tokenizer.decode([vocabulary.eos_id, *ids]) == text


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.sampled_from(" \n\t\r\x00ab01\u2581\U0010ffff12<>/sé😀\u0301")),
        st.text(st.sampled_from("ab ")),
    )
)
@settings(max_examples=500, deadline=None)
def test_any_text(tokenizer, vocabulary, text):
    assert_same(tokenizer, vocabulary, text)


def test_long_texts(tokenizer, vocabulary):
    for text in texts():
        assert_same(tokenizer, vocabulary, text)


def test_a_tokenizer_of_the_users_own_keeps_its_ids(tmp_path):
    own = tokenizers.Tokenizer(tokenizers.models.BPE())
    own.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = tokenizers.decoders.ByteLevel()
    own.post_processor = tokenizers.processors.ByteLevel(trim_offsets=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    own.train_from_iterator(texts(), trainer)
    own.enable_truncation(5)
    own.save(str(tmp_path / "tokenizer.json"))
    vocabulary = load_vocabulary(tmp_path / "tokenizer.json")
    tokenizer = loaded(tokenizer_files(vocabulary))
    for text in ("", " a  b\n", "naïve 😀 <|end|>", texts()[0]):
        assert_same(tokenizer, vocabulary, text)


def test_an_eos_that_text_may_spell_is_exported_as_a_special_token(tmp_path):
    own = tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0, "<": 1, "e": 2, ">": 3}, []))
    own.decoder = tokenizers.decoders.Fuse()
    own.add_tokens([tokenizers.AddedToken("<e>", special=False, normalized=False)])
    path = str(tmp_path / "tokenizer.json")
    own.save(path)
    config = VocabularyConfig(path, size=0, eos_token="<e>", allow_loss=True)
    vocabulary = load_vocabulary(path, config)
    assert_same(loaded(tokenizer_files(vocabulary)), vocabulary, "a<e>a")


@pytest.mark.parametrize(
    "options",
    [
        {"model_type": "unigram"},
        {"byte_fallback": False},
        {"add_dummy_prefix": True},
        {"normalization_rule_name": "nmt_nfkc"},
        {"user_defined_symbols": ["return"]},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_model_that_would_give_other_ids_is_refused(tmp_path, options):
    plain = {
        "model_type": "bpe",
        "byte_fallback": True,
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "normalization_rule_name": "identity",
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter("\n".join(texts()).splitlines()),
        model_prefix=str(tmp_path / "own"),
        vocab_size=500,
        minloglevel=2,
        **plain | options,
    )
    path = str(tmp_path / "own.model")
    vocabulary = load_vocabulary(path, VocabularyConfig(path, size=0, allow_loss=True))
    with pytest.raises(UserError, match=r"cannot be exported|can be exported"):
        tokenizer_files(vocabulary)
