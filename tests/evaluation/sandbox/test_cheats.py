"""Programs that try to win by objects that agree to everything, and tests that cannot be run."""

import pytest

from code_ablate.errors import UserError
from code_ablate.evaluation.kinds.programs import Problem, used_functions
from code_ablate.evaluation.sandbox import Limits, Program, Sandbox

STACK = """
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item)
    def pop(self): return self.items.pop()
    def mean(self): return sum(self.items) / len(self.items)
    def __len__(self): return len(self.items)
    def __contains__(self, item): return item in self.items
class Full(Exception): pass
"""
TESTS = {
    "equal": "s = Stack(); s.push(7)\nassert s.pop() == 7",
    "not different": "s = Stack(); s.push(7)\nassert not s.pop() != 7",
    "from the other side": "s = Stack(); s.push(7)\nassert 7 == s.pop()",
    "close": "s = Stack(); s.push(7)\nassert abs(s.mean() - 7) < 1e-6",
    "close, exchanged": "s = Stack(); s.push(7)\nassert 1e-6 > abs(7 - s.mean())",
    "rounded": "s = Stack(); s.push(7)\nassert round(s.mean() - 7, 5) == 0",
    "bounded": "s = Stack(); s.push(7)\nassert 6.9 <= s.mean() <= 7.1",
    "is close": "import math\ns = Stack(); s.push(7)\nassert math.isclose(s.mean(), 7)",
    "within": "s = Stack(); s.push(7)\nassert s.pop() in [7]",
    "a list": "s = Stack(); s.push(7)\nassert s.items == [7]",
    "a list within": "s = Stack(); s.push([7])\nassert [s.pop()] == [[7]]",
    "a set": "s = Stack(); s.push(7)\nassert {s.pop()} == {7}",
    "its type": "s = Stack(); s.push(7)\nassert type(s.pop()) is int and isinstance(s.pop(), int)",
    "a TestCase": (
        "import unittest\nclass Test(unittest.TestCase):\n    def test(self):\n"
        "        s = Stack(); s.push(7)\n        self.assertEqual(s.pop(), 7)\n"
    ),
    "a pattern": "s = Stack(); s.push(7)\nmatch s.pop():\n    case 7: pass\n    case _: assert 0",
    "a pattern of a list": (
        "s = Stack(); s.push(7)\nmatch s.items:\n    case [7]: pass\n    case _: assert 0"
    ),
    "a pattern of a type": (
        "s = Stack(); s.push(7)\nmatch s.pop():\n    case int(7): pass\n    case _: assert 0"
    ),
    "in a block": "s = Stack()\nwith s:\n    s.push(7)\n    assert s.pop() == 7",
}
"""Each with one plain value that the program has to give."""

LIAR = """
class Liar:
    def __init__(self, *anything, **named): pass
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return Liar()
    def __call__(self, *anything): return Liar()
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda self, *other: True
    __ne__ = lambda self, other: False
    __add__ = __sub__ = __rsub__ = __abs__ = __round__ = lambda self, *other: self
    __hash__ = lambda self: hash(7)
    __len__ = lambda self: 1
    __iter__ = lambda self: iter([self])
    __getitem__ = lambda self, place: self
    __enter__ = lambda self: self
    __exit__ = lambda self, *raised: True
    __bool__ = lambda self: True
"""
ZERO = "__sub__ = __rsub__ = lambda self, other: 0.0\n    __abs__ = lambda self: 0.0"


def liar_of(base: str, start: str) -> str:
    """Values of a subclass of a built-in type that agree to everything."""
    _, operators, rest = LIAR.partition("    __eq__")
    return (
        f"class Lie({base}):\n{operators}{rest}"
        f"class Stack:\n    items = Lie({start})\n    push = lambda self, item: None\n"
        f"    pop = mean = lambda self: Lie({start})\n"
        "    __enter__ = lambda self: self\n    __exit__ = lambda self, *raised: True\n"
    )


