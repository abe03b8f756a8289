"""Whether a problem is what it says: solution, second solution, tests, mutants.

    verified = verify(draft, rng)         # Verified, or Rejected with a reason

A draft is run on random inputs. Its solution must agree with a second one, which is written with
other forms of the operations that have them, shares the code of tests, keys and labels of single
elements, and asserts the properties of each operation; it must leave its arguments as they were;
its results must differ enough to be worth asking for. Tests are chosen among the inputs. Then small
mistakes are made in the solution: those that no input shows are taken to be equivalent, and of the
others the tests must notice at least MUTANTS_NOTICED, or they are strengthened with the inputs that
do.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from code_ablate.synthesis.mutants import mutated, sites
from code_ablate.synthesis.trial import Outcome, Trial, counted

MUTANTS_NOTICED = 0.9
"""Share of the mutants that are not equivalent which the tests must notice."""

_INPUTS = 24
_FIRST_TESTS = 4
_MOST_TESTS = 9
_MUTANTS = 24
_MORE_STEPS = 4
"""Times the steps of the solution that a mutant may take, beside _EXTRA_STEPS: one that takes more
counts as running for ever."""
_EXTRA_STEPS = 100
_LONGEST_TEST = 260
"""Characters of a call with its result."""


@dataclass(frozen=True)
class Draft:
    """A problem that nothing has been checked of."""

    function: str
    """Name of the function that is asked for."""
    code: str
    """The solution without imports and classes."""
    second: str
    """Another solution, with a function of the same name; it may assert properties."""
    names: Mapping[str, Any]
    """What both may use: imported names and classes."""
    draw: Callable[[Random], tuple]
    """Draws arguments."""
    judged_by: str = "value"
    """'value', or 'bool' where the result is one of two."""


@dataclass(frozen=True)
class Verified:
    """A draft that holds, with its tests."""

    calls: tuple[tuple[tuple, Any], ...]
    """Arguments and results of the tests."""
    inputs: int
    """Random inputs on which the solutions agree."""
    mutants: int
    """Mutants that are not equivalent."""
    noticed: int
    """Those of them that fail a test."""
    equivalent: int
    """Mutants that no input told from the solution."""


@dataclass(frozen=True)
class Rejected:
    """A draft that does not hold."""

    reason: str
    """What does not hold, in a few words that are counted."""


def verify(draft: Draft, rng: Random) -> Verified | Rejected:
    """Checks a draft; see the module's docstring."""
    try:
        tree = counted(draft.code)
        first = Trial(tree, draft.function, draft.names)
        second = Trial(counted(draft.second), draft.function, draft.names)
    except (SyntaxError, ValueError, RecursionError) as error:
        return Rejected(f"does not compile: {type(error).__name__}")
    inputs = [draft.draw(rng) for _ in range(_INPUTS)]
    before = [repr(arguments) for arguments in inputs]
    outcomes = []
    for arguments in inputs:
        outcome = first.run(arguments)
        if outcome.error:
            return Rejected(f"fails: {outcome.error}")
        if outcome.changed:
            return Rejected("changes its arguments")
        other = second.run(arguments)
        if not outcome.agrees(other):
            return Rejected(f"second solution {other.error or 'differs'}")
        outcomes.append(outcome)
    results = [repr(outcome.value) for outcome in outcomes]
    if _dull(results, draft.judged_by):
        return Rejected("dull")
    chosen = _first_tests(before, results)
    if chosen is None:
        return Rejected("inputs too long")
    return _strengthened(draft, tree, inputs, outcomes, chosen, before, rng)


def _dull(results: list[str], judged_by: str) -> bool:
    counts = {result: results.count(result) for result in set(results)}
    most = max(counts.values())
    if judged_by == "bool":
        return len(counts) < 2 or most > 0.85 * len(results)
    return len(counts) < 5 or most > 0.5 * len(results)


def _first_tests(arguments: list[str], results: list[str]) -> list[int] | None:
    """Inputs to begin with: short ones with different results, one of them the shortest."""
    lengths = [len(a) + len(r) for a, r in zip(arguments, results, strict=True)]
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    chosen: list[int] = []
    seen: set[str] = set()
    # Not the shortest ones alone: they are often empty.
    for i in [order[0], *order[len(order) // 4 :], *order[1:]]:
        if lengths[i] <= _LONGEST_TEST and results[i] not in seen and i not in chosen:
            chosen.append(i)
            seen.add(results[i])
        if len(chosen) == _FIRST_TESTS:
            break
    return chosen if len(chosen) >= 2 else None


def _differs(mutant: Trial, arguments: tuple, outcome: Outcome) -> bool:
    steps = _MORE_STEPS * outcome.steps + _EXTRA_STEPS
    return not mutant.run(arguments, steps).agrees(outcome)


def _strengthened(
    draft: Draft,
    tree: ast.Module,
    inputs: list[tuple],
    outcomes: list[Outcome],
    chosen: list[int],
    texts: list[str],
    rng: Random,
) -> Verified | Rejected:
    """Adds inputs to the tests until they notice the mutants that can be noticed."""
    places = sites(tree)
    if len(places) > _MUTANTS:
        places = rng.sample(places, _MUTANTS)
    noticed = unnoticed = equivalent = 0
    for place in places:
        undo = mutated(place)
        try:
            mutant = Trial(tree, draft.function, draft.names)
        except MemoryError:  # of the machine, not of the mistake
            raise
        except Exception:  # a mistake that shows before any call is noticed by every test
            noticed += 1
            continue
        finally:
            undo()
        if any(_differs(mutant, inputs[i], outcomes[i]) for i in chosen):
            noticed += 1
            continue
        telling = next(
            (
                i
                for i in range(len(inputs))
                if i not in chosen and _differs(mutant, inputs[i], outcomes[i])
            ),
            None,
        )
        if telling is None:
            equivalent += 1
        elif len(chosen) < _MOST_TESTS and len(texts[telling]) <= _LONGEST_TEST:
            chosen.append(telling)
            noticed += 1
        else:
            unnoticed += 1
    total = noticed + unnoticed
    if total < 3:
        return Rejected("no mutants to tell apart")
    if noticed < MUTANTS_NOTICED * total:
        return Rejected("tests too weak")
    calls = tuple((inputs[i], outcomes[i].value) for i in sorted(chosen))
    return Verified(calls, len(inputs), total, noticed, equivalent)
