"""Replies that were paid for, in a file that a kill at any moment leaves whole.

    with AnswerCache("data/judge_cache.sqlite") as cache, cache.alone(config):
        cache.put(question, reply)
        cache.get(question)

A reply is kept under a hash of endpoint, model, messages and parameters: the same question is not
paid for twice, by any comparison that shares the file. Keys and headers are not part of it. Kept is
what the model said, not how it was read: replies are read anew by each comparison.
"""

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from code_ablate import locks, own_file
from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.exchange import Question, Reply
from code_ablate.identity import identity
from code_ablate.shown import shown, storable
from code_ablate.storage import is_remote


class AnswerCache:
    """A SQLite file. Several processes may use it at once."""

    def __init__(self, path: str):
        """Opens or creates `path`. Raises UserError if it is not a file of replies on a disk."""
        if is_remote(path):
            raise UserError(f"JudgeConfig.cache = {path!r}: name a file on a local disk.")
        # As a whole path: SQLite takes ":memory:" for no file at all.
        self._path = Path(path).absolute()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=60.0)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS replies "
                "(key TEXT PRIMARY KEY, question TEXT NOT NULL, reply TEXT NOT NULL)"
            )
            self._connection.execute("SELECT key, question, reply FROM replies LIMIT 0")
        except (OSError, sqlite3.Error) as error:
            raise self._unreadable(str(error)) from None

    def __enter__(self) -> "AnswerCache":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def alone(self, config: JudgeConfig) -> Iterator[None]:
        """Lets one process at a time ask a judge; what it is told, the next one finds here.

        Raises UserError, before anything is paid for, if the file cannot be written to.
        """
        name = f"{self._path.name}-{identity([config.base_url, config.model])}.lock"
        try:
            # BEGIN IMMEDIATE is refused where writing would be.
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.rollback()
            lock = (self._path.parent / name).open("ab")
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"{self._path} cannot be written to ({error}): make it writable, or set "
                "JudgeConfig.cache to another file."
            ) from None
        with lock:
            locks.wait_for(lock, f"waiting for another process that asks {config.model} ...")
            yield

    def get(self, question: Question) -> Reply | None:
        """The reply to an equal question, if there is one. Raises UserError if it is damaged."""
        try:
            row = self._connection.execute(
                # As bytes: of text that is no UTF-8, sqlite3 would say that the file is damaged.
                "SELECT CAST(reply AS BLOB) FROM replies WHERE key = ?",
                (question.key,),
            ).fetchone()
        except sqlite3.Error as error:
            raise self._unreadable(str(error)) from None
        if row is None:
            return None
        try:
            fields = {name: storable(value) for name, value in json.loads(row[0].decode()).items()}
            return own_file.build(Reply, fields)
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{self._path} holds a damaged reply ({shown(error)}): sqlite3 {self._path} "
                f"\"DELETE FROM replies WHERE key = '{question.key}'\" removes it, and it is asked "
                "for again."
            ) from None

    def put(self, question: Question, reply: Reply) -> None:
        """Keeps a reply; it is on disk when this returns. Raises Failed if it cannot be."""
        texts = [json.dumps(dataclasses.asdict(thing)) for thing in (question, reply)]
        try:
            with self._connection:  # one transaction
                self._connection.execute(
                    "INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (question.key, *texts)
                )
        except sqlite3.Error as error:
            raise Failed(f"a reply cannot be kept in {self._path} ({error}): mend that.") from error

    def _unreadable(self, why: str) -> UserError:
        return UserError(
            f"{self._path} is not a readable file of replies ({why}): move it away, put back a "
            "copy, or set JudgeConfig.cache to another file."
        )
