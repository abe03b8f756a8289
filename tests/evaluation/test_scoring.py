import dataclasses
import functools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.errors import UserError
from code_ablate.evaluation.domains import domain_items
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.scoring import Scorer
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.model.transformer import apply, init_params
from tests.conftest import TINY
from tests.eight_devices import run_on_eight_devices

jitted_apply = jax.jit(apply, static_argnums=0)
PARAMS = init_params(TINY, 0)

RTOL = 1e-5
"""For scores in float32; all here are beyond -4 nats, and were found to differ by 6e-8."""


def scorer(**kwargs):
    return Scorer(
        TINY, PARAMS, make_mesh(MeshConfig()), **{"longest": 129, "batch_tokens": 256, **kwargs}
    )


def requests_of(seed, count=40, longest=100):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, longest, count)
    return [
        Request(rng.integers(0, 256, n).astype(np.int32), first=int(rng.integers(1, n)))
        for n in lengths
    ]


def plain_log_p(request, model=TINY, params=PARAMS):
    """log p of every token but the first, from the logits of the whole sequence, in float64."""
    tokens = np.zeros((1, 256), np.int32)  # one compilation; what follows changes nothing before it
    tokens[0, : len(request.tokens)] = request.tokens
    hidden = np.asarray(jitted_apply(model, params, tokens), np.float64)[0]
    logits = hidden[: len(request.tokens) - 1] @ np.asarray(params["embedding"], np.float64).T
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def plain_score(request, model=TINY, params=PARAMS):
    """One request alone."""
    targets = request.tokens[1:]
    log_p = plain_log_p(request, model, params)[np.arange(len(targets)), targets]
    return log_p[request.first - 1 :].sum()


def items_of(seed, contexts=(5, 9, 20), options=4, longest_option=12, vocabulary=256):
    """Requests of items whose options follow the same context, one item after the other."""
    rng = np.random.default_rng(seed)
    requests = []
    for length in contexts:
        context = rng.integers(0, vocabulary, length)
        for size in rng.integers(1, longest_option + 1, options):
            tokens = np.concatenate([context, rng.integers(0, vocabulary, size)])
            requests.append(Request(tokens.astype(np.int32), first=length))
    return requests


def test_scores_equal_those_of_each_request_alone():
    requests = requests_of(0, count=12, longest=64)
    np.testing.assert_allclose(
        scorer().score(requests), [plain_score(r) for r in requests], rtol=RTOL
    )


def test_options_that_share_their_context_score_as_if_alone():
    requests = items_of(3, contexts=(1, 2, 9, 40))
    np.testing.assert_allclose(
        scorer().score(requests), [plain_score(r) for r in requests], rtol=RTOL
    )


def test_requests_that_branch_from_one_another_score_as_if_alone():
    np.testing.assert_allclose(scorer().score(NESTED), [plain_score(r) for r in NESTED], rtol=RTOL)


def test_a_shared_context_is_computed_once():
    context, option = np.arange(100, dtype=np.int32), np.arange(100, 106, dtype=np.int32)
    options = [np.concatenate([context, option + i]) for i in range(4)]
    shared = scorer()
    shared.score([Request(tokens, first=100) for tokens in options])
    assert shared.tokens_computed == 100 + 4 * 5  # an option's last token predicts nothing
    # Partial scoring, as in WinoGrande: the contexts differ, so each is computed.
    apart = scorer()
    apart.score([Request(tokens[::-1], first=100) for tokens in options])
    assert apart.tokens_computed == 4 * 105


NESTED = [
    Request(np.array([1, *tokens], np.int32), first)
    for tokens, first in (
        ([5, 6, 7, 8], 2), ([5, 6, 7, 9], 4), ([5, 6, 2, 3], 1), ([5, 6, 2], 3), ([5], 1), ([4], 1),
        ([5, 6, 7, 8], 2), ([5, 6, 7, 8], 4), ([5, 6, 7, 8, 9], 5), ([4, 6, 7, 8, 9], 3),
    )
]  # fmt: skip
ITEMS_AND_OTHERS = items_of(4, (1, 9, 20), 3, 8) + requests_of(5, count=10, longest=40) + NESTED


