"""An endpoint that fails, lies or leads elsewhere, on this machine."""

import json
import sys

import pytest

from code_ablate.analysis.estimation.win_rates import summarise_judgements
from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.endpoint import LONGEST_ERROR
from code_ablate.evaluation.judge.pairs import Pair
from code_ablate.jobs import judge as judging
from tests.evaluation.judge.cases import KEY, PAIRS, config_for, judge
from tests.evaluation.judge.server import JudgeServer, fair


@pytest.mark.parametrize(
    "trouble",
    [
        (500, {"retry-after-ms": "1"}, "{}"),
        (429, {"Retry-After": "0.001"}, '{"error": {"message": "slower"}}'),
        (503, {"Retry-After": "0.001"}, "<html>"),
    ],
)
def test_errors_and_limits_are_retried(tmp_path, trouble):
    def reply(number, body):
        return trouble if number in (0, 3) else fair(number, body)

    judged, server = judge(reply, tmp_path)
    assert server.asked == 9
    assert judged.usage["retries"] == 2 and judged.usage["failures"] == 0
    assert set(judged.judgements["status"]) == {"judged"}


def test_the_client_waits_as_long_as_the_server_says(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)

    def reply(number, body):
        return fair(number, body) if number else (429, {"Retry-After": "77"}, "{}")

    judge(reply, tmp_path, PAIRS[3:], concurrency=1)
    assert 77 in waits


def test_a_wrong_key_stops_at_once_and_is_not_repeated(tmp_path):
    def reply(number, body):
        return 401, {}, json.dumps({"error": {"message": f"no such key: {KEY}"}})

    pairs = [Pair(str(i), f"{i}?", f"{i}?", "a", "b") for i in range(50)]
    with JudgeServer(reply) as server, pytest.raises(Failed) as failed:
        judging.by_endpoint(pairs, config_for(server, tmp_path), "")
    assert "no such key: (key)" in str(failed.value) and KEY not in str(failed.value)
    assert server.asked <= 4


def test_a_missing_client_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with JudgeServer(fair) as server, pytest.raises(UserError, match=r"code-ablate\[judge\]"):
        judging.by_endpoint(PAIRS, config_for(server, tmp_path), "")


def test_a_server_of_ones_own_needs_no_key(tmp_path):
    judged, server = judge(fair, tmp_path, key_variable="")
    assert summarise_judgements(judged.judgements).n == 4 and KEY not in server.keys[0]


@pytest.mark.parametrize("wrong", [f"{KEY}\n", f" {KEY}", "schlüssel", "two words"])
def test_a_key_that_cannot_be_one_is_refused_and_not_repeated(tmp_path, monkeypatch, wrong):
    monkeypatch.setenv("JUDGE_TEST_KEY", wrong)
    with JudgeServer(fair) as server, pytest.raises(UserError, match="JUDGE_TEST_KEY") as error:
        judging.by_endpoint(PAIRS, config_for(server, tmp_path), "")
    assert server.asked == 0 and wrong.strip() not in str(error.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_questions_go_to_no_other_address(tmp_path, status):
    with JudgeServer(fair) as other:
        sent = status, {"Location": f"{other.url}/chat/completions"}, ""
        with (
            JudgeServer(lambda number, body: sent) as server,
            pytest.raises(Failed, match=r"set JudgeConfig\.base_url.*sends questions on to"),
        ):
            judging.by_endpoint(PAIRS, config_for(server, tmp_path), "")
    assert other.asked == 0


def test_an_error_is_one_short_line_without_the_key(tmp_path):
    page = f"<html>\x1b[2J\n{KEY}" + "x" * 10**6
    sent = json.dumps({"error": {"message": page}})
    judged, _ = judge(lambda number, body: (400, {}, sent), tmp_path, PAIRS[:1])
    for reply in judged.judgements["reply"]:
        assert len(reply) < 500 and reply.isprintable()
        assert "<html>" in reply and "(key)" in reply and KEY not in reply


def test_part_of_a_key_is_not_shown_either(tmp_path):
    prefix = len("not a chat completion: ")
    page = "x" * (LONGEST_ERROR - prefix - 10) + KEY  # cut within the key, if it were not hidden
    judged, _ = judge(lambda number, body: (200, {}, page), tmp_path, PAIRS[3:])
    assert "x(key)" in judged.judgements["reply"][0] and "sk-" not in judged.judgements["reply"][0]


@pytest.mark.parametrize(
    "wait", ["soon", "-1", "nan", "inf", "", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400, "1e999"]
)
def test_nonsense_about_when_to_ask_again_does_not_stop_the_rest(tmp_path, monkeypatch, wait):
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def reply(number, body):
        return (429, {"Retry-After": wait}, "{}") if number == 0 else fair(number, body)

    judged, _ = judge(reply, tmp_path, concurrency=1)
    assert (judged.judgements["status"] == "judged").sum() >= 7
