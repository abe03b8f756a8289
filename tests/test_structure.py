"""The rooms of the package, read from its imports, those within functions included.

Which room may know which stands in KNOWS; the README's architecture section says why.
"""

import ast
import collections
import functools
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BASE = {
    *("errors", "identity", "checked", "names", "storage", "own_file", "locks"),
    *("distributed", "progress", "chips", "allocator", "shipped", "shown", "source_commit"),
    "worker_process",
    "logged_metrics",
}
"""Small modules that every room may use."""

KNOWS = {
    "model": set(),
    "data": set(),
    "training": {"model", "data"},
    "evaluation": {"model", "data"},
    "synthesis": {"data", "evaluation"},
    "testing": {"data", "evaluation"},
    "pods": {"model", "training"},
    "interop": {"model", "data", "training", "evaluation"},
    "analysis.results": {
        "analysis.estimation",
        "data.funnel",
        "data.mixing",
        "evaluation.kinds",
    },
    "analysis.estimation": set(),
    "analysis.laws": set(),
    "analysis.report": {
        "analysis.results",
        "analysis.estimation",
        "analysis.laws",
        "data.mixing",
        "evaluation.kinds",
    },
    "study": {"model", "data", "training", "evaluation", "pods", "analysis"},
    "jobs": {"model", "data", "training", "evaluation", "pods", "study", "analysis"},
    "api": {"data", "training", "evaluation", "jobs", "analysis"},
    "tasks": {"data", "evaluation"},
}
"""Room -> rooms and modules that it may import. What is not here (cli, commands, config, doctor)
stands above all rooms, and no room may import it."""

NO_TENSORFLOW = {"model", "training", "pods", "analysis.results", "analysis.estimation",
                 "analysis.laws", "analysis.report", "api"}  # fmt: skip
"""Rooms that import neither SeqIO nor TensorFlow, not even within a function."""

KNOWN_VIOLATIONS: set[tuple[str, str]] = set()
"""(module, module that it imports) that break a rule today. Remove what is mended, add nothing."""

MAY_SHARE_A_NAME = {"base", "config"}
"""Names of modules that may occur twice: what a room is configured with, and its base class."""

KNOWN_DOUBLES: set[str] = set()
"""Names that two modules have today. Remove what is mended, add nothing."""


@functools.cache
def modules() -> dict[str, Path]:
    """Every module by its name."""
    files = [*ROOT.glob("code_ablate/**/*.py"), *ROOT.glob("tasks/**/*.py")]
    return {".".join(_parts(file)): file for file in files}


def _parts(file: Path) -> tuple[str, ...]:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@functools.cache
def imports(module: str) -> frozenset[str]:
    """What a module imports anywhere in its text: our modules by their own names, others in full.

    Both of `from package import module` and `from module import name` give the module.
    """
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = _package(module, node.level) if node.level else ""
            origin = ".".join(part for part in (package, node.module) if part)
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                found.add(submodule if submodule in modules() else origin)
    return frozenset(found - {module})


def _package(module: str, level: int) -> str:
    """The package that a relative import with `level` dots starts from."""
    parts = module.split(".")
    keep = len(parts) - level + (modules()[module].name == "__init__.py")
    return ".".join(parts[:keep])


def local(module: str) -> str:
    """The name without the package."""
    return module.removeprefix("code_ablate.")


def room_of(module: str) -> str:
    """The room a module lies in; a module outside of all rooms is its own."""
    parts = local(module).split(".")
    rooms = (".".join(parts[:n]) for n in (2, 1))
    return next((room for room in rooms if room in KNOWS), parts[0])


def allowed(room: str, target: str) -> bool:
    """Whether a module in `room` may import `target`, one of our modules."""
    names = {room} | KNOWS[room] | BASE
    return target == "code_ablate" or any(
        local(target) == name or local(target).startswith(f"{name}.") for name in names
    )


def edges() -> list[tuple[str, str]]:
    """(module, module it imports), ours only."""
    return [(m, target) for m in sorted(modules()) for target in imports(m) if target in modules()]


def test_no_modules_import_each_other_in_a_circle():
    graph = collections.defaultdict(set)
    for module, target in edges():
        if (local(module), local(target)) not in KNOWN_VIOLATIONS:
            graph[module].add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_rooms_import_only_what_they_may_know():
    wrong = {
        (local(module), local(target))
        for module, target in edges()
        if room_of(module) in KNOWS and not allowed(room_of(module), target)
    }
    assert sorted(wrong - KNOWN_VIOLATIONS) == []


@pytest.mark.parametrize(
    ("module", "room"),
    [
        ("code_ablate.model.config", "model"),
        ("code_ablate.analysis.results.arm", "analysis.results"),
        ("code_ablate.errors", "errors"),
        ("tasks.code", "tasks"),
    ],
)
def test_the_room_of_a_module(module, room):
    assert room_of(module) == room


def test_the_rule_tells_allowed_from_forbidden():
    assert allowed("training", "code_ablate.data.store")
    assert not allowed("training", "code_ablate.study.plan")
    assert not allowed("analysis.report", "code_ablate.data.store")
    assert not allowed("model", "code_ablate.training.phase")
    assert not allowed("data", "code_ablate.commands")


def test_rooms_that_need_no_tensorflow_never_import_it():
    wrong = {
        (local(module), name)
        for module in modules()
        if room_of(module) in NO_TENSORFLOW
        for name in imports(module)
        if name.partition(".")[0] in ("seqio", "tensorflow", "tensorflow_datasets", "t5")
    }
    assert sorted(wrong) == []


def test_what_is_imported_from_a_module_of_ours_is_there():
    """Also within functions, where a renamed module or function would be missed until it runs."""
    missing = []
    for file in (
        f
        for top in ("code_ablate", "tasks", "benchmarks", "tests")
        for f in ROOT.glob(f"{top}/**/*.py")
    ):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
                continue
            if node.module.partition(".")[0] not in ("code_ablate", "tasks"):
                continue
            known = _defined(node.module)
            missing += [
                f"{file.relative_to(ROOT)}: {node.module}.{alias.name}"
                for alias in node.names
                if f"{node.module}.{alias.name}" not in modules() and alias.name not in known
            ]
    assert missing == []


@functools.cache
def _defined(module: str) -> set[str]:
    """Names that a module defines or imports, at its top level or in one of its branches."""
    file = modules().get(module) or modules().get(f"{module}.__init__")
    if file is None:
        return set()
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)  # what a package exports lazily stands in a table
    return names


def test_every_room_has_an_entry():
    folders = {f.parent.name for f in (ROOT / "code_ablate").glob("*/__init__.py")}
    assert folders - {"analysis", "commands"} <= set(KNOWS), (
        "say in KNOWS what the new room may import"
    )


def test_no_two_modules_have_one_name():
    by_name = collections.defaultdict(list)
    for module in modules():
        if not modules()[module].name.startswith("__") and not module.startswith("tasks"):
            by_name[module.rpartition(".")[2]].append(local(module))
    twice = {name: sorted(found) for name, found in by_name.items() if len(found) > 1}
    accepted = MAY_SHARE_A_NAME | KNOWN_DOUBLES
    assert {name: found for name, found in twice.items() if name not in accepted} == {}


def test_what_is_excused_still_needs_it():
    stale = KNOWN_VIOLATIONS - {(local(module), local(target)) for module, target in edges()}
    assert sorted(stale) == [], "mended: take these out of KNOWN_VIOLATIONS"