@functools.cache
def expected_scores():
    return np.array([plain_score(request) for request in ITEMS_AND_OTHERS])


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_neither_grouping_nor_batches_nor_order_change_a_score(data):
    requests = ITEMS_AND_OTHERS
    chosen = data.draw(st.lists(st.integers(0, len(requests) - 1), min_size=1, max_size=30))
    batch_tokens = data.draw(st.sampled_from([1, 256]))
    scores = scorer(batch_tokens=batch_tokens).score([requests[i] for i in chosen])
    np.testing.assert_allclose(scores, expected_scores()[chosen], rtol=RTOL)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_grouped_query_attention_and_bfloat16(dtype):
    model = dataclasses.replace(TINY, heads=4, kv_heads=2, attention="blocked", compute_dtype=dtype)
    params = init_params(model, 1)
    requests = items_of(6, contexts=(10, 30), options=3)
    found = Scorer(model, params, make_mesh(MeshConfig()), longest=129).score(requests)
    exact = dataclasses.replace(model, compute_dtype="float32")
    expected = [plain_score(request, exact, params) for request in requests]
    tolerance = RTOL if dtype == "float32" else 0.01
    np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_greedy_means_that_every_scored_token_is_the_likeliest():
    context = np.array([7, 8, 9], np.int32)
    greedy = context
    for _ in range(3):
        log_p = plain_log_p(Request(np.append(greedy, 0).astype(np.int32), first=1))
        greedy = np.append(greedy, log_p[-1].argmax()).astype(np.int32)
    wrong_end, wrong_start = greedy.copy(), greedy.copy()
    wrong_end[-1] += 1
    wrong_start[3] += 1
    requests = [Request(tokens, first=3) for tokens in (greedy, wrong_end, wrong_start)]
    requests.append(Request(greedy, first=1))
    scores, found = scorer().score_greedy(requests)
    ranks = [all(plain_log_p(r)[r.first - 1 :].argmax(-1) == r.tokens[r.first :]) for r in requests]
    assert found.tolist() == ranks and found[0] and not found[1]
    np.testing.assert_allclose(scores, scorer().score(requests), rtol=1e-6)


def test_progress_counts_every_piece_once():
    requests = [*items_of(7, contexts=(5,)), *requests_of(8, count=5, longest=300)]
    done = []
    scorer(longest=65).score(requests, done.append)
    assert sum(done) == sum(len(request.pieces(65)) for request in requests)


def test_eight_devices_give_the_scores_of_one():
    program = """
    import dataclasses, jax, numpy as np
    from code_ablate.evaluation.scoring import Scorer
    from code_ablate.model import MeshConfig, init_params, make_mesh, param_shardings
    from tests.conftest import TINY
    from tests.evaluation.test_scoring import RTOL, items_of, requests_of

    requests = items_of(1, contexts=(5, 9)) + requests_of(2, count=5, longest=30)
    params = init_params(TINY, 0)
    results = []
    meshes = [make_mesh(MeshConfig(), jax.devices()[:1])]
    meshes += [make_mesh(MeshConfig(data=-1, fsdp=f, tensor=t)) for f, t in ((1, 1), (2, 2))]
    for mesh in meshes:
        placed = jax.device_put(params, param_shardings(TINY, mesh))
        scorer = Scorer(TINY, placed, mesh, longest=129, batch_tokens=512)
        results.append(scorer.score_greedy(requests))
    for scores, greedy in results[1:]:
        np.testing.assert_allclose(scores, results[0][0], rtol=RTOL)
        assert (greedy == results[0][1]).all()
    print(len(requests), "equal")
    """
    assert run_on_eight_devices(program) == "13 equal\n"


def test_a_long_request_loses_its_context_from_the_left():
    tokens = np.arange(1, 200, dtype=np.int32)
    (piece,) = Request(tokens, first=190).pieces(65)
    np.testing.assert_array_equal(piece.tokens, tokens[-65:])
    np.testing.assert_array_equal(piece.tokens[piece.first :], tokens[190:])
    np.testing.assert_allclose(
        scorer(longest=65).score([Request(tokens, first=190)]), [plain_score(piece)], rtol=1e-5
    )


def test_the_score_of_a_long_continuation_is_the_sum_of_its_pieces():
    request = Request(np.arange(1, 200, dtype=np.int32), first=3)
    pieces = request.pieces(65)
    assert len(pieces) == 4
    total = sum(plain_score(piece) for piece in pieces)
    np.testing.assert_allclose(scorer(longest=65).score([request]), [total], rtol=1e-5)


class CharacterVocabulary:
    eos_id, lossless = 1, True

    def decode(self, ids):
        return bytes(int(i) - 2 for i in ids).decode(errors="replace")

    def bytes_of(self, ids):
        return len(self.decode(ids).encode())


class Manifest:
    returned_share = 1.0


class DocumentStore:
    manifest = Manifest()

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


def overflowing():
    """Finite weights whose logits are not: hidden states times these embeddings overflow."""
    return {**PARAMS, "embedding": np.full_like(PARAMS["embedding"], 3e38)}


def test_logits_that_are_not_finite_are_refused_by_name():
    broken = Scorer(
        TINY, overflowing(), make_mesh(MeshConfig()), longest=129, name="step 7 of runs/x"
    )
    for score in (broken.score, broken.score_greedy):
        with pytest.raises(UserError, match=r"step 7 of runs/x gives logits that are not finite"):
            score(requests_of(0, count=3))
