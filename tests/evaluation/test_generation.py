import dataclasses
import functools
import io
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sentencepiece
from scipy import stats

from code_ablate.data.preparing.vocabulary_training import train_model
from code_ablate.data.vocabulary import VocabularyConfig, load_vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation import generation
from code_ablate.evaluation.generation import Generator, added_text, draw
from code_ablate.evaluation.sampling import Completion, Sampling
from code_ablate.model import MeshConfig, ModelConfig, apply, init_params, make_mesh
from tests.eight_devices import run_on_eight_devices

MODEL = ModelConfig(
    d_model=24, layers=2, heads=4, kv_heads=2, head_dim=8, feed_forward=40, vocabulary_size=70
)


class Letters:
    """Ids 2, 3, ... are "a", "b", ...; one token is several letters."""

    size, eos_id = 64, 1

    def __init__(self, pieces=()):
        self.pieces = {i: chr(95 + i) for i in range(2, 64)} | dict(pieces)

    def decode(self, ids):
        return "".join(self.pieces.get(int(i), "") for i in ids)


@functools.cache
def params(seed=0):
    # Larger than at initialisation, so that what follows depends on what came before.
    return jax.tree.map(lambda x: 3 * x, init_params(MODEL, seed))


def generator(vocabulary=None, **kwargs):
    defaults = {"longest": 129, "batch_rows": 4}
    return Generator(
        MODEL,
        params(),
        make_mesh(MeshConfig()),
        vocabulary or Letters(),
        **{**defaults, **kwargs},
    )


def prompts_of(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [np.append(1, rng.integers(2, 64, n - 1)).astype(np.int32) for n in lengths]


@jax.jit
def next_logits(tokens_BT):
    return apply(MODEL, params(), tokens_BT) @ params()["embedding"][: Letters.size].T


def recomputed(prompt, count):
    """Greedy tokens from the whole sequence, computed again for every token."""
    tokens = list(prompt)
    for _ in range(count):
        padded = np.zeros((1, 128), np.int32)
        padded[0, : len(tokens)] = tokens
        tokens.append(int(next_logits(padded)[0, len(tokens) - 1].argmax()))
        if tokens[-1] == Letters.eos_id:
            break
    return tokens[len(prompt) :]


def greedy(max_tokens, stop=()):
    return Sampling(max_tokens=max_tokens, stop=stop)


def texts(answers):
    return [[answer.text for answer in of_prompt] for of_prompt in answers]


@pytest.fixture(scope="module")
def written():
    """What the model writes greedily after some prompts, in a batch, and those prompts."""
    prompts = prompts_of(1, 2, 7, 30, 40)
    return prompts, generator().generate(prompts, greedy(30), "abcde")


def test_greedy_tokens_are_those_of_recomputing_the_whole_sequence(written):
    for prompt, (answer,) in zip(*written, strict=True):
        expected = recomputed(prompt, 30)
        assert answer.text == Letters().decode(expected)
        assert answer.tokens == len(expected)
        assert answer.ended_by == ("eos" if expected[-1] == Letters.eos_id else "length")
    assert len({answer.text for (answer,) in written[1]}) == 5


def test_an_answer_does_not_depend_on_its_batch_nor_on_the_segments(written, monkeypatch):
    prompts, expected = written
    order = [3, 0, 1, 4, 2]
    monkeypatch.setattr(generation, "SEGMENT", 7)
    found = generator(batch_rows=1).generate(
        [prompts[i] for i in order], greedy(30), ["abcde"[i] for i in order]
    )
    assert found == [expected[i] for i in order]


def test_samples_depend_on_seed_item_and_number_only():
    prompts = prompts_of(5, 9, 20)
    sampling = Sampling(max_tokens=20, stop=(), temperature=0.9, top_p=0.9, samples=3, seed=4)
    together = generator(batch_rows=8).generate(prompts, sampling, ["x", "y", "z"])
    alone = generator().generate(prompts[1:2], sampling, ["y"])
    assert alone[0] == together[1]
    assert len({answer.text for answer in together[1]}) == 3
    renamed = generator().generate(prompts[1:2], sampling, ["other"])
    reseeded = generator().generate(prompts[1:2], dataclasses.replace(sampling, seed=5), ["y"])
    assert texts(renamed) != texts(alone) and texts(reseeded) != texts(alone)
    fewer = dataclasses.replace(sampling, samples=2)
    assert generator().generate(prompts[1:2], fewer, ["y"])[0] == alone[0][:2]


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, None), (0.5, None), (2.0, 0.8)])
def test_draws_follow_temperature_and_nucleus(temperature, top_p):
    logits = np.log([0.4, 0.3, 0.15, 0.1, 0.05])
    p = np.exp(logits / temperature)
    p /= p.sum()
    if top_p:  # of 0.31, 0.27, 0.19, 0.15, 0.11 the first four: three have 0.76
        p[4] = 0
        p /= p.sum()
    count = 4000
    keys = np.random.default_rng(0).integers(0, 2**32, (count, 2), np.uint32)
    drawn = draw(jnp.tile(jnp.float32(logits), (count, 1)), keys, 3, temperature, top_p)
    observed = np.bincount(drawn, minlength=5)
    assert observed[p == 0].sum() == 0
    assert stats.chisquare(observed[p > 0], count * p[p > 0]).pvalue > 0.01


