"""Many questions at once, within limits, against a server on this machine."""

import dataclasses
import json
import signal
import subprocess
import sys
import textwrap
import threading

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.analysis.estimation.win_rates import summarise_judgements
from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge import asking
from code_ablate.evaluation.judge.cache import AnswerCache
from code_ablate.evaluation.judge.pairs import Pair
from code_ablate.evaluation.judge.pairwise import questions_of
from code_ablate.jobs import judge as judging
from tests.evaluation.judge.cases import KEY, PAIRS, config_for, judge
from tests.evaluation.judge.server import JudgeServer, answers_of, completion, fair


def test_a_fair_judge_is_read_in_both_orders(tmp_path):
    judged, server = judge(fair, tmp_path)
    summary = summarise_judgements(judged.judgements)
    assert (summary.wins, summary.losses, summary.ties, summary.n) == (2, 1, 1, 4)
    assert summary.win_rate == 2.5 / 4
    assert summary.agreement == 1 and summary.first_position == 0.5 and summary.identical == 1
    # Equal answers make one question of two: whichever is preferred, the orders disagree.
    assert server.asked == judged.usage["requests"] == 7
    assert judged.usage["cost"] == pytest.approx(7 * (100 * 1.0 + 10 * 10.0) / 1e6)
    assert set(judged.judgements["model"]) == {"judge-2026"}
    body = server.bodies[0]
    assert body["model"] == "judge" and body["temperature"] == 0 and body["max_tokens"] == 512
    assert server.keys[0] == f"Bearer {KEY}"


def test_a_judge_that_always_takes_the_first_gives_ties(tmp_path):
    judged, _ = judge(lambda number, body: completion("Comparison: -\nPreferred: A"), tmp_path)
    summary = summarise_judgements(judged.judgements)
    assert (summary.wins, summary.losses, summary.ties) == (0, 0, 4)
    assert summary.first_position == 1 and summary.agreement == 0 and summary.sign_p == 1


def test_what_was_asked_once_is_not_asked_again(tmp_path):
    with JudgeServer(fair) as server:
        config = config_for(server, tmp_path)
        first = judging.by_endpoint(PAIRS, config, "")
        again = judging.by_endpoint(PAIRS, config, "")
        assert server.asked == 7 and again.usage["requests"] == 0 and again.usage["cost"] == 0
        pd.testing.assert_frame_equal(first.judgements, again.judgements)
        assert judging.estimate(PAIRS, config, "").cost == 0
        # The reply depends on the parameters: these are other questions.
        warmer = dataclasses.replace(config, parameters={"temperature": 0.5, "max_tokens": 512})
        judging.by_endpoint(PAIRS, warmer, "")
        assert server.asked == 14


TWICE = '{"choices": [{"message": {"content": "Preferred: A", "content": "Preferred: B"}}]}'

