"""What a row of an evaluation set has to be: checked when it is read, whoever wrote it.

    checked_row(row, ("question",), ANSWERS, "line 3 of 'quiz.jsonl'")
    # {"question": "6 * 7?", "answers": 42}  ->  {"question": "6 * 7?", "answers": ["42"]}

A single string or a number as `answers` is a list of one, and an id may be a whole number. Nothing
else is converted: 0.5, "1" or true as `gold` would score the item by another option.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from code_ablate.errors import UserError
from code_ablate.evaluation.sets.known import ANSWERS, CHOICES
from code_ablate.evaluation.sets.origins import Row
from code_ablate.shown import brief

BROUGHT = {CHOICES: ("choices", "gold"), ANSWERS: ("answers",)}
"""What a form brings beside the fields of a set."""

_LONGEST_CLUSTER = 40
"""Characters of a name that a cluster keeps."""


def checked_row(row: Any, fields: Sequence[str], form: str, where: str) -> Row:
    """The row's fields and what its form asks for, and nothing more.

    Raises UserError that begins with `where`, naming the field, the value and what it must be.
    """
    if not isinstance(row, dict):
        raise UserError(f"{where} is {brief(row)}; it must be an object with named fields.")
    wanted = (*fields, *BROUGHT.get(form, ()))
    missing = [name for name in wanted if name not in row]
    if missing:
        has = ", ".join(sorted(map(str, row)))
        raise UserError(f"{where} lacks {', '.join(missing)}; it has {has}.")
    own: Row = {field: row[field] for field in fields}
    for field, value in own.items():
        _require_text(value, f"its {field!r}", where)
    if form == CHOICES:
        own["choices"] = _choices(row["choices"], where)
        own["gold"] = _gold(row["gold"], len(own["choices"]), where)
    if form == ANSWERS:
        own["answers"] = _answers(row["answers"], where)
    return own


def id_of(row: Row, where: str) -> str | None:
    """The row's id as a string; None without one. UserError if it is no string or whole number."""
    if "id" not in row:
        return None
    id = row["id"]
    if isinstance(id, int) and not isinstance(id, bool):
        return str(id)
    _require_text(id, "its 'id'", where)
    if not id:
        raise UserError(f"{where} has an empty 'id'; name it, or leave 'id' out.")
    return id


def cluster_name(value: Any, field: str, where: str) -> str:
    """A short name of what rows share: a whole number or a string, a long one by its digest."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    _require_text(value, f"its {field!r}", where)
    if len(value) <= _LONGEST_CLUSTER:
        return value
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def _choices(choices: Any, where: str) -> list[str]:
    if not isinstance(choices, list):
        raise UserError(f"{where} has {brief(choices)} as its 'choices'; it must be a list.")
    for number, choice in enumerate(choices):
        _require_text(choice, f"choice {number}", where)
    if len(choices) < 2:
        raise UserError(f"{where} has {len(choices)} choices; it needs two or more.")
    return list(choices)


def _gold(gold: Any, count: int, where: str) -> int:
    if not isinstance(gold, int) or isinstance(gold, bool):
        raise UserError(
            f"{where} has {brief(gold)} as its 'gold'; it must be the number of the right choice, "
            "counted from 0."
        )
    if not 0 <= gold < count:
        raise UserError(
            f"{where} has {count} choices and the gold index {gold}; it needs an index among them."
        )
    return gold


def _answers(answers: Any, where: str) -> list[str]:
    listed = answers if isinstance(answers, list) else [answers]
    if not listed:
        raise UserError(f"{where} has no answers; it needs one or more.")
    return [_answer(answer, where) for answer in listed]


def _answer(answer: Any, where: str) -> str:
    if isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer):
        return str(answer)
    _require_text(answer, "an answer", where)
    return answer


def _require_text(value: Any, what: str, where: str) -> None:
    if not isinstance(value, str):
        raise UserError(f"{where} has {brief(value)} as {what}; it must be a string.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{where} has half a character (a lone surrogate) in {what}: {brief(value)}."
        ) from None