def test_a_small_nucleus_is_greedy():
    logits = jax.random.normal(jax.random.key(0), (50, 20))
    keys = np.arange(100, dtype=np.uint32).reshape(50, 2)
    assert (draw(logits, keys, 0, 1.0, 1e-6) == logits.argmax(1)).all()


def test_stop_strings_inside_and_across_tokens(written):
    prompts, _ = written
    made = recomputed(prompts[3], 20)
    position = next(n for n in range(3, 20) if made[n] not in made[:n] and made[n] != 1)
    pieces = {made[position]: "(STOP)"}
    vocabulary = Letters(pieces)
    text = vocabulary.decode(made[:position])
    make = generator(vocabulary)

    def stopped(*stop):
        return make.generate(prompts[3:4], greedy(20, stop), ["d"])[0][0]

    # Inside one token, whose beginning is kept; the token counts.
    assert stopped("STOP") == Completion(text + "(", position + 1, "stop")
    # Across tokens: begins in the one before.
    assert stopped(text[-1] + "(") == Completion(text[:-1], position + 1, "stop")
    # Of several, the one that is whole first, even if it begins later than another.
    longer = text[-2:] + "(STOP)" + vocabulary.decode(made[position + 1 : position + 2])
    assert stopped(longer, "TO") == Completion(text + "(S", position + 1, "stop")
    assert stopped("never") == make.generate(prompts[3:4], greedy(20), ["d"])[0][0]


def test_the_text_of_the_prompt_never_stops_an_answer(written):
    prompts, answers = written
    prompt_only = next(
        letter for letter in Letters().decode(prompts[4]) if letter not in answers[4][0].text
    )
    assert generator().generate(prompts[4:], greedy(30, (prompt_only,)), "e") == answers[4:]


def test_a_long_prompt_loses_its_beginning():
    (prompt,) = prompts_of(100)
    make = generator(longest=49)
    assert make.prompt_room(greedy(9)) == 40
    cropped = make.generate([prompt], greedy(9), ["a"])
    assert texts(cropped) == [[Letters().decode(recomputed(prompt[-40:], 9))]]
    # An answer gets half of the window at most, unless the prompt leaves it more.
    assert make.prompt_room(greedy(1000)) == 25
    (long,), (short,) = make.generate([prompt, prompt[:5]], greedy(1000), "ab")
    assert (long.tokens, short.tokens) == (24, 44)
    assert long.ended_by == short.ended_by == "length"


def test_progress_counts_every_answer_once():
    done = []
    sampling = Sampling(max_tokens=5, temperature=1.0, top_p=0.9, samples=2)
    generator().generate(prompts_of(3, 20, 4), sampling, "abc", done.append)
    assert sum(done) == 6


def test_what_goes_wrong_in_a_batch_is_raised_and_no_other_begins():
    told = []

    def refuse(done):
        told.append(done)
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        generator(batch_rows=1).generate(prompts_of(*[3] * 200), greedy(2), "a" * 200, refuse)
    assert len(told) < 200


