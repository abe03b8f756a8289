"""Programs that try to pass without solving the task, or to do harm. Each has one right outcome.

The task is to return 42 and then a word that only the tests have: no program here knows it.
"""

import os

import pytest

from code_ablate.evaluation.sandbox import Limits, Program, Sandbox
from code_ablate.evaluation.sandbox.inside import wire

WORD = "quince-7c1d"
TESTS = f"assert answer(6) == 42\nassert answer(7) == '{WORD}'"
FRAME = wire.frame(wire.encode({"id": "0", "value": wire.encode(42)}))


@pytest.fixture(scope="module")
def sandbox():
    limits = Limits(cpu_seconds=2, wall_seconds=60, memory_bytes=1 << 28, result_bytes=1 << 20)
    with Sandbox(limits, workers=2) as sandbox:
        yield sandbox


def in_answer(body: str, before: str = "") -> str:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"import os, sys, builtins\n{before}\ndef answer(x):\n{lines}\n"


LIBRARY = "import ctypes\nlibc = ctypes.CDLL(None)"
SEARCH = """
import re

def word(objects):
    for found in objects:
        for text in (found, *(found.values() if type(found) is dict else ())):
            if type(text) in (str, bytes):
                match = re.search("quince-[0-9a-f]{4}", str(text))
                if match:
                    return match.group()
"""
PAGES = f"""
{LIBRARY}
def pages():
    near = id(object()) & ~4095
    source, target = os.pipe()
    for address in range(near - (64 << 20), near + (64 << 20), 4096):
        if libc.write(target, ctypes.c_void_p(address), ctypes.c_size_t(4096)) == 4096:
            yield os.read(source, 4096)
"""

ENDING = {
    "sys.exit": (in_answer("sys.exit(0)"), "failed"),
    "sys.exit at once": ("import sys\nsys.exit(0)", "failed"),
    "SystemExit": (in_answer("raise SystemExit"), "failed"),
    "KeyboardInterrupt": (in_answer("raise KeyboardInterrupt"), "failed"),
    "os._exit": (in_answer("os._exit(0)"), "crashed"),
    "os._exit at once": ("import os\nos._exit(0)", "crashed"),
    "an exception that cannot be shown": (
        in_answer("raise Odd", "class Odd(Exception):\n    def __str__(self): sys.exit(0)"),
        "failed",
    ),
    "atexit": (
        in_answer("return 0", "import atexit\natexit.register(lambda: os._exit(0))"),
        "failed",
    ),
    "abort": (in_answer("os.abort()"), "crashed"),
    "null pointer": (in_answer("ctypes.string_at(0)", LIBRARY), "crashed"),
    "recursion": (in_answer("return answer(x)"), "failed"),
    "recursion in repr": (in_answer("f = []\nfor _ in range(10**5): f = [f]\nreturn f"), "failed"),
}

EQUALITY = {
    "always equal": (
        in_answer("return Equal()", "class Equal:\n    __eq__ = lambda self, other: True"),
        "failed",
    ),
    **{
        f"always equal {kind}": (
            in_answer(
                f"return Equal({start!r})",
                f"class Equal({kind}):\n    __eq__ = lambda self, other: True\n"
                "    __hash__ = None\n    __ne__ = lambda self, other: False",
            ),
            "failed",
        )
        for kind, start in {"str": "", "int": 1, "float": 1.0, "list": [], "dict": {}}.items()
    },
    "always equal within a list": (
        in_answer("return [Equal()]", "class Equal:\n    __eq__ = lambda self, other: True"),
        "failed",
    ),
    "says that it is a str": (
        in_answer("return Liar()", "class Liar:\n    __class__ = property(lambda self: str)"),
        "failed",
    ),
    "iterates as what is wanted": (
        in_answer("return Any()", "class Any:\n    __getattr__ = lambda self, name: 42"),
        "failed",
    ),
}

READING = {
    "frames": (
        in_answer(
            "if x == 6: return 42\n"
            "frame = sys._getframe()\n"
            "while frame:\n"
            "    found = word([*frame.f_locals.values(), *frame.f_globals.values()])\n"
            "    if found: return found\n"
            "    frame = frame.f_back",
            SEARCH,
        ),
        "failed",
    ),
    "the collector": (
        in_answer("return 42 if x == 6 else word(gc.get_objects())", f"import gc\n{SEARCH}"),
        "failed",
    ),
    "memory, page by page": (
        in_answer("return 42 if x == 6 else word(pages())", SEARCH + PAGES),
        "failed",
    ),
    "arguments": (
        in_answer("return 42 if x == 6 else word(sys.argv + sys.orig_argv)", SEARCH),
        "failed",
    ),
}