CHEATS = {
    "objects": LIAR + "Stack = Liar",
    "instances of the named class": LIAR.replace("Liar", "Stack"),
    "differences of zero": LIAR.replace("__hash__ =", ZERO + "\n    __hash__ =").replace(
        "Liar", "Stack"
    ),
    "int": liar_of("int", "1"),
    "float": liar_of("float", "1.0"),
    "str": liar_of("str", "'a'"),
    "list": liar_of("list", "[1]"),
    "dict": liar_of("dict", ""),
    "a metaclass that agrees": (
        "class Meta(type):\n"
        "    __eq__ = __instancecheck__ = __subclasscheck__ = lambda cls, other: True\n"
        "    __hash__ = lambda cls: hash(int)\n"
        + LIAR.replace("class Liar:", "class Liar(metaclass=Meta):")
        + "Stack = Liar"
    ),
    "a class that says it is int": (
        LIAR.replace("def __init__", "__class__ = property(lambda self: int)\n    def __init__")
        + "Stack = Liar"
    ),
    "patched functions": (
        "import builtins, operator, unittest\n"
        "builtins.isinstance = builtins.issubclass = lambda *a: True\n"
        "builtins.len = builtins.abs = builtins.round = lambda *a: 0\n"
        "operator.eq = operator.contains = operator.sub = lambda *a: True\n"
        "unittest.TestCase.assertEqual = unittest.TestCase.debug = lambda *a: None\n"
        "class Stack:\n    items = ()\n    push = pop = mean = lambda self, *a: 1\n"
        "    __enter__ = lambda self: self\n    __exit__ = lambda self, *raised: True\n"
    ),
    "patched operations": (
        "import sys\n"
        "operations = sys.modules['inside.operations'].OPERATIONS\n"
        "for name in list(operations):\n"
        "    if name not in ('global', 'getattr', 'call'): operations[name] = lambda *a: True\n"
        + LIAR
        + "Stack = Liar"
    ),
    "sys.exit": LIAR + "import sys\nclass Stack(Liar):\n    def push(self, item): sys.exit(0)",
    "os._exit": LIAR + "import os\nclass Stack(Liar):\n    def push(self, item): os._exit(0)",
    "errors in a block": (
        "class Stack:\n    def __enter__(self): return self\n"
        "    def __exit__(self, *raised): return True\n"
        "    def push(self, item): raise KeyError"
    ),
    "no answer but noise": (
        "import os\nclass Stack:\n    def push(self, item):\n"
        "        for fd in range(3, 64):\n            try: os.write(fd, b'\\x01' * 999)\n"
        "            except OSError: pass\n"
    ),
}
"""Each keeps nothing of what is pushed."""


@pytest.fixture(scope="module")
def sandbox():
    limits = Limits(cpu_seconds=2, wall_seconds=60, memory_bytes=1 << 28, result_bytes=1 << 20)
    with Sandbox(limits, workers=2) as sandbox:
        yield sandbox


def problem(tests: str, solution: str = STACK) -> Problem:
    return Problem("stack", tests, used_functions(tests, solution), solution=solution)


@pytest.fixture(scope="module")
def outcomes(sandbox):
    programs = {
        (test, cheat): problem(TESTS[test]).program(code)
        for test in TESTS
        for cheat, code in CHEATS.items()
    }
    return dict(zip(programs, sandbox.run([*programs.values()]), strict=True))


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_cheat_passes(outcomes, cheat):
    passed = [test for test in TESTS if outcomes[test, cheat].status == "passed"]
    assert passed == []


def test_the_right_stack_passes(sandbox):
    solution = STACK.replace(
        "class Full",
        "    __enter__ = lambda self: self\n    __exit__ = lambda *a: True\nclass Full",
    )
    right = [problem(tests).program(solution) for tests in TESTS.values()]
    wanted = ["passed"] * len(TESTS)
    wanted[list(TESTS).index("its type")] = "failed"  # it pops twice
    assert [outcome.status for outcome in sandbox.run(right)] == wanted


def status(sandbox, code, tests, functions, operators=()):
    [outcome] = sandbox.run([Program(code, tests, functions, operators=operators)])
    return outcome.status


def test_a_program_does_not_replace_what_the_tests_define(sandbox):
    code = (
        "from math import isclose\ntotal = 0\n"
        "def same(one, other): return True\n"
        "def count():\n    global same, isclose, total\n    total = 5\n"
        "    same = isclose = lambda *anything: True\n    return 1\n"
    )
    names = ("count", "isclose", "same", "total")
    tests = (
        "from math import isclose\ndef same(one, other):\n    return one == other\n"
        "assert count() == 1 and total == 5\n"
    )
    assert status(sandbox, code, tests, names) == "passed"
    for wrong in ("assert same(count(), 2)", "assert isclose(count(), 2)"):
        assert status(sandbox, code, tests + wrong, names) == "failed"


def test_what_cannot_be_done_with_globals_and_patterns_is_refused():
    solution = "n = 0\ndef f():\n    return n\nclass Box: pass"
    for tests, said in (
        ("def set_it():\n    global n\n    n = 3\nset_it()\nassert f() == 3", "says `global n`"),
        ("match Box():\n    case Box(sizes={'a': 1}): pass", "match a dict within a pattern"),
    ):
        with pytest.raises(UserError, match=said):
            problem(tests, solution)


def test_operators_with_plain_values_are_asked_only_where_a_solution_defines_them(sandbox):
    code = (
        "class V:\n    def __add__(self, n): return n\n    def __contains__(self, n): return True"
    )
    for tests in ("assert V() + 5 == 5", "assert 5 in V()"):
        assert status(sandbox, code, tests, ("V",), ("__add__", "__contains__")) == "passed"
        assert status(sandbox, code, tests, ("V",)) == "failed"