@pytest.mark.parametrize("thread", ["_0", "_1"])
def test_an_interrupt_in_either_batch_ends_both_at_their_next_segment(thread):
    asked = prompts_of(3, 3), greedy(600), "ab"
    patient = generator(batch_rows=1, longest=700)
    told, after = [], []
    patient.generate(*asked, told.append)
    assert len(told) > 600 // 16 + 16  # nothing else ends them so soon

    def interrupt(done):
        if told:
            after.append(done)
        elif threading.current_thread().name.endswith(thread):
            told.append(done)
            raise KeyboardInterrupt

    told.clear()
    with pytest.raises(KeyboardInterrupt):
        patient.generate(*asked, interrupt)
    assert told and len(after) <= 2


def test_what_cannot_be_generated_is_refused():
    with pytest.raises(ValueError, match="begin it with EOS"):
        generator().generate([np.array([], np.int32)], greedy(1), ["a"])
    with pytest.raises(ValueError, match="1 prompts for 2 items"):
        generator().generate(prompts_of(3), greedy(1), ["a", "b"])


TEXTS = ["def add(a, b):\n    return a + b\n" * 20, "The answer is that it rains in Paris.\n" * 20]


@pytest.fixture(scope="module", params=["lossless", "default"])
def vocabulary(request, tmp_path_factory):
    """Our own way of training SentencePiece, and its default, which drops a text's first space."""
    path = tmp_path_factory.mktemp("vocabulary") / "small.model"
    if request.param == "lossless":
        path.write_bytes(train_model(TEXTS, 320))
    else:
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter("".join(TEXTS).split("\n")),
            model_writer=out,
            vocab_size=310,
            model_type="bpe",
            byte_fallback=True,
            minloglevel=2,
        )
        path.write_bytes(out.getvalue())
    return load_vocabulary(path, VocabularyConfig(str(path), size=0, allow_loss=True))


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("The answer is", " that it"), ("a =", " 字😀é"), ("", "a + b"), ("é字", "字 é")],
)
def test_what_tokens_add_is_text_that_keeps_spaces_and_characters(vocabulary, prompt, answer):
    prompt_ids, whole_ids = vocabulary.encode([prompt, prompt + answer])
    start = len(prompt_ids)
    assert (whole_ids[:start] == prompt_ids).all()  # otherwise the example shows nothing
    ids = np.append(vocabulary.eos_id, whole_ids)
    assert added_text(vocabulary, ids[: start + 1], ids[start + 1 :]) == answer


def test_a_character_that_the_prompt_begins_belongs_to_the_answer(vocabulary):
    ids = vocabulary.encode(["is字"])[0]
    assert added_text(vocabulary, ids[:-1], ids[-1:]) == "字"


def test_eight_devices_write_what_one_writes():
    program = """
    import jax
    from code_ablate.evaluation.sampling import Sampling
    from code_ablate.evaluation.generation import Generator
    from code_ablate.model import MeshConfig, make_mesh, param_shardings
    from tests.evaluation.test_generation import MODEL, Letters, params, prompts_of

    prompts = prompts_of(3, 20, 8)
    sampling = Sampling(max_tokens=12, stop=("q",), temperature=3.0, top_p=0.95, samples=3)
    results = []
    meshes = (make_mesh(MeshConfig(), jax.devices()[:1]), make_mesh(MeshConfig(2, 2, 2)))
    for mesh in meshes:
        placed = jax.device_put(params(), param_shardings(MODEL, mesh))
        generator = Generator(MODEL, placed, mesh, Letters(), longest=65, batch_rows=3)
        results.append(generator.generate(prompts, sampling, "abc"))
    assert results[0] == results[1]
    print(len({answer.text for answers in results[0] for answer in answers}))
    """
    assert int(run_on_eight_devices(program)) > 3  # otherwise the draws show little


@pytest.mark.parametrize(
    "sampling", [Sampling(max_tokens=4), Sampling(max_tokens=4, temperature=1)]
)
def test_logits_that_are_not_finite_are_refused_by_name(sampling):
    overflowing = {**params(), "embedding": jnp.full_like(params()["embedding"], 3e38)}
    broken = Generator(
        MODEL,
        overflowing,
        make_mesh(MeshConfig()),
        Letters(),
        longest=33,
        batch_rows=4,
        name="step 7 of runs/x",
    )
    with pytest.raises(UserError, match=r"step 7 of runs/x gives logits that are not finite"):
        broken.generate(prompts_of(3, 5), sampling, ["a", "b"])
