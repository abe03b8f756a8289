"""The phases of a study as a graph: boxes by depth, a row for each way through, named above it.

    graph = phase_graph(report, "1.07M")
    graph.boxes[0].title, graph.boxes[0].share, graph.arrows, graph.names

Phases that differ in the seed alone are one box. Positions are in the units of an SVG's viewBox,
which a template draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.phrases import counted, joined, number_range
from code_ablate.analysis.results.study_record import PhaseRecord

_BOX_HEIGHT, _NAME_HEIGHT = 62, 20
_LEAST_WIDTH = 150
_GAP_X, _GAP_Y = 46, 14
_LETTER = 7.4
"""Width of a letter, a little more than most have."""
_MOST_NAMES = 3
"""Recipes that are named in a row, at most."""


@dataclass(frozen=True)
class Box:
    """A phase, of all seeds."""

    x: float
    """Left edge."""
    y: float
    """Upper edge."""
    title: str
    """Name of the phase, and how many seeds have it."""
    tokens: str
    """Tokens of one seed."""
    share: float
    """Share of the source in its mixture, 0 to 1."""
    mixture: str
    """Its mixture, in words."""


@dataclass(frozen=True)
class PhaseGraph:
    """Boxes, and what joins them."""

    boxes: tuple[Box, ...]
    """The phases."""
    arrows: tuple[tuple[float, float, float, float], ...]
    """From the right of a phase to the left of one that continues it: x, y, x, y."""
    names: tuple[tuple[float, float, str], ...]
    """x, y and the recipes that end there."""
    box_width: float
    """Width of every box."""
    box_height: float
    """Height of every box."""
    width: float
    """Width of the whole."""
    height: float
    """Height of the whole."""


@dataclass(frozen=True)
class _Node:
    """A phase, of all seeds, and what continues it."""

    phase: PhaseRecord
    identities: list[str]
    recipes: list[str]
    ending: list[str]
    children: "list[_Node]"
    tokens: list[int]

    @property
    def title(self) -> str:
        """Name of the phase, and how many seeds have it."""
        name = self.phase.name.replace("_", " ")
        return f"{name} × {len(self.identities)}" if len(self.identities) > 1 else name


def phase_graph(report: Report, size: str) -> PhaseGraph:
    """The graph of one model size."""
    roots = _nodes(report, size)
    titles = [node.title for root in roots for node in _all(root)]
    box_width = max(_LEAST_WIDTH, 20 + _LETTER * max(map(len, titles)))
    boxes: list[Box] = []
    arrows: list[tuple[float, float, float, float]] = []
    names: list[tuple[float, float, str]] = []

    def top(row: int) -> float:
        return row * (_NAME_HEIGHT + _BOX_HEIGHT + _GAP_Y) + _NAME_HEIGHT

    def place(node: _Node, depth: int, row: int) -> int:
        """Places a node and what continues it from `row` on; returns the next free row."""
        x, y = depth * (box_width + _GAP_X), top(row)
        right, middle = x + box_width, y + _BOX_HEIGHT / 2
        boxes.append(_box(report, node, x, y))
        free = row
        for child in node.children:
            arrows.append((right, middle, right + _GAP_X, top(free) + _BOX_HEIGHT / 2))
            free = place(child, depth + 1, free)
        if node.children and node.ending:  # some recipes go on, others do not
            name_middle = top(free) + _BOX_HEIGHT / 2
            arrows.append((right, middle, right + _GAP_X, name_middle))
            names.append((right + _GAP_X + 8, name_middle + 4, _names(node.ending)))
            free += 1
        elif node.ending:
            names.append((0.0, y - 6, _names(node.ending)))
        return max(free, row + 1)

    rows = 0
    for root in roots:
        rows = place(root, 0, rows)
    ends = [x + _LETTER * len(text) for x, _, text in names]
    width = max(*ends, *(box.x + box_width for box in boxes))
    height = top(rows) - _NAME_HEIGHT - _GAP_Y
    drawn = (tuple(boxes), tuple(arrows), tuple(names))
    return PhaseGraph(*drawn, box_width, _BOX_HEIGHT, width, height)


def _all(node: _Node) -> list[_Node]:
    return [node, *(below for child in node.children for below in _all(child))]


def _names(recipes: Sequence[str]) -> str:
    if len(recipes) <= _MOST_NAMES:
        return joined(recipes)
    return f"{', '.join(recipes[: _MOST_NAMES - 1])} and {len(recipes) - _MOST_NAMES + 1} more"


def _box(report: Report, node: _Node, x: float, y: float) -> Box:
    phase, seeds = node.phase, len(node.identities)
    return Box(
        x,
        y,
        node.title,
        f"{number_range(node.tokens)} tokens",
        phase.shares[report.record.source],
        f"{phase.mixture}; {counted(seeds, 'seed')}; used by {joined(node.recipes)}",
    )


def _nodes(report: Report, size: str) -> list[_Node]:
    """The phases of a size that start from initialisation, with all that continue them.

    In the order of the recipes. Phases are the same but for the seed if they stand at the same
    place of the same recipes' chains.
    """
    record = report.record
    roots: list[_Node] = []
    known: dict[tuple, _Node] = {}
    order = {recipe.name: i for i, recipe in enumerate(record.recipes)}
    arms = [arm for arm in report.results.last_arms if arm.arm.size == size]
    users = _users(report, size)
    for arm in sorted(arms, key=lambda arm: order[arm.arm.recipe]):
        way: tuple = ()
        siblings = roots
        for identity in arm.phases:
            phase = record.phases[identity]
            way = (*way, (phase.name, phase.mixture, users[identity]))
            node = known.get(way)
            if node is None:
                node = _Node(phase, [], [], [], [], [])
                known[way] = node
                siblings.append(node)
            if identity not in node.identities:
                node.identities.append(identity)
                node.tokens.append(phase.tokens)
            if arm.arm.recipe not in node.recipes:
                node.recipes.append(arm.arm.recipe)
            siblings = node.children
            if identity == arm.phase and arm.arm.recipe not in node.ending:
                node.ending.append(arm.arm.recipe)
    return roots


def _users(report: Report, size: str) -> Mapping[str, frozenset[str]]:
    """The recipes that need each phase."""
    users: dict[str, set[str]] = {}
    for arm in report.record.arms:
        if arm.arm.size == size:
            for identity in arm.phases:
                users.setdefault(identity, set()).add(arm.arm.recipe)
    return {identity: frozenset(recipes) for identity, recipes in users.items()}
