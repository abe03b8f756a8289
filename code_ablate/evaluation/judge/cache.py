"""Replies that were paid for, in a file that a kill at any moment leaves whole.

    with AnswerCache("data/judge_cache.sqlite") as cache:
        cache.put(question, reply)
        cache.get(question)

A reply is kept under a hash of endpoint, model, messages and parameters: the same question is not
paid for twice, by any comparison that shares the file. Keys and headers are not part of it.
"""

import dataclasses
import json
import sqlite3
from pathlib import Path
from typing import Any

from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.endpoint import Question, Reply
from code_ablate.storage import is_remote


class AnswerCache:
    """A SQLite file. Several processes may use it at once."""

    def __init__(self, path: str):
        """Opens or creates `path`. Raises UserError if it is no file on a disk."""
        if is_remote(path):
            raise UserError(f"JudgeConfig.cache = {path!r}: name a file on a local disk.")
        self._path = path
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=60.0)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS replies "
                "(key TEXT PRIMARY KEY, question TEXT NOT NULL, reply TEXT NOT NULL)"
            )
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"the cache of replies {path} cannot be opened ({error}): set JudgeConfig.cache."
            ) from None

    def __enter__(self) -> "AnswerCache":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._connection.close()

    def get(self, question: Question) -> Reply | None:
        """The reply to an equal question, if there is one."""
        row = self._execute("SELECT reply FROM replies WHERE key = ?", question.key).fetchone()
        try:
            return Reply(**json.loads(row[0])) if row else None
        except (TypeError, ValueError):  # of another version, or damaged: it is asked again
            return None

    def put(self, question: Question, reply: Reply) -> None:
        """Keeps a reply; it is on disk when this returns."""
        texts = [json.dumps(dataclasses.asdict(thing)) for thing in (question, reply)]
        with self._connection:  # one transaction
            self._execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", question.key, *texts)

    def _execute(self, statement: str, *values: str) -> sqlite3.Cursor:
        """Raises Failed for a file that cannot be read or written."""
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise Failed(
                f"the cache of replies {self._path}: {error}. What it held before stays; free the "
                "disk or set JudgeConfig.cache to another file."
            ) from None