NONSENSE = {
    "no verdict": (completion("I like both."), "unparseable"),
    "another letter": (completion("Preferred: C"), "unparseable"),
    "both": (completion("Preferred: A or B"), "unparseable"),
    "nothing": (completion(None), "unparseable"),
    "cut off": (completion("Preferred: A", finish_reason="length"), "unparseable"),
    "thoughts alone": (completion(None, reasoning_content="Preferred: A"), "unparseable"),
    "refused by the model": (completion(None, refusal="Preferred: A"), "unparseable"),
    "a tool": (completion(None, finish_reason="tool_calls"), "unparseable"),
    "half a surrogate pair": (completion("half \ud83d of it"), "unparseable"),
    "half a pair in an error": ((400, {}, '{"error": {"message": "\\ud83d"}}'), "unanswered"),
    "two things at once": ((200, {}, TWICE), "unanswered"),
    "depth": ((200, {}, "[" * 100_000), "unanswered"),
    "not JSON": ((200, {}, f"<html>login please, {KEY}</html>"), "unanswered"),
    "no completion": ((200, {}, '{"choices": []}'), "unanswered"),
    "a list": ((200, {}, "[1, 2]"), "unanswered"),
    "refused": ((400, {}, '{"error": {"message": "content filter"}}'), "unanswered"),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_counted_and_not_guessed(tmp_path, nonsense):
    sent, status = NONSENSE[nonsense]

    def reply(number, body):
        return sent if "Say a word." in body["messages"][-1]["content"] else fair(number, body)

    with JudgeServer(reply) as server:
        config = config_for(server, tmp_path)
        judged = judging.by_endpoint(PAIRS, config, "")
        summary = summarise_judgements(judged.judgements)
        assert getattr(summary, status) == 1
        assert (summary.wins, summary.losses, summary.ties, summary.n) == (1, 1, 1, 3)
        assert summary.bounds == (1.5 / 4, 2.5 / 4)
        rows = judged.judgements[judged.judgements["item"] == "1"]
        assert set(rows["status"]) == {status} and rows["verdict"].isna().all()
        assert not rows["reply"].str.contains(KEY).any()
        assert rows["reply"].str.len().max() < 500
        about = {"candidate": "a", "baseline": "b", "task": "t"}
        judging.save(judged, about, tmp_path / "out")
        assert len(pd.read_parquet(tmp_path / "out" / "judgements.parquet")) == 2 * len(PAIRS)
        # A reply that cannot be read was paid for, and stays; a missing one is asked for again.
        before = server.asked
        judging.by_endpoint(PAIRS, config, "")
        assert server.asked - before == (0 if status == "unparseable" else 2)


def test_tokens_that_the_endpoint_does_not_count_are_the_most_that_they_can_be(tmp_path):
    text = "Comparison: -\nPreferred: A"

    def reply(number, body):
        sent = {"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": None}}
        return 200, {}, json.dumps(sent)

    judged, server = judge(reply, tmp_path)
    assert judged.usage["uncounted"] == server.asked == 7
    assert judged.usage["output_tokens"] == 7 * 512
    sent = sum(len(message["content"]) for body in server.bodies for message in body["messages"])
    assert judged.usage["input_tokens"] == pytest.approx(sent / 3, abs=7)


def test_an_endpoint_that_is_down_is_left_alone(tmp_path):
    pairs = [Pair(str(i), f"{i}?", f"{i}?", "a", "b") for i in range(50)]
    with JudgeServer(lambda number, body: (500, {}, "{}")) as server:
        with pytest.raises(Failed, match="8 requests in a row"):
            judging.by_endpoint(pairs, config_for(server, tmp_path, retries=0), "")
        assert asking.MOST_FAILURES <= server.asked <= asking.MOST_FAILURES + 2


def test_a_reply_that_never_comes_is_given_up(tmp_path):
    over = threading.Event()

    def reply(number, body):
        if "Say a word." in body["messages"][-1]["content"]:
            over.wait(60)
        return fair(number, body)

    try:
        judged, _ = judge(reply, tmp_path, timeout_seconds=0.5, retries=0)
    finally:
        over.set()
    assert summarise_judgements(judged.judgements).unanswered == 1
    assert judged.judgements["reply"].str.contains("APITimeoutError").sum() == 2


def test_as_many_are_asked_at_once_as_told(tmp_path):
    together = threading.Barrier(3, timeout=1000)

    def reply(number, body):
        together.wait()  # breaks, and so fails, unless three requests are under way
        return fair(number, body)

    judged, _ = judge(reply, tmp_path, PAIRS[:3], concurrency=3)
    assert judged.usage["failures"] == 0


def test_the_estimate_is_refused_above_the_ceiling(tmp_path):
    with JudgeServer(fair) as server:
        config = config_for(server, tmp_path)
        cost = judging.estimate(PAIRS, config, "").cost
        with pytest.raises(UserError, match=r"ceiling.*Nothing was asked"):
            judging.by_endpoint(PAIRS, dataclasses.replace(config, ceiling=cost * 0.99), "")
        assert server.asked == 0
        judging.by_endpoint(PAIRS, dataclasses.replace(config, ceiling=cost), "")
        assert server.asked == 7


def test_asking_stops_when_replies_cost_more_than_estimated(tmp_path):
    def costly(number, body):
        return completion("Preferred: A", output_tokens=100_000)  # a price of 1 each

    with JudgeServer(costly) as server:
        config = config_for(server, tmp_path, ceiling=2.5, concurrency=1)
        with pytest.raises(Failed, match=r"ceiling = 2\.5.*3 replies"):
            judging.by_endpoint(PAIRS, config, "")
        assert server.asked == 3
        judging.by_endpoint(PAIRS, dataclasses.replace(config, ceiling=10.0), "")
        assert server.asked == 7


