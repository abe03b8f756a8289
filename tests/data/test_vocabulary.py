import dataclasses
import json
import re

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from code_ablate.data.preparing.vocabulary_training import find_vocabulary, train_model
from code_ablate.data.round_trip import lost_text
from code_ablate.data.vocabulary import (
    Vocabulary,
    VocabularyConfig,
    load_vocabulary,
)
from code_ablate.data.vocabulary_files import VocabularyRecord, file_digest
from code_ablate.errors import NewerFormat, UserError

TEXTS = [
    "def add(first, second):\n        return first + second\n" * 20,
    "\tfor index in range(1234):\n\t\tprint(index)  # a comment\n" * 20,
    "The quick brown fox jumps over the lazy dog, and then it returns.\n" * 20,
    "x" * 50_000,
]
# Strings that have broken tokenizers: SentencePiece's own marks, its boundary and unknown
# characters, the escape this project uses, what looks like a control symbol or a byte, line ends
# and invisible characters.
HARD = [
    "\u2581 \u2581\u2581",
    "\U0010ffff1\U0010ffff2\U0010ffff",
    "\u2585\u2047",
    "</s><s><unk><pad><0x41>",
    "\x00\x00a\x00",
    "\r\n a \r\n\n",
    "   leading and trailing   ",
    "\u3000\xa0\ufeff\u200b",
    "😀e\u0301\x1b[0m\ud7ff",
    "",
]
ANY_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.sampled_from(" \n\t\r\x00ab01\u2581\u2585\U0010ffff12<>/sé😀\u0301")),
)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Vocabulary:
    path = tmp_path_factory.mktemp("vocabulary") / "small.model"
    path.write_bytes(train_model(TEXTS, 460))
    return find_vocabulary(VocabularyConfig(str(path), size=460), "unused")


def hard_examples(test):
    for text in HARD:
        test = example(text)(test)
    return test


@settings(deadline=None, max_examples=300)
@given(ANY_TEXT)
@hard_examples
def test_decoding_gives_back_every_text(vocabulary, text):
    ids = vocabulary.encode([text])[0]
    assert ids.dtype == np.int32
    assert vocabulary.decode(ids) == text
    assert vocabulary.decode([*ids, vocabulary.eos_id]) == text
    assert vocabulary.eos_id not in ids


@settings(deadline=None, max_examples=100)
@given(ANY_TEXT)
@hard_examples
def test_tensorflow_gives_the_same_ids(vocabulary, text):
    ids = vocabulary.encode([text])[0].tolist()
    assert vocabulary.seqio.encode_tf(tf.constant(text.encode())).numpy().tolist() == ids
    assert list(vocabulary.seqio.encode(text)) == ids
    assert vocabulary.seqio.decode(ids) == text


def test_special_ids_are_where_seqio_expects_them(vocabulary):
    assert vocabulary.seqio.pad_id == 0
    assert vocabulary.seqio.eos_id == vocabulary.eos_id == 1
    assert vocabulary.seqio.vocab_size == vocabulary.size == 460


def test_pieces_suit_code(vocabulary):
    def pieces(text):
        return [vocabulary.piece(i) for i in vocabulary.encode([text])[0]]

    assert pieces("\n\n\t\t")[-4:] == ["\n", "\n", "\t", "\t"]
    assert len(pieces("        return")) <= 2  # indentation is one piece
    assert [p for p in pieces("1234") if p != "▁"] == ["1", "2", "3", "4"]


def test_wrong_files_are_refused(tmp_path, vocabulary):
    with pytest.raises(UserError, match="no vocabulary file"):
        find_vocabulary(VocabularyConfig(str(tmp_path / "absent.model")), tmp_path)
    broken = tmp_path / "broken.model"
    broken.write_bytes(b"not a model")
    with pytest.raises(UserError, match="not a SentencePiece model"):
        find_vocabulary(VocabularyConfig(str(broken)), tmp_path)
    with pytest.raises(UserError, match="460"):
        find_vocabulary(VocabularyConfig(vocabulary.path, size=1000), tmp_path)
    with pytest.raises(UserError, match="neither a plain name"):
        VocabularyConfig("some/where")


def huggingface_file(directory, special=("<|endoftext|>",)) -> str:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special),
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS[:3], trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    return str(directory / "tokenizer.json")


@pytest.fixture(scope="module")
def huggingface(tmp_path_factory) -> Vocabulary:
    path = huggingface_file(tmp_path_factory.mktemp("huggingface"))
    return find_vocabulary(VocabularyConfig(path, size=0), "unused")


@settings(deadline=None, max_examples=100)
@given(ANY_TEXT)
@example("a<|endoftext|>b")
@hard_examples
def test_huggingface_in_tensorflow_and_outside(huggingface, text):
    ids = huggingface.encode([text])[0].tolist()
    assert huggingface.decode(ids) == text
    assert huggingface.eos_id not in ids  # a text that spells the token is only a text
    assert huggingface.seqio.encode_tf(tf.constant(text.encode())).numpy().tolist() == ids
    assert huggingface.seqio.decode([*ids, huggingface.eos_id]) == text
    assert huggingface.seqio.decode_tf(tf.constant(ids, tf.int32)).numpy() == text.encode()


