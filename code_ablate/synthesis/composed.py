"""The composed route: problem i of a seed, drawn from the grammar until one holds.

problem = composed_problem(seed=0, index=123, forbidden=frozenset())
"""

from collections import Counter
from random import Random
from typing import Any

from code_ablate.synthesis.composing import compose
from code_ablate.synthesis.emitting import Emitter, Style
from code_ablate.synthesis.english import RESERVED, identifier
from code_ablate.synthesis.evaluation_ngrams import touches
from code_ablate.synthesis.layouts import Parts, assertion, document
from code_ablate.synthesis.problems import COMPOSED, Problem
from code_ablate.synthesis.program import Constant, Function, Input, Node, Program
from code_ablate.synthesis.record_types import record_class
from code_ablate.synthesis.seeding import generator
from code_ablate.synthesis.syntax import IMPORTS
from code_ablate.synthesis.verify import Draft, Rejected, verify
from code_ablate.synthesis.wording import word

_ATTEMPTS = 200


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


def _attempt(rng: Random, name: str, forbidden: frozenset[int]) -> tuple[Problem, str] | Rejected:
    program = compose(rng)
    if program is None:
        return Rejected("no program")
    function = function_name(program, rng)
    worded = word(program, function, rng)
    emitted = Emitter(program, function, Style.draw(rng), rng).emit()
    if max(map(len, emitted.text.splitlines())) > 120:
        return Rejected("long lines")
    style = Style.draw(rng)
    style.checked = True
    second_emitter = Emitter(program, function, style, rng, other=True)
    second = second_emitter.emit()
    draft = Draft(
        function=function,
        code=emitted.code,
        second=second.code,
        names=usable_names(program),
        draw=lambda r: tuple(i.draw(r) for i in program.inputs),
        judged_by="bool" if program.root.type == "Bool" else "value",
    )
    verified = verify(draft, rng)
    if isinstance(verified, Rejected):
        return verified
    calls = [
        (f"{function}({', '.join(map(repr, arguments))})", repr(value))
        for arguments, value in verified.calls
    ]
    paragraphs = [" ".join([*worded.scene, *worded.task])]
    if worded.scene and rng.random() < 0.35:
        paragraphs = [" ".join(worded.scene), " ".join(worded.task)]
    parts = Parts(
        title=title(function, rng),
        paragraphs=paragraphs,
        preamble=emitted.preamble,
        code=emitted.code,
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
        statement="\n\n".join(paragraphs),
        signature=emitted.signature,
        solution=emitted.text,
        tests=tuple(assertion(call, value) for call, value in calls),
        metadata={
            "route": COMPOSED,
            "family": program.root.operation.room.removeprefix("on_"),
            "difficulty": difficulty(program),
            "origin": "code_ablate.synthesis",
            "licence": "Apache-2.0",
            "operations": program.operations,
            "inputs_agreed": verified.inputs,
            "mutants": verified.mutants,
            "mutants_noticed": verified.noticed,
            "mutants_equivalent": verified.equivalent,
        },
    )
    return problem, skeleton(program)


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
    noun = identifier(main.phrase.items if main.type != "Text" else main.name)
    base = rng.choice(root.operation.names)
    verb = rng.choice(("", "", "find_", "get_", "compute_"))
    if root.type == "Bool":
        verb = rng.choice(("", "is_", "check_", "has_"))
    plain = f"{verb}{base}"
    wish = rng.choice((plain, plain, f"{base}_of_{noun}", f"{noun}_{base}", f"{plain}_{noun}"))
    taken = {i.name for i in program.inputs} | set(IMPORTS) | RESERVED
    return f"{wish}_result" if wish in taken else wish


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