def test_what_is_under_way_at_an_interrupt_is_kept(tmp_path):
    together = threading.Barrier(2, timeout=1000)

    def reply(number, body):
        together.wait()
        return fair(number, body)

    def interrupt_once(done, seen=[]):  # noqa: B006
        seen.append(done)
        if len(seen) == 1:
            raise KeyboardInterrupt

    with JudgeServer(reply) as server, AnswerCache(str(tmp_path / "cache.sqlite")) as cache:
        config = config_for(server, tmp_path)
        with judging.Endpoint(config) as endpoint, pytest.raises(KeyboardInterrupt):
            asking.ask_all(questions_of(PAIRS, config), endpoint, cache, config, interrupt_once)
        kept = [q for q in questions_of(PAIRS, config) if cache.get(q)]
        assert len(kept) == server.asked == 2


def test_a_kill_loses_nothing_that_was_answered(tmp_path):
    reached, over = threading.Event(), threading.Event()

    def reply(number, body):
        if number == 3:
            reached.set()
            over.wait(60)
        return fair(number, body)

    script = """
        import sys
        from code_ablate.evaluation.judge.asking import ask_all
        from code_ablate.evaluation.judge.cache import AnswerCache
        from code_ablate.evaluation.judge.config import JudgeConfig
        from code_ablate.evaluation.judge.endpoint import Endpoint
        from code_ablate.evaluation.judge.pairwise import questions_of
        from code_ablate.evaluation.judge.pairs import Pair
        import json
        fields, pairs = json.loads(sys.argv[1])
        config = JudgeConfig(**fields)
        with AnswerCache(config.cache) as cache, Endpoint(config) as endpoint:
            ask_all(questions_of([Pair(*p) for p in pairs], config), endpoint, cache, config)
    """
    with JudgeServer(reply) as server:
        config = config_for(server, tmp_path, concurrency=1)
        told = [dataclasses.asdict(config), [dataclasses.astuple(pair) for pair in PAIRS]]
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), json.dumps(told)],
            stderr=subprocess.PIPE,
        )
        assert reached.wait(60), child.communicate()
        child.send_signal(signal.SIGKILL)
        child.communicate()
        over.set()
        before = server.asked
        judged = judging.by_endpoint(PAIRS, config, "")
    # Three were answered before the kill; the fourth was under way and is asked again.
    assert before == 4 and server.asked == before + 4
    assert set(judged.judgements["status"]) == {"judged"}


def test_the_key_is_nowhere(tmp_path, capsys):
    judged, _ = judge(fair, tmp_path)
    about = {"candidate": "a", "baseline": "b", "task": "t"}
    printed = judging.save(judged, about, tmp_path / "out") + "".join(capsys.readouterr())
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"judgements.parquet", "judging.json", "cache.sqlite"} <= {p.name for p in written}
    assert KEY not in printed
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    saved = json.loads((tmp_path / "out" / "judging.json").read_text())
    assert saved["summary"]["wins"] == 2 and saved["usage"]["requests"] == 7


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 400)), max_size=80),
    st.floats(1, 100),
    st.floats(100, 5000),
)
def test_no_minute_holds_more_than_is_allowed(arrivals, per_minute, tokens_per_minute):
    pace, now, begun = asking.Pace(per_minute, tokens_per_minute), 0.0, []
    for wait, tokens in arrivals:
        begun.append((pace.begin(now, tokens), tokens))
        assert begun[-1][0] >= now
        now = begun[-1][0] + wait
    for start, _ in begun:
        minute = [tokens for at, tokens in begun if start <= at < start + 60 - 1e-6]
        assert len(minute) <= per_minute + 1
        assert sum(minute[:-1]) <= tokens_per_minute * (1 + 1e-6)


def test_an_idle_pace_lets_the_first_through():
    assert asking.Pace(1, 1).begin(5.0, 100) == 5.0


def test_what_may_have_been_paid_for_counts(tmp_path):
    with JudgeServer(lambda number, body: (200, {}, "<html>")) as server:
        config = config_for(server, tmp_path)
        expected = judging.estimate(PAIRS, config, "").cost
        assert judging.by_endpoint(PAIRS, config, "").usage["cost"] == pytest.approx(expected)
    with JudgeServer(lambda number, body: (400, {}, "{}")) as server:
        assert judging.by_endpoint(PAIRS, config_for(server, tmp_path), "").usage["cost"] == 0