PATCHING = {
    "AssertionError": (
        in_answer("return 42", "builtins.AssertionError = type('Never', (Exception,), {})"),
        "failed",
    ),
    "isinstance": (
        in_answer("return 42", "builtins.isinstance = lambda *anything: True"),
        "failed",
    ),
    "the driver": (
        in_answer("return 42", "sys.modules['inside.driver'].judge = lambda *a: ('passed', '')"),
        "failed",
    ),
    "the tests": (
        in_answer("return 42", "sys.modules['__main__'].__dict__.update(tests='', check=print)"),
        "failed",
    ),
    "the codec, to agree": (
        in_answer("return 42", "sys.modules['inside.wire'].encode = lambda *a: b'T'"),
        "tampered",
    ),
    "the codec, to overflow": (
        in_answer(
            "return 42", "sys.modules['inside.wire'].encode = lambda *a: b'l\\xff\\xff\\xff\\xff'"
        ),
        "tampered",
    ),
}

FORGING = {
    "a verdict on the standard streams": (
        in_answer(
            "for fd in (1, 2): os.write(fd, b'passed')\nprint({'status': 'passed'})\nreturn 42"
        ),
        "failed",
    ),
    "an answer before the question": (
        in_answer(
            f"for fd in range(3, 64):\n    try: os.write(fd, {FRAME!r})\n    except OSError: pass\n"
            "return 42"
        ),
        "tampered",
    ),
    "noise": (
        in_answer(
            "for fd in range(3, 64):\n    try: os.write(fd, b'\\xff' * 64)\n"
            "    except OSError: pass\nreturn 42"
        ),
        "tampered",
    ),
    "an exception that is none": (
        in_answer(
            "return 42",
            "sys.modules['inside.wire'].encode = lambda *a, e=sys.modules['inside.wire'].encode: "
            "e({'id': a[0]['id'], 'error': e('ValueError')} if len(a) == 1 else a[0])",
        ),
        "tampered",
    ),
    "a closed pipe": (
        in_answer("os.closerange(0, 64)\nimport time\ntime.sleep(1000)"),
        "tampered",
    ),
}

EXHAUSTING = {
    "an endless loop": (in_answer("while True: pass"), "timeout"),
    "an endless loop at once": ("while True: pass", "timeout"),
    "an endless loop that ignores signals": (
        in_answer(
            "while True: pass",
            "import signal\nfor s in range(1, 32):\n"
            "    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass",
        ),
        "timeout",
    ),
    "endless output": (in_answer("while True: print('x' * 1000)"), "timeout"),
    "more CPU": (
        in_answer("resource.setrlimit(resource.RLIMIT_CPU, (9, 9))\nreturn 42", "import resource"),
        "failed",
    ),
    "forks": (in_answer("while True: os.fork()"), "failed"),
    "programs": (in_answer("os.execv(sys.executable, ['python'])"), "failed"),
    "subprocesses": (in_answer("import subprocess\nsubprocess.run(['/bin/sh'])"), "failed"),
    "threads": (
        in_answer(
            "threading.stack_size(1 << 16)\n"
            "while True: threading.Thread(target=threading.Event().wait).start()",
            "import threading",
        ),
        "failed",
    ),
    "one large object": (in_answer("return 'x' * 10**12"), "memory"),
    "many objects": (in_answer("all = []\nwhile True: all.append(bytearray(1 << 20))"), "memory"),
    "a large file": (
        in_answer("with open('f', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"),
        "failed",
    ),
    "empty files": (
        in_answer("for n in range(10**7): os.close(os.open(str(n), os.O_CREAT))"),
        "failed",
    ),
    "attributes of a file": (
        in_answer("for n in range(10**7): os.setxattr('.', f'user.{n}', bytes(60000))"),
        "failed",
    ),
    "many files": (in_answer("f = []\nwhile True: f.append(open('f', 'w'))"), "failed"),
    "a large result": (in_answer("return 'x' * (4 << 20)"), "failed"),
    "a result within itself": (in_answer("l = []\nl.append(l)\nreturn l"), "failed"),
    "a result that unpacks itself": (
        in_answer("return Bomb()", "class Bomb:\n    __reduce__ = lambda self: (os._exit, (0,))"),
        "failed",
    ),
}