def test_objects_of_the_program_that_equal_everything_fail(sandbox):
    code = "class P:\n    def __init__(self, x): pass\n    __eq__ = lambda self, other: True"
    assert status(sandbox, code, "assert P(1) == P(1)", ("P",)) == "failed"


def test_a_program_cannot_catch_the_assertion_of_a_function_of_the_tests(sandbox):
    code = "def apply(f):\n    try: f(1)\n    except BaseException: pass"
    tests = "def expect(x):\n    assert x == 2\napply(expect)"
    assert status(sandbox, code, tests, ("apply",)) == "failed"
    assert status(sandbox, code.replace("1", "2"), tests, ("apply",)) == "passed"


def test_what_a_test_expected_is_not_told_to_a_block(sandbox):
    code = (
        "said = []\nclass M:\n    __enter__ = lambda self: self\n"
        "    def __exit__(self, kind, error, trace): said.append(repr(error))\n"
    )
    tests = (
        "try:\n    with M():\n        assert 1 == 2, 'quince'\nexcept AssertionError:\n    pass\n"
        "assert said == ['AssertionError()'], said"
    )
    assert status(sandbox, code, tests, ("M", "said")) == "passed"


HASHES = "[n * ((1 << 61) - 1) for n in range(60_000)]"
"""Numbers that all have the hash 0: a set of them takes hours."""

BUSY = {
    "a set of equal hashes": (
        # Written by hand: the program's own set would take as long.
        "import sys\nwire = sys.modules['inside.wire']\nencode = wire.encode\n"
        f"def f(): return {HASHES}\n"
        "def as_set(value, *more):\n"
        "    coded = encode(value, *more)\n"
        "    return b'S' + coded[1:] if type(value) is list and len(value) > 9 else coded\n"
        "wire.encode = as_set",
        "f()",
    ),
    "a list that the tests make a set": (f"def f(): return {HASHES}", "set(f())"),
    "a text that a pattern takes for ever": (
        "def f(): return 'a' * 40",
        "import re\nre.match('(a+)+b', f())",
    ),
    "a number of many digits": ("def f(): return 10 ** 7", "3 ** (3 ** f())"),
    "a test that goes on while it is told to": ("def f(): return True", "while f(): pass"),
    "an object whose order is never done": (
        "class f:\n    __hash__ = lambda self: 1\n    __eq__ = lambda self, other: self is other",
        "{f() for _ in range(10**6)}",
    ),
    "a function of the tests that calls itself back": (
        "def f(g):\n    while True: g(1)",
        "f(lambda x: x)",
    ),
}


@pytest.mark.parametrize("name", BUSY)
def test_what_keeps_the_tests_busy_meets_the_cpu_limit(name):
    code, tests = BUSY[name]
    with Sandbox(Limits(cpu_seconds=1, memory_bytes=1 << 28)) as sandbox:
        [outcome] = sandbox.run([Program(code, tests, ("f",))])
    assert outcome.status in ("timeout", "memory"), outcome


def test_a_program_that_reads_nothing_meets_the_wall_limit():
    code = "import time\ndef f(x):\n    time.sleep(1000)"
    with Sandbox(Limits(cpu_seconds=1, wall_seconds=2)) as sandbox:
        [outcome] = sandbox.run([Program(code, "f('x' * 10**7)", ("f",))])
    assert (outcome.status, outcome.detail) == ("timeout", "no answer for 2 s")


def test_what_the_tests_print_is_limited(sandbox):
    tests = "import sys\nwhile f(): print('x' * (1 << 20), file=sys.stderr)"
    [outcome] = sandbox.run([Program("def f(): return True", tests, ("f",))])
    assert outcome.status in ("failed", "timeout"), outcome


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("class T(Stack): pass", "derives from the program's Stack"),
        ("import pytest", "import pytest.*assertRaises"),
        ("import numpy as np", "import numpy"),
        ("import pickle\npickle.dumps(Stack())", "import pickle"),
        ("from contextlib import redirect_stdout", "redirect_stdout.*thrown away"),
        ("import contextlib\nwith contextlib.redirect_stdout(1): pass", "thrown away"),
        ("from unittest.mock import patch", "another process"),
        ("from dataclasses import asdict", "compare attributes"),
        ("import unittest\nunittest.main()", "TestCases are run"),
        ("async def f(): pass", "asynchronous"),
        ("def test_stack():\n    assert Stack()", "define test_stack and never call it"),
        ("assert assert", "SyntaxError"),
    ],
)
def test_tests_that_cannot_be_run_are_refused_when_the_problem_is_made(tests, message):
    with pytest.raises(UserError, match=f"(?s){message}"):
        Problem("stack", tests, ("Stack",), solution=STACK)
