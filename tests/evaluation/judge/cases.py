"""Pairs, and a judge for them, for the tests of this folder."""

import dataclasses

from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.pairs import Pair
from code_ablate.jobs import judge as judging
from tests.evaluation.judge.server import JudgeServer

KEY = "sk-never-to-be-seen"

# fair() prefers the later word: the candidate wins two, loses one, and one is equal.
PAIRS = [
    Pair("1", "Say a word.", "Say a word.", "zebra", "ant"),
    Pair("2", "Say another.", "Say another.", "yak", "bee, said at some length"),
    Pair("3", "And another.", "And another.", "cat", "dog"),
    Pair("4", "The last.", "The last.", "eel", "eel "),
]


def config_for(server, tmp_path, **changes):
    config = JudgeConfig(
        base_url=server.url,
        model="judge",
        key_variable="JUDGE_TEST_KEY",
        input_price=1.0,
        output_price=10.0,
        requests_per_minute=1e6,
        tokens_per_minute=1e9,
        concurrency=2,
        retries=2,
        cache=str(tmp_path / "cache.sqlite"),
    )
    return dataclasses.replace(config, **changes)


def judge(reply, tmp_path, pairs=PAIRS, **changes):
    """(what came of it, the server)."""
    with JudgeServer(reply) as server:
        return judging.by_endpoint(pairs, config_for(server, tmp_path, **changes), ""), server
