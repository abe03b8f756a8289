"""The composed route: problem i of a seed, drawn from the grammar until one holds.

problem = composed_problem(seed=0, index=123, forbidden=frozenset())
"""

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from code_ablate.synthesis.composing import compose
from code_ablate.synthesis.emitting import Emitter, Style
from code_ablate.synthesis.english import RESERVED, identifier, plural
from code_ablate.synthesis.evaluation_ngrams import touches
from code_ablate.synthesis.layouts import Parts, assertion, document
from code_ablate.synthesis.machines import draw_machine
from code_ablate.synthesis.problems import COMPOSED, Problem
from code_ablate.synthesis.program import Constant, Function, Input, Node, Program
from code_ablate.synthesis.record_types import record_class
from code_ablate.synthesis.seeding import generator
from code_ablate.synthesis.syntax import IMPORTS
from code_ablate.synthesis.verify import Draft, Rejected, verify
from code_ablate.synthesis.wording import word

_ATTEMPTS = 200
_LONGEST_LINE = 112
_STYLES = 3
"""Styles that are tried until all lines of a solution fit."""
_MACHINES = 0.02
"""Share of the drafts that are machines; the others are programs."""


def composed_problem(
    seed: int, index: int, forbidden: frozenset[int], rejected: Counter | None = None
) -> tuple[Problem, str]:
    """Problem `index` of a seed, and the skeleton that it must not share with another.

    `forbidden`: hashes of the 13-grams that it must not hold (evaluation_ngrams). `rejected`
    counts why drafts were given up.
    """
    counts: Counter = Counter() if rejected is None else rejected
    for attempt in range(_ATTEMPTS):
        rng = generator(seed, COMPOSED, index, attempt)
        made = _attempt(rng, f"{COMPOSED}-{index:07d}", forbidden)
        if isinstance(made, Rejected):
            counts[made.reason] += 1
        else:
            return made
    raise RuntimeError(f"problem {index} of seed {seed}: no draft of {_ATTEMPTS} holds")


@dataclass(frozen=True)
class _Drafted:
    """A draft, and all that is said of it."""

    draft: Draft
    preamble: str
    paragraphs: list[str]
    signature: str
    family: str
    difficulty: int
    operations: list[str]
    skeleton: str


def _attempt(rng: Random, name: str, forbidden: frozenset[int]) -> tuple[Problem, str] | Rejected:
    drafted = _machine_draft(rng) if rng.random() < _MACHINES else _program_draft(rng)
    if isinstance(drafted, Rejected):
        return drafted
    verified = verify(drafted.draft, rng)
    if isinstance(verified, Rejected):
        return verified
    function, code = drafted.draft.function, drafted.draft.code
    calls = [
        (f"{function}({', '.join(map(repr, arguments))})", repr(value))
        for arguments, value in verified.calls
    ]
    parts = Parts(
        title=title(function, rng),
        paragraphs=drafted.paragraphs,
        preamble=drafted.preamble,
        code=code,
        function=function,
        calls=calls,
    )
    text, language = document(parts, rng)
    if touches(text, forbidden):
        return Rejected("13-gram of an evaluation set")
    problem = Problem(
        name=name,
        text=text,
        language=language,
        statement="\n\n".join(drafted.paragraphs),
        signature=drafted.signature,
        solution=f"{drafted.preamble}\n\n\n{code}".lstrip(),
        tests=tuple(assertion(call, value) for call, value in calls),
        metadata={
            "route": COMPOSED,
            "family": drafted.family,
            "difficulty": drafted.difficulty,
            "origin": "code_ablate.synthesis",
            "licence": "Apache-2.0",
            "operations": drafted.operations,
            "inputs_agreed": verified.inputs,
            "mutants": verified.mutants,
            "mutants_noticed": verified.noticed,
            "mutants_equivalent": verified.equivalent,
        },
    )
    if not _passes(problem):
        return Rejected("the text fails its tests")
    return problem, drafted.skeleton


def _passes(problem: Problem) -> bool:
    """Whether the solution passes the tests as they are written, in a module of their own."""
    names: dict[str, Any] = {"__name__": problem.name}
    try:
        exec(compile(problem.solution, "<solution>", "exec"), names)
        exec(compile("\n".join(problem.tests), "<tests>", "exec"), names)
    except MemoryError:  # of the machine: no draw may depend on it
        raise
    except Exception:
        return False
    return True


