"""The mined route: a function that was found becomes a problem, if it turns out to be one.

    problems = mined_problems(functions, seed=0, most=100, forbidden=hashes, rejected=Counter())

Arguments are searched for, the function is called on them in isolation, and tests are chosen
and strengthened by mutants as in the composed route; there is no second solution. The finished
problem passes its own tests in the sandbox.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random

from code_ablate.evaluation.sandbox import Program, Sandbox
from code_ablate.synthesis.english import listed, sentence
from code_ablate.synthesis.evaluation_ngrams import touches
from code_ablate.synthesis.layouts import Parts, assertion, document
from code_ablate.synthesis.mining.arguments import KINDS, doctest_calls, drawn, guesses
from code_ablate.synthesis.mining.contained import Called, Contained
from code_ablate.synthesis.mining.found_functions import FoundFunction
from code_ablate.synthesis.mutants import mutated, sites
from code_ablate.synthesis.problems import MINED, Problem
from code_ablate.synthesis.seeding import generator
from code_ablate.synthesis.trial import counted
from code_ablate.synthesis.verify import MUTANTS_NOTICED, Rejected

_TRIED = 4
_INPUTS = 20
_MUTANTS = 16
_FIRST_TESTS, _MOST_TESTS = 4, 9
_LONGEST_TEST = 240
_PLAIN = {"int", "str", "bool", "list", "tuple", "dict", "NoneType"}


def mined_problems(
    functions: Iterable[FoundFunction],
    seed: int,
    most: int,
    forbidden: frozenset[int],
    rejected: Counter,
) -> Iterator[Problem]:
    """At most `most` problems, in the order of the functions. `rejected` counts the others."""
    made, seen = 0, set()
    with Contained() as contained, Sandbox() as sandbox:
        for found in functions:
            if made == most:
                return
            skeleton = _skeleton(found)
            if skeleton in seen:
                rejected["the same as another"] += 1
                continue
            seen.add(skeleton)
            rng = generator(seed, MINED, found.package, found.path, found.name)
            name = f"{MINED}-{made:07d}"
            problem = _problem(found, name, contained, forbidden, rng)
            if isinstance(problem, Problem):
                program = Program(problem.solution, "\n".join(problem.tests), (found.name,))
                [outcome] = sandbox.run([program])
                if outcome.status != "passed":
                    problem = Rejected(f"in the sandbox: {outcome.status}")
            if isinstance(problem, Rejected):
                rejected[problem.reason] += 1
                continue
            made += 1
            yield problem


def _skeleton(found: FoundFunction) -> str:
    """The code with all names alike."""
    tree = ast.parse(found.code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = "x"
        elif isinstance(node, ast.arg):
            node.arg = "x"
        elif isinstance(node, ast.FunctionDef):
            node.name = "x"
    return ast.dump(tree)


def _problem(
    found: FoundFunction, name: str, contained: Contained, forbidden: frozenset[int], rng: Random
) -> Problem | Rejected:
    code = "\n".join([*found.imports, found.code])
    probed = ast.unparse(counted(code))
    kinds = _kinds(found, probed, contained, rng)
    if kinds is None:
        return Rejected("no arguments found")
    texts = list(
        dict.fromkeys([*doctest_calls(found), *(drawn(kinds, rng) for _ in range(_INPUTS))])
    )
    called = contained.call(probed, [(found.name, text) for text in texts])
    if called is None:
        return Rejected("does not end")
    good = [
        (text, outcome)
        for text, outcome in zip(texts, called, strict=True)
        if _is_plain(outcome) and len(text) + len(outcome.text) <= _LONGEST_TEST
    ]
    if any(not outcome.kept for _, outcome in good):
        return Rejected("changes its arguments")
    results = [outcome.text for _, outcome in good]
    if len(good) < 6 or len(set(results)) < (2 if set(results) <= {"True", "False"} else 4):
        return Rejected("dull")
    chosen = _chosen(found, code, good, contained, rng)
    if isinstance(chosen, Rejected):
        return chosen
    picked, facts = chosen
    calls = [(f"{found.name}{_call(text)}", outcome.text) for text, outcome in picked]
    paragraphs = _statement(found, kinds, rng)
    if paragraphs is None:
        return Rejected("docstring says too little")
    origin = f"# {found.package} {found.version}, {found.path} ({found.licence})"
    parts = Parts(
        title=found.name.replace("_", " ").strip().capitalize(),
        paragraphs=paragraphs,
        preamble="\n".join([origin, *found.imports]),
        code=found.code,
        function=found.name,
        calls=calls,
    )
    text, language = document(parts, rng)
    if touches(text, forbidden):
        return Rejected("13-gram of an evaluation set")
    return Problem(
        name=name,
        text=text,
        language=language,
        statement="\n\n".join(paragraphs),
        signature=f"def {found.name}({', '.join(found.parameters)}):",
        solution=code,
        tests=tuple(assertion(call, value) for call, value in calls),
        metadata={
            "route": MINED,
            "family": MINED,
            "difficulty": min(5, 1 + found.code.count("\n") // 8),
            "origin": f"{found.package} {found.version}: {found.path}",
            "licence": found.licence,
            "arguments": list(kinds),
            **facts,
        },
    )


def _kinds(
    found: FoundFunction, probed: str, contained: Contained, rng: Random
) -> tuple[str, ...] | None:
    """The first kinds of arguments with which all calls return, and return different values."""
    tried = guesses(found)
    calls = [(found.name, drawn(kinds, rng)) for kinds in tried for _ in range(_TRIED)]
    called = contained.call(probed, calls)
    if called is None:
        return None
    for i, kinds in enumerate(tried):
        outcomes = [c for c in called[i * _TRIED : (i + 1) * _TRIED] if _is_plain(c)]
        if len(outcomes) == _TRIED and len({c.text for c in outcomes}) > 1:
            return kinds
    return None


def _is_plain(called: Called) -> bool:
    """Whether a call returned something that Python reads back as it writes it."""
    if called.type not in _PLAIN:
        return False
    try:
        return repr(ast.literal_eval(called.text)) == called.text and "." not in called.text
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False


def _call(text: str) -> str:
    """'(1,)' -> '(1)'."""
    return text[:-2] + ")" if text.endswith(",)") else text


def _chosen(
    found: FoundFunction,
    code: str,
    good: list[tuple[str, Called]],
    contained: Contained,
    rng: Random,
) -> tuple[list[tuple[str, Called]], dict[str, int]] | Rejected:
    """Tests that notice mutants, and the counts; see verify."""
    order = sorted(good, key=lambda pair: len(pair[0]) + len(pair[1].text))
    tests: list[int] = []
    for i in [0, *range(len(order) // 4, len(order)), *range(len(order))]:
        if order[i][1].text not in {order[t][1].text for t in tests}:
            tests.append(i)
        if len(tests) == _FIRST_TESTS:
            break
    tree = counted(code)
    places = sites(tree)
    if len(places) > _MUTANTS:
        places = rng.sample(places, _MUTANTS)
    noticed = unnoticed = equivalent = 0
    calls = [(found.name, text) for text, _ in order]
    for place in places:
        undo = mutated(place)
        mutant = ast.unparse(tree)
        undo()
        called = contained.call(mutant, calls)
        if called is None:
            noticed += 1
            continue
        differ = [
            i
            for i, c in enumerate(called)
            if (c.text, c.type) != (order[i][1].text, order[i][1].type)
        ]
        if set(differ) & set(tests):
            noticed += 1
        elif not differ:
            equivalent += 1
        elif len(tests) < _MOST_TESTS:
            tests.append(differ[0])
            noticed += 1
        else:
            unnoticed += 1
    if noticed + unnoticed < 2 or noticed < MUTANTS_NOTICED * (noticed + unnoticed):
        return Rejected("tests too weak")
    facts = {
        "inputs_agreed": len(order),
        "mutants": noticed + unnoticed,
        "mutants_noticed": noticed,
        "mutants_equivalent": equivalent,
    }
    return [order[i] for i in sorted(tests)], facts


_HEADINGS = (
    *("Args", "Arguments", "Parameters", "Return", "Raises", "Example", "Note", "Time", "Space"),
    *("Complexity", "Usage", "Reference", "Source", "https?:", "See "),
)
_DIRECTIVE = re.compile(rf"(?m)^\s*(?:[:@]\w|\.\. |>>>|---|===|\*\*|(?:{'|'.join(_HEADINGS)}))")
"""Where a docstring goes over from what the function does to its arguments and the like."""


def _statement(found: FoundFunction, kinds: tuple[str, ...], rng: Random) -> list[str] | None:
    """What to do, from the beginning of the docstring; None where that is no sentence."""
    text = found.docstring.split(">>>")[0]
    cut = _DIRECTIVE.search(text)
    text = text[: cut.start()] if cut and cut.start() else ("" if cut else text)
    said = " ".join(text.split()).replace("``", "`")
    if len(said.split()) < 4 or len(said) > 700 or "self" in said.lower():
        return None
    given = [
        f"`{name}` is {KINDS[kind][0]}" for name, kind in zip(found.parameters, kinds, strict=True)
    ]
    call = f"`{found.name}({', '.join(found.parameters)})`"
    arguments = sentence(listed(given))
    said = sentence(said)
    return [
        rng.choice(
            (
                f"Write a function {call}. {said} {arguments}",
                f"{said} Implement this as {call}, where {arguments}",
                f"Implement {call} as follows. {said} {arguments}",
                f"{call}. {said} Here {arguments}",
            )
        )
    ]
