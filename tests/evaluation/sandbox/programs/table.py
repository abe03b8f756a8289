"""The table that the modules beside it fill."""

TASKS: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {}
"""Name -> (right program, its tests, wrong variants).

A variant is a text of the program, and what is put there.
"""


def task(name: str, solution: str, tests: str, *variants: tuple[str, str]) -> None:
    """Adds a program."""
    assert name not in TASKS and all(old in solution for old, _ in variants), name
    TASKS[name] = (solution, tests, variants)
