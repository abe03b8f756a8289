"""The file of replies, whole and damaged."""

import dataclasses
import sqlite3

import pytest

from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.cache import AnswerCache
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.exchange import Question, Reply

QUESTION = Question("https://h/v1", "m", [{"role": "user", "content": "q"}], {"max_tokens": 5})
REPLY = Reply("Preferred: A", "m-1", "stop", 3, 4)
CONFIG = JudgeConfig(base_url="https://h/v1", model="m", input_price=1.0, output_price=1.0)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "cache.sqlite"
    with AnswerCache(str(path)) as cache:
        cache.put(QUESTION, REPLY)
    return path


def write(path, reply):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE replies SET reply = ?", (reply,))
    connection.close()


def test_what_is_put_is_got(path):
    with AnswerCache(str(path)) as cache:
        assert cache.get(QUESTION) == REPLY
        assert cache.get(dataclasses.replace(QUESTION, model="n")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://i/v1"},
        {"model": "n"},
        {"messages": [{"role": "user", "content": "q "}]},
        {"parameters": {"max_tokens": 6}},
    ],
)
def test_a_reply_is_to_that_question_alone(path, change):
    other = dataclasses.replace(QUESTION, **change)
    with AnswerCache(str(path)) as cache:
        assert other.key != QUESTION.key and cache.get(other) is None


def test_text_that_was_kept_before_it_was_made_storable_is_mended(path):
    write(path, REPLY_TEXT.replace("Preferred", r"\ud83d"))
    with AnswerCache(str(path)) as cache:
        assert cache.get(QUESTION).text == "\ufffd: A"


REPLY_TEXT = (
    '{"text": "Preferred: A", "model": "m", "finish_reason": "stop", "input_tokens": 3, '
    '"output_tokens": 4}'
)
DAMAGED_ROWS = {
    "cut": REPLY_TEXT[:30],
    "a list": "[1]",
    "a field more": REPLY_TEXT.replace("{", '{"mood": 1, '),
    "a field less": '{"text": "x"}',
    "another type": REPLY_TEXT.replace("3", '"3"'),
    "bytes": b"\xff\xfe",
    "a number": 7,
}


@pytest.mark.parametrize("damage", DAMAGED_ROWS)
def test_a_damaged_reply_is_named_with_what_to_do(path, damage):
    write(path, DAMAGED_ROWS[damage])
    with AnswerCache(str(path)) as cache:
        with pytest.raises(UserError, match=r"damaged reply.*DELETE FROM replies") as error:
            cache.get(QUESTION)
        statement = str(error.value).split('"')[-2]
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    with AnswerCache(str(path)) as cache:
        assert cache.get(QUESTION) is None


def test_text_that_is_not_utf8_is_a_damaged_reply_and_no_damaged_file(path):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE replies SET reply = CAST(x'7bff' AS TEXT), question = reply")
        connection.execute("UPDATE replies SET question = CAST(x'7bff' AS TEXT)")
    connection.close()
    with AnswerCache(str(path)) as cache:
        with pytest.raises(UserError, match=r"damaged reply.*DELETE FROM replies"):
            cache.get(QUESTION)
        cache.put(QUESTION, REPLY)
        assert cache.get(QUESTION) == REPLY


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "text"
    text.write_text("item,verdict\n" * 500)
    table = tmp_path / "table"
    with sqlite3.connect(table) as connection:
        connection.execute("CREATE TABLE replies (key TEXT, answer TEXT)")
    connection.close()
    for path in (text, table, tmp_path):
        before = path.is_file() and path.read_bytes()
        with pytest.raises(UserError, match=r"set JudgeConfig\.cache"):
            AnswerCache(str(path))
        assert (path.is_file() and path.read_bytes()) == before


def test_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "cache.sqlite"
    questions = [dataclasses.replace(QUESTION, model=str(i)) for i in range(200)]
    with AnswerCache(str(path)) as cache:
        for question in questions:
            cache.put(question, REPLY)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="not a readable file of replies"):  # noqa: SIM117
        with AnswerCache(str(path)) as cache:
            for question in questions:
                cache.get(question)


def test_memory_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with AnswerCache(":memory:") as cache:
        cache.put(QUESTION, REPLY)
    with AnswerCache(":memory:") as cache:
        assert cache.get(QUESTION) == REPLY


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_asked(path):
    with sqlite3.connect(path) as other, AnswerCache(str(path)) as cache:
        cache._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(UserError, match="cannot be written to"), cache.alone(CONFIG):
            pass
        with pytest.raises(Failed, match="cannot be kept"):
            cache.put(QUESTION, REPLY)
    other.close()