@pytest.mark.parametrize("count", [-(10**9), 0, "0", None, True, float("nan"), 10**30])
def test_no_count_leads_past_the_ceiling(tmp_path, count):
    """The first reply costs as much as it may by estimate; nothing makes it less."""

    def reply(number, body):
        return completion("Preferred: A", input_tokens=count, output_tokens=count)

    with JudgeServer(reply) as server:
        config = config_for(server, tmp_path)
        expected = judging.estimate(PAIRS, config, "").cost
        judged = judging.by_endpoint(PAIRS, config, "")
    assert judged.usage["cost"] == pytest.approx(expected)
    judging.save(judged, {"candidate": "a", "baseline": "b", "task": "t"}, tmp_path / "out")


def test_two_that_judge_the_same_at_once_pay_once(tmp_path):
    begun, go_on, results = threading.Event(), threading.Event(), []

    def reply(number, body):
        begun.set()
        go_on.wait(60)
        return fair(number, body)

    with JudgeServer(reply) as server:
        config = config_for(server, tmp_path)

        def work():
            results.append(judging.by_endpoint(PAIRS, config, ""))

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert begun.wait(60)
        go_on.set()
        for thread in threads:
            thread.join(60)
    assert server.asked == 7
    assert sorted(judged.usage["requests"] for judged in results) == [0, 7]
    pd.testing.assert_frame_equal(*(judged.judgements for judged in results))


def test_an_error_that_nobody_foresaw_loses_no_reply(tmp_path):
    two, raised = threading.Event(), threading.Event()

    def reply(number, body):
        if number == 1:
            two.set()
        if answers_of(body) != ["zebra", "ant"]:  # the first question is answered at once
            raised.wait(60)
        return fair(number, body)

    with JudgeServer(reply) as server, AnswerCache(str(tmp_path / "cache.sqlite")) as cache:
        config = config_for(server, tmp_path)
        questions = questions_of(PAIRS, config)
        with judging.Endpoint(config) as endpoint:
            ask = endpoint.ask

            def broken(question):
                reply = ask(question)
                if question is questions[0]:
                    two.wait(60)
                    raised.set()
                    raise ZeroDivisionError
                return reply

            endpoint.ask = broken
            with pytest.raises(ZeroDivisionError):
                asking.ask_all(questions, endpoint, cache, config)
        kept = {question.key for question in questions if cache.get(question)}
        assert len(kept) == server.asked - 1 >= 1


def test_a_reply_that_cannot_be_kept_ends_the_asking(tmp_path):
    with JudgeServer(fair) as server, AnswerCache(str(tmp_path / "cache.sqlite")) as cache:
        config = config_for(server, tmp_path, concurrency=1)
        cache._connection.execute("PRAGMA query_only = ON")
        with (
            judging.Endpoint(config) as endpoint,
            pytest.raises(Failed, match=r"cannot be kept.* 0 replies of this call are kept"),
        ):
            asking.ask_all(questions_of(PAIRS, config), endpoint, cache, config)
        assert server.asked == 1


@pytest.mark.parametrize(
    "change",
    [
        (judging.prompt, "DIGEST", "other words"),
        (judging.prompt, "VERSION", 99),
        (judging.verdict, "VERSION", 99),
    ],
)
def test_another_wording_or_reading_is_another_comparison(tmp_path, monkeypatch, change):
    answers = judging.Answers(PAIRS, {"candidate": "a", "baseline": "b", "task": "t"})
    with JudgeServer(fair) as server:
        config = config_for(server, tmp_path)
        same = {answers.directory(judging.by_endpoint(PAIRS, config, ""), "r") for _ in range(2)}
        other_model = dataclasses.replace(config, model="another")
        others = {answers.directory(judging.by_endpoint(PAIRS, other_model, ""), "r")}
        monkeypatch.setattr(*change)
        others.add(answers.directory(judging.by_endpoint(PAIRS, config, ""), "r"))
    assert len(same) == 1 and len(others) == 2 and not same & others


def test_other_words_are_another_question(tmp_path, monkeypatch):
    with JudgeServer(fair) as server:
        config = config_for(server, tmp_path)
        judging.by_endpoint(PAIRS, config, "")
        monkeypatch.setattr(judging.prompt, "_QUESTION", judging.prompt._QUESTION + " ")
        judging.by_endpoint(PAIRS, config, "")
    assert server.asked == 14