# ptrace(ATTACH, 1), mount, unshare(NEWUSER), setns, bpf, keyctl, by numbers of the machine
FORBIDDEN = {"x86_64": (101, 165, 272, 308, 321, 250), "aarch64": (117, 40, 97, 268, 280, 219)}
KERNEL = {
    f"system call {number}": (
        in_answer(f"libc.syscall({number}, 16, 1, 0, 0, 0)\nreturn 42", LIBRARY),
        "tampered",
    )
    for number in FORBIDDEN.get(os.uname().machine, ())
}

SIGNALS = {
    "the parent": (in_answer("os.kill(os.getppid(), 9)\nreturn 42"), "failed"),
    "everyone": (in_answer("os.kill(-1, 9)\nreturn 42"), "failed"),
    "its group": (in_answer("os.killpg(os.getpgrp(), 9)\nreturn 42"), "failed"),
    "a session of its own": (in_answer("os.setsid()\nreturn 42"), "failed"),
}

ATTACKS = {
    f"{group}: {name}": attack
    for group, attacks in {
        "ends by": ENDING,
        "returns": EQUALITY,
        "reads": READING,
        "patches": PATCHING,
        "forges": FORGING,
        "uses up": EXHAUSTING,
        "forbidden": KERNEL,
        "signals": SIGNALS,
    }.items()
    for name, attack in attacks.items()
}


@pytest.fixture(scope="module")
def outcomes(sandbox):
    programs = [Program(code, TESTS, ("answer",)) for code, _ in ATTACKS.values()]
    return dict(zip(ATTACKS, sandbox.run(programs), strict=True))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_does_not_pass(outcomes, name):
    assert outcomes[name].status == ATTACKS[name][1], outcomes[name]


@pytest.mark.parametrize("name", ["frames", "the collector", "memory, page by page"])
def test_what_searches_for_the_word_would_find_it(sandbox, name):
    """The attack passes once the word is in its memory: it failed because it never was."""
    code = f"here = '{WORD}'\n{READING[name][0]}"
    [outcome] = sandbox.run([Program(code, TESTS, ("answer",))])
    assert outcome.status == "passed", outcome


def test_the_task_can_be_solved(sandbox):
    code = in_answer(f"return 42 if x == 6 else '{WORD}'")
    assert [o.status for o in sandbox.run([Program(code, TESTS, ("answer",))])] == ["passed"]


def test_sleeping_for_ever_meets_the_wall_limit():
    sleeps = in_answer("import time\ntime.sleep(100000)")
    with Sandbox(Limits(cpu_seconds=1, wall_seconds=3)) as sandbox:
        [outcome] = sandbox.run([Program(sleeps, TESTS, ("answer",))])
    assert (outcome.status, outcome.detail) == ("timeout", "no answer for 3 s")


def test_what_the_tests_make_of_a_result_is_limited_too(sandbox):
    """Else a number would fill the memory of the host, in the driver."""
    program = Program(in_answer("return 1 << 29"), "assert 'x' * answer(1)", ("answer",))
    [outcome] = sandbox.run([program])
    assert outcome.status == "memory", outcome


def processes_with_session(leaders):
    """Processes in the sessions of these (host's view, which sees into every namespace)."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                session = int(stat.read().rpartition(")")[2].split()[3])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if session in leaders:
            found.append(int(entry))
    return found


def test_what_outlives_the_call_does_not_outlive_the_program(sandbox, monkeypatch):
    started = []
    start = Sandbox._start

    def noted(self, *job):
        process = start(self, *job)
        started.append(process.pid)
        return process

    monkeypatch.setattr(Sandbox, "_start", noted)
    spin = "import threading\ndef spin():\n    while True: pass\n"
    code = spin + in_answer(
        f"threading.Thread(target=spin).start()\nreturn 42 if x == 6 else '{WORD}'"
    )
    [outcome] = sandbox.run([Program(code, TESTS, ("answer",))])
    assert outcome.status == "passed", outcome
    assert started and processes_with_session(started) == []
