import json
from collections import Counter

import pytest
import tokenizers

from code_ablate.data.round_trip import RoundTrip, require_returned
from code_ablate.data.vocabulary import VocabularyConfig, load_vocabulary
from code_ablate.errors import UserError


def measured(*pairs: tuple[bytes, str]) -> RoundTrip:
    total = RoundTrip()
    for text, returned in pairs:
        total.add(text, returned)
    return total


@pytest.mark.parametrize(
    ("text", "returned", "bytes_back", "lost"),
    [
        ("as it was é", "as it was é", 12, {}),
        ("1  +  1", "1 + 1", 5, {" ": 2}),
        ("aé\t漢漢b", "a \u2047 b", 2, {"漢": 2, "é": 1, "\t": 1}),  # what is put instead is none
        ("Ａ２", "A2", 0, {"Ａ": 1, "２": 1}),
        ("ab", "ba", 2, {}),  # vocabularies lose characters, and do not move them
        (b"a\xff\xfeb".decode("utf-8", "surrogateescape"), "a\ufffd\ufffdb", 2, {"\ufffd": 2}),
    ],
)
def test_bytes_that_come_back(text, returned, bytes_back, lost):
    content = text.encode("utf-8", "surrogateescape")
    total = measured((content, returned))
    assert (total.tried_bytes, total.returned_bytes, total.lost) == (len(content), bytes_back, lost)


def test_parts_are_added_and_the_most_lost_bytes_come_first():
    parts = [measured((b"a  b", "a b")), measured(("漢  \t".encode(), ""), (b"same", "same"))]
    total = RoundTrip.together(parts)
    assert total == RoundTrip(3, 14, 7, Counter({" ": 3, "漢": 1, "\t": 1}))
    assert list(total.most_lost.items()) == [(" ", 3), ("漢", 1), ("\t", 1)]
    assert total.returned_share == 7 / 14
    assert RoundTrip().returned_share is None
    assert RoundTrip.of_plain(json.loads(json.dumps(total.plain))) == total


def test_a_corpus_below_the_bound_is_refused_with_what_it_loses_and_a_bound_that_it_passes():
    total = measured((b"ab" * 50 + b"\t\t\t", "ab" * 50))
    message = r"97\.09% .*'rows'.*100 of 103 bytes.*'\\t' 3 times.*min_returned = 0\.97"
    with pytest.raises(UserError, match=message):
        require_returned("rows", total, 0.99)
    require_returned("rows", total, 0.97)
    require_returned("rows", RoundTrip(), 0.99)  # nothing was tried: no text beside the tokens


def tokenizer_file(folder, edit=lambda model: None, **added) -> str:
    """A tokenizer.json whose ids are bytes, with <|end|> as an added token."""
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    model = tokenizers.models.BPE({letter: i for i, letter in enumerate(sorted(alphabet))}, [])
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    if added:
        made.add_tokens([tokenizers.AddedToken("<|end|>", **added)])
    plain = json.loads(made.to_str())
    edit(plain)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(plain))
    return str(path)


def load(path, eos_token="<|end|>"):
    return load_vocabulary(path, VocabularyConfig(path, size=0, eos_token=eos_token))


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_no_text_spells_an_added_token_that_is_eos(tmp_path, special, normalized):
    vocabulary = load(tokenizer_file(tmp_path, special=special, normalized=normalized))
    text = "a<|end|>b <|end|>\n<|end|>"
    (ids,) = vocabulary.encode([text])
    assert vocabulary.eos_id == 256 and 256 not in ids
    assert vocabulary.decode([*ids, 256]) == text
    assert vocabulary.lossless


def test_an_ordinary_entry_is_no_eos(tmp_path):
    with pytest.raises(UserError, match=r"EOS is 'A', an ordinary entry .* says 'A' would end"):
        load(tokenizer_file(tmp_path), eos_token="A")


def test_ids_with_gaps_count_to_the_largest(tmp_path):
    def move(model):
        last = max(model["model"]["vocab"], key=model["model"]["vocab"].get)
        model["model"]["vocab"][last] = 999

    path = tokenizer_file(tmp_path, move, special=True)
    vocabulary = load(path)
    assert vocabulary.size == 1000
    with pytest.raises(UserError, match=r"ids up to 999; .*size is 257: make it 1000"):
        load_vocabulary(path, VocabularyConfig(path, size=257, eos_token="<|end|>"))


def test_an_unknown_token_stands_for_no_bytes(tmp_path):
    model = tokenizers.models.WordLevel({"<unk>": 0, "a": 1, "b": 2}, unk_token="<unk>")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["<end>"])
    made.save(str(tmp_path / "tokenizer.json"))
    path = str(tmp_path / "tokenizer.json")
    vocabulary = load_vocabulary(path, VocabularyConfig(path, size=0, allow_loss=True))
    (ids,) = vocabulary.encode(["a strange b"])
    assert ids.tolist() == [1, 0, 2] and vocabulary.decode(ids) == "a <unk> b"
    assert vocabulary.bytes_of(ids) == len("a b")
