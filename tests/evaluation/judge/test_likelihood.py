"""The judge that needs no network."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from code_ablate.errors import UserError
from code_ablate.evaluation.judge.likelihood import judge_by_likelihood
from code_ablate.evaluation.judge.pairs import Pair
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.scoring import Scorer
from code_ablate.identity import to_plain
from code_ablate.jobs import judge as judging
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.model.transformer import init_params
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import TrainState
from tests.conftest import TINY


class Bytes:
    """A token per byte."""

    eos_id, digest = 1, "fake"

    def encode(self, texts):
        return [np.array([*text.encode()], np.int32) for text in texts]


PAIRS = [
    Pair("a", "not shown", "Why?", " because", " it is so, é"),
    Pair("b", "not shown", "What?", " this", " that thing over there"),
    Pair("c", "not shown", "Who?", " me", " me\n"),
    Pair("d", "not shown", "How?", " so", " \n"),
]


def scorer_of(params):
    return Scorer(TINY, params, make_mesh(MeshConfig()), longest=17)


@pytest.fixture(scope="module")
def scorer():
    return scorer_of(init_params(TINY, 0))


def test_the_likelier_per_byte_wins(scorer):
    def alone(pair, answer):
        tokens = np.array([1, *pair.input.encode(), *answer.encode()], np.int32)
        first = 1 + len(pair.input.encode())
        return scorer.score([Request(tokens, first)])[0] / len(answer.encode())

    rows = judge_by_likelihood(PAIRS, scorer, Bytes()).set_index("item")
    for pair in PAIRS[:2]:
        candidate, baseline = alone(pair, pair.candidate), alone(pair, pair.baseline)
        row = rows.loc[pair.item]
        assert row["candidate_nats_per_byte"] == pytest.approx(candidate, rel=1e-5)
        assert row["baseline_nats_per_byte"] == pytest.approx(baseline, rel=1e-5)
        assert row["verdict"] == ("candidate" if candidate > baseline else "baseline")
        assert row["status"] == "judged" and row["order"] == "none"


def test_turned_round_the_verdicts_are_too(scorer):
    turned = [dataclasses.replace(p, candidate=p.baseline, baseline=p.candidate) for p in PAIRS]
    one = judge_by_likelihood(PAIRS, scorer, Bytes())["verdict"]
    other = judge_by_likelihood(turned, scorer, Bytes())["verdict"]
    swap = {"candidate": "baseline", "baseline": "candidate", "equal": "equal"}
    assert one.map(swap).tolist()[:3] == other.tolist()[:3]


def test_equal_answers_tie_and_an_empty_one_is_left_out(scorer):
    rows = judge_by_likelihood(PAIRS, scorer, Bytes()).set_index("item")
    assert rows.loc["c", "verdict"] == "equal"
    assert rows.loc["d", "status"] == "unparseable" and rows["verdict"].isna()["d"]


def test_a_run_judges_and_everything_says_how(tmp_path, phase):
    run = RunDirectory(epath.Path(tmp_path / "run-0f3c"), "0f3c")
    run.write_config({}, to_plain(phase), "", vocabulary="fake", device="cpu")
    params = init_params(TINY, 0)
    with Checkpoints(run.checkpoints) as checkpoints:
        checkpoints.save(4, TrainState(params, {"count": jnp.int32(0)}), {})
    judged = judging.by_likelihood(PAIRS, run, Bytes(), MeshConfig())
    about = {"candidate": "a", "baseline": "b", "task": "t"}
    printed = judging.save(judged, about, tmp_path / "out")
    saved = json.loads((tmp_path / "out" / "judging.json").read_text())
    label = "mean log-likelihood per byte under a reference model: how expected an answer is"
    assert label in printed and label in saved["judge"]["name"]
    assert label in (tmp_path / "out" / "judgements.parquet").read_bytes().decode("latin-1")
    assert saved["judge"]["run"] == run.identity and saved["judge"]["step"] == 4
    expected = judge_by_likelihood(PAIRS, scorer_of(params), Bytes())
    assert judged.judgements["verdict"].tolist() == expected["verdict"].tolist()
    assert saved["summary"]["n"] == 3 and saved["summary"]["agreement"] is None

    class Other(Bytes):
        digest = "another"

    with pytest.raises(UserError, match="trained with vocabulary"):
        judging.by_likelihood(PAIRS, run, Other(), MeshConfig())
