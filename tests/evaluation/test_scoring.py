import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.evaluation.domains import domain_items
from code_ablate.evaluation.scoring import Request, Scorer, padded_length
from code_ablate.model.sharding import MeshConfig, make_mesh
from code_ablate.model.transformer import apply, init_params
from tests.conftest import TINY

PARAMS = init_params(TINY, 0)


def scorer(**kwargs):
    return Scorer(TINY, PARAMS, make_mesh(MeshConfig()), **{"longest": 129, **kwargs})


def requests_of(seed, count=40, longest=100):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, longest, count)
    return [
        Request(rng.integers(0, 256, n).astype(np.int32), first=int(rng.integers(1, n)))
        for n in lengths
    ]


def plain_score(request):
    """One request alone, unpadded, from the logits of the whole sequence, in float64."""
    hidden = np.asarray(apply(TINY, PARAMS, request.tokens[None, :-1]), np.float64)[0]
    logits = hidden @ np.asarray(PARAMS["embedding"], np.float64).T
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    targets = request.tokens[1:]
    return log_p[np.arange(len(targets)), targets][request.first - 1 :].sum()


def test_scores_equal_those_of_each_request_alone():
    requests = requests_of(0, count=12)
    np.testing.assert_allclose(
        scorer().score(requests), [plain_score(r) for r in requests], rtol=1e-5, atol=1e-4
    )


def test_batch_size_and_order_do_not_change_a_score():
    requests = requests_of(1)
    expected = scorer().score(requests)
    order = np.random.default_rng(2).permutation(len(requests))
    small = scorer(batch_tokens=128).score([requests[i] for i in order])
    np.testing.assert_allclose(small, expected[order], rtol=1e-5, atol=1e-4)


def test_a_long_request_loses_its_context_from_the_left():
    tokens = np.arange(1, 200, dtype=np.int32)
    (piece,) = Request(tokens, first=190).pieces(65)
    np.testing.assert_array_equal(piece.tokens, tokens[-65:])
    np.testing.assert_array_equal(piece.tokens[piece.first :], tokens[190:])
    np.testing.assert_allclose(
        scorer(longest=65).score([Request(tokens, first=190)]), [plain_score(piece)], rtol=1e-5
    )


@given(st.integers(2, 300), st.integers(1, 299), st.integers(2, 70))
@settings(max_examples=200, deadline=None)
def test_pieces_score_every_token_once(length, first, longest):
    tokens = np.arange(length, dtype=np.int32)
    first = min(first, length - 1)
    pieces = Request(tokens, first).pieces(longest)
    scored = np.concatenate([piece.tokens[piece.first :] for piece in pieces])
    np.testing.assert_array_equal(scored, tokens[first:])
    assert all(2 <= len(piece.tokens) <= longest for piece in pieces)


def test_the_score_of_a_long_continuation_is_the_sum_of_its_pieces():
    request = Request(np.arange(1, 200, dtype=np.int32), first=3)
    pieces = request.pieces(65)
    assert len(pieces) == 4
    total = sum(plain_score(piece) for piece in pieces)
    np.testing.assert_allclose(scorer(longest=65).score([request]), [total], rtol=1e-5)


@given(st.integers(1, 10_000))
@settings(max_examples=200, deadline=None)
def test_padding_is_enough_and_never_more_than_half_again(length):
    assert length <= padded_length(length) <= max(32, 1.5 * length)


def test_requests_without_anything_to_score_are_refused():
    for first in (0, 3):
        with pytest.raises(ValueError, match="scores start"):
            Request(np.array([1, 2, 3], np.int32), first=first)


class CharacterVocabulary:
    eos_id = 1

    def decode(self, ids):
        return bytes(int(i) - 2 for i in ids).decode(errors="replace")


class DocumentStore:
    def __init__(self, texts):
        self.texts = texts

    def num_documents(self, split):
        return len(self.texts)

    def read_document(self, index, split):
        return np.array([b + 2 for b in self.texts[index].encode()] + [1], np.int32)

    def document_bytes(self, split):
        return np.array([len(text.encode()) for text in self.texts])


def domain(texts, **kwargs):
    defaults = {"max_items": 10, "max_tokens": 100, "seq_len": 16, "seed": 0}
    return domain_items(DocumentStore(texts), CharacterVocabulary(), **{**defaults, **kwargs})


def test_every_token_of_a_document_is_scored_once_and_eos_never():
    text = "to be or not to be, that is the question"
    (item,) = domain([text]).items
    scored = np.concatenate([r.tokens[r.first :] for r in item.requests])
    assert bytes((scored - 2).astype(np.uint8)).decode() == text
    assert item.requests[0].tokens[0] == 1  # the end of the document before it
    assert item.requests[1].tokens[0] == item.requests[0].tokens[-1]
    assert all(len(r.tokens) <= 17 for r in item.requests)
    assert item.bytes == len(text) and not item.cropped


def test_a_crop_never_breaks_a_character_and_counts_the_bytes_it_keeps():
    result = domain(["aaé" * 10], max_tokens=3)  # é is two bytes: the third token is half of it
    (item,) = result.items
    assert item.cropped and item.bytes == 2
    assert sum(len(r.tokens) - r.first for r in item.requests) == 2


def test_the_choice_of_documents_is_seeded_and_counted():
    texts = [f"document {i}" for i in range(50)]
    one, same, other = (domain(texts, max_items=5, seed=s) for s in (0, 0, 1))
    assert [i.item for i in one.items] == [i.item for i in same.items]
    assert [i.item for i in one.items] != [i.item for i in other.items]
    assert one.available == 50 and len(one.items) == 5


def test_there_are_few_lengths():
    assert {padded_length(n) for n in range(1, 129)} == {32, 48, 64, 96, 128}
