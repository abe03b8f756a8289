"""A problem: what is asked, a solution, tests that the solution passes, and where it comes from.

row = problem.row()                 # one line of a shard
Problem.from_row(row) == problem
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

COMPOSED, MINED = "composed", "mined"
"""The two routes."""


@dataclass(frozen=True)
class Problem:
    """A verified problem."""

    name: str
    """Its name: the route and its number, which with the seed determines it."""
    text: str
    """The document that is trained on: statement, solution and tests in one of several layouts."""
    language: str
    """'python', or 'markdown' where the layout is prose with blocks of code."""
    statement: str
    """What is asked, in English."""
    signature: str
    """The first line of the function that is asked for."""
    solution: str
    """Python that defines the function, with what it imports."""
    tests: tuple[str, ...]
    """Statements that fail where the function is wrong."""
    metadata: Mapping[str, Any]
    """family, difficulty (1 to 5), origin, licence; of a composed one also its operations, and what
    was checked: inputs, mutants, those that the tests tell apart."""

    def row(self) -> dict[str, Any]:
        """It as a JSON object."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Problem":
        """The problem that a JSON object holds."""
        return cls(**{**row, "tests": tuple(row["tests"])})