def _program_draft(rng: Random) -> _Drafted | Rejected:
    program = compose(rng)
    if program is None:
        return Rejected("no program")
    function = function_name(program, rng)
    worded = word(program, function, rng)
    for _ in range(_STYLES):
        emitted = Emitter(program, function, Style.draw(rng), rng).emit()
        if max(map(len, emitted.text.splitlines())) <= _LONGEST_LINE:
            break
    else:
        return Rejected("long lines")
    style = Style.draw(rng)
    style.checked = True
    second = Emitter(program, function, style, rng, other=True).emit()
    paragraphs = [" ".join([*worded.scene, *worded.task])]
    if worded.scene and rng.random() < 0.35:
        paragraphs = [" ".join(worded.scene), " ".join(worded.task)]
    return _Drafted(
        draft=Draft(
            function=function,
            code=emitted.code,
            second=second.code,
            names=usable_names(program),
            draw=lambda r: tuple(i.draw(r) for i in program.inputs),
            judged_by="bool" if program.root.type == "Bool" else "value",
        ),
        preamble=emitted.preamble,
        paragraphs=paragraphs,
        signature=emitted.signature,
        family=program.nodes[0].operation.room.removeprefix("on_"),
        difficulty=difficulty(program),
        operations=program.operations,
        skeleton=skeleton(program),
    )


def _machine_draft(rng: Random) -> _Drafted | Rejected:
    machine = draw_machine(rng)
    codes = [machine.first_code(), machine.second_code()]
    if rng.random() < 0.35:
        codes.reverse()
    signature = f"def {machine.function}({machine.argument}):"
    return _Drafted(
        draft=Draft(machine.function, codes[0], codes[1], dict(_LIBRARY), machine.draw),
        preamble="",
        paragraphs=machine.statement(rng),
        signature=signature,
        family=f"machines: {machine.kind.name}",
        difficulty=min(5, len(machine.commands) + len(machine.rules) - 1),
        operations=[
            f"{machine.kind.name}.{chosen.command.words[0]}" for chosen in machine.commands
        ],
        skeleton=machine.skeleton,
    )


def usable_names(program: Program) -> dict[str, Any]:
    """What solutions may use: the library names of the grammar, and the record's class."""
    names = dict(_LIBRARY)
    record = program.record
    if record is not None and record.definition:
        source = f"{record.imports}\n{record.definition}"
        names[record.name] = record_class(source, record.name)
    return names


def _library() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for imported, module in IMPORTS.items():
        line = f"from {module} import {imported}" if module else f"import {imported}"
        exec(line, names)
    names.pop("__builtins__")
    return names


_LIBRARY = _library()


def function_name(program: Program, rng: Random) -> str:
    """A name that says roughly what is returned."""
    root = program.root
    main = program.inputs[0]
    noun = identifier(main.phrase.items if main.type in _LISTS else main.name)
    function = next((a for a in root.arguments.values() if isinstance(a, Function)), None)
    base = rng.choice(root.operation.names)
    if root.operation.name in ("each_number", "each_label") and function is not None:
        base = plural(rng.choice(function.names))
    if root.operation.name == "select":
        wish = rng.choice((f"{base}_{noun}", f"select_{noun}", f"filter_{noun}", f"pick_{noun}"))
    elif root.type == "Bool":
        said = f"{noun}_are_{base}" if main.type in _LISTS else base
        wish = rng.choice((base, f"is_{base}", f"check_{base}", said))
    elif root.type in ("Result",):
        wish = rng.choice(
            (f"summarize_{noun}", f"{base}_of_{noun}", f"{noun}_{base}", f"analyse_{noun}")
        )
    elif root.type in ("Int", "Word", "Mark"):
        verb = rng.choice(("", "", "find_", "get_", "compute_"))
        wish = rng.choice((f"{verb}{base}", f"{base}_of_{noun}", f"{verb}{base}_{_one(noun)}"))
    else:
        verb = rng.choice(("", "", "get_", "list_", "make_"))
        wish = rng.choice((f"{verb}{base}", f"{base}_of_{noun}", f"{verb}{base}_from_{noun}"))
    taken = {i.name for i in program.inputs} | set(IMPORTS) | RESERVED
    return f"{wish}_result" if wish in taken else wish


_LISTS = ("Ints", "Words", "Records", "Spans")


def _one(noun: str) -> str:
    """A regular plural in the singular."""
    if noun.endswith(("xes", "ches", "shes", "sses")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def title(function: str, rng: Random) -> str:
    """A heading made of the words of a name."""
    words = function.replace("_", " ")
    return words.title() if rng.random() < 0.4 else words.capitalize()


def difficulty(program: Program) -> int:
    """1 to 5: operations, a second argument, tests made of two, and steps that must be named."""
    points = len(program.nodes) + len(program.inputs) - 1
    points += sum(1 for name in program.operations if name in ("and", "or", "not"))
    return max(1, min(5, (points + 1) // 2))


def skeleton(program: Program) -> str:
    """What a program computes, without its constants, names, context and wording."""
    numbers = {id(made): f"{made.type}{i}" for i, made in enumerate(program.inputs)}

    def text(value: Node | Input | Function | Constant) -> str:
        if isinstance(value, Input):
            return numbers[id(value)]
        if isinstance(value, Constant):
            return "lifted" if value.lifted else "constant"
        if isinstance(value, Function):
            return f"<{'+'.join(value.parts)}>"
        inside = ",".join(text(argument) for argument in value.arguments.values())
        return f"{value.operation.name}({inside})"

    return text(program.root)