def test_huggingface_works_inside_a_dataset(huggingface):
    texts = TEXTS[:3]
    dataset = tf.data.Dataset.from_tensor_slices(texts).map(huggingface.seqio.encode_tf)
    for ids, text in zip(dataset, texts, strict=True):
        assert ids.numpy().tolist() == huggingface.encode([text])[0].tolist()


def test_huggingface_eos_is_named_or_asked_for(tmp_path):
    path = huggingface_file(tmp_path, special=("<|start|>", "<|end|>"))
    with pytest.raises(UserError, match="eos_token"):
        find_vocabulary(VocabularyConfig(path, size=0), tmp_path)
    with pytest.raises(UserError, match="'<eos>' is not in it"):
        find_vocabulary(VocabularyConfig(path, size=0, eos_token="<eos>"), tmp_path)
    named = find_vocabulary(VocabularyConfig(path, size=0, eos_token="<|end|>"), tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|start|>"}))
    beside = find_vocabulary(VocabularyConfig(path, size=0), tmp_path)
    assert (named.eos_id, beside.eos_id) == (1, 0)
    for damaged in ('{"eos_token": ', "[]", '{"eos_token": {}}'):
        (tmp_path / "tokenizer_config.json").write_text(damaged)
        with pytest.raises(UserError, match=r"tokenizer_config\.json cannot be read|EOS|eos_token"):
            find_vocabulary(VocabularyConfig(path, size=0), tmp_path)


def trained_by_sentencepiece(folder, **settings):
    """The path of a model with SentencePiece's own settings, but for the ids of its symbols."""
    path = folder / "own.model"
    text = ["def f(x):", "    return  1", "some words of a text, more words </s> <end>"] * 50
    ids = {"unk_id": 2, "pad_id": 0, "bos_id": -1}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text),
        model_prefix=str(path.with_suffix("")),
        vocab_size=400 if settings.get("byte_fallback") else 60,
        hard_vocab_limit=False,
        minloglevel=2,
        **ids,
        **settings,
    )
    return path


def test_a_vocabulary_that_loses_text_is_refused_or_its_bytes_are_those_encoded(tmp_path):
    """SentencePiece's own settings make one space of two, which flatters code."""
    path = trained_by_sentencepiece(tmp_path, eos_id=1)
    with pytest.raises(UserError, match=r"loses indentation, .*double spaces.*'def f.x.:"):
        load_vocabulary(path)
    allowed = load_vocabulary(path, VocabularyConfig(str(path), size=0, allow_loss=True))
    assert not allowed.lossless and "double spaces" in lost_text(allowed.encode, allowed.decode)


@pytest.mark.parametrize(
    ("settings", "spelled"),
    [
        ({}, "</s>"),
        ({"eos_piece": "<end>"}, "<end>"),
        ({"byte_fallback": True}, "</s>"),
        ({"user_defined_symbols": "<end>,</p>"}, "</s>"),
    ],
)
def test_no_text_spells_the_eos_of_a_sentencepiece_model(tmp_path, settings, spelled):
    path = trained_by_sentencepiece(tmp_path, eos_id=1, **settings)
    vocabulary = load_vocabulary(path, VocabularyConfig(str(path), size=0, allow_loss=True))
    assert vocabulary.piece(vocabulary.eos_id) == spelled
    for text in (spelled, f"a{spelled}b", f" {spelled} "):
        assert vocabulary.eos_id not in vocabulary.encode([text])[0]


def test_a_symbol_that_text_can_spell_is_no_eos(tmp_path):
    path = trained_by_sentencepiece(tmp_path, eos_id=-1, user_defined_symbols="</s>")
    with pytest.raises(UserError, match="no EOS: documents need one, which no text can spell"):
        load_vocabulary(path)


def test_a_size_that_does_not_fit_the_sample_is_answered_with_one_that_does():
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 900))) * 3
    with pytest.raises(UserError, match=r"1,161 already.*size to well above 1161"):
        train_model([characters], 700)
    train_model([characters], 1161)
    with pytest.raises(UserError, match=r"has text for (\d+)\. .* \1 or less, or raise") as raised:
        train_model(["abc abd hello world " * 5], 2000)
    train_model(["abc abd hello world " * 5], int(re.search(r"for (\d+)", str(raised.value))[1]))


def test_the_trained_vocabulary_keeps_every_probe(vocabulary):
    assert vocabulary.lossless and lost_text(vocabulary.encode, vocabulary.decode) == {}


def test_a_record_of_a_newer_version_is_told_of_and_not_written_over(tmp_path):
    model = tmp_path / "mine.model"
    model.write_bytes(b"model")
    record = VocabularyRecord(file_digest(model), 300, 1, {})
    record.write(model)
    assert VocabularyRecord.read(model) == record
    dataclasses.replace(record, format=2).write(model)
    with pytest.raises(NewerFormat, match=r"mine\.json was written by a newer"):
        VocabularyRecord.read(model)
