import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from code_ablate.errors import UserError
from code_ablate.evaluation.sandbox import STATUSES, Limits, Program, Sandbox, host
from code_ablate.evaluation.sandbox.inside import seccomp, wire

DOUBLE = "def double(x):\n    return 2 * x"
FOLDER = Path(host.__file__).parent


def program(body: str, tests: str = "assert double(2) == 4") -> Program:
    return Program(f"def double(x):\n    {body}", tests, ("double",))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(cpu_seconds=5), workers=2) as sandbox:
        yield sandbox


def status(sandbox, tests, code=DOUBLE, functions=("double",), setup=""):
    [outcome] = sandbox.run([Program(code, tests, functions, setup)])
    return outcome.status


# --- programs and their tests ---


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 2 * x", "passed"),
        ("return 3 * x", "failed"),
        ("return str(2 * x)", "failed"),
        ("raise ValueError", "failed"),
        ("raise MemoryError", "memory"),
        ("import os; os._exit(0)", "crashed"),
        ("this is no Python", "failed"),
    ],
)
def test_statuses(sandbox, body, expected):
    [outcome] = sandbox.run([program(body)])
    assert outcome.status == expected and outcome.status in STATUSES
    assert outcome.isolation.startswith("namespaces")


def test_a_function_that_is_missing_fails(sandbox):
    assert status(sandbox, "assert double(2) == 4", "def other(x): pass") == "failed"


def test_tests_that_catch_exceptions_see_them(sandbox):
    caught = "try:\n    double(0)\nexcept Exception:\n    pass\nelse:\n    raise AssertionError"
    assert status(sandbox, caught, "def double(x): return 1 / x") == "passed"
    assert status(sandbox, caught) == "failed"


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("ValueError('no')", "ValueError"),
        ("type('Own', (KeyError,), {})('no')", "LookupError"),
        ("UnicodeDecodeError('utf-8', b'', 0, 1, 'no')", "UnicodeError"),
        ("type('Own', (Exception,), {})('no')", "Exception"),
    ],
)
def test_exceptions_are_caught_by_what_they_are(sandbox, raised, caught):
    code = f"def double(x): raise {raised}"
    tests = "try:\n    double(0)\nexcept {} as error:\n    assert 'no' in str(error)"
    assert status(sandbox, tests.format(caught), code) == "passed"
    assert status(sandbox, tests.format("OSError"), code) == "failed"


def test_an_exit_is_not_caught_as_an_exception(sandbox):
    caught = "try:\n    double(0)\nexcept Exception:\n    pass"
    assert status(sandbox, caught, "def double(x): raise SystemExit(0)") == "failed"


def test_tests_cannot_hide_that_the_program_ended(sandbox):
    hides = "try:\n    double(0)\nexcept BaseException:\n    pass"
    assert status(sandbox, hides, "def double(x): __import__('os')._exit(0)") == "crashed"


def test_classes_and_iterators_of_the_program_can_be_used(sandbox):
    code = """
class Node:
    def __init__(self, value): self.value, self.next = value, None
def total(node): return 0 if node is None else node.value + total(node.next)
def squares(n): return (i * i for i in range(n))
"""
    tests = """
root = Node(1)
root.next = Node(2)
root.next.next = Node(3)
assert total(root) == 6 and root.next.value == 2
assert squares(3) != [0, 1, 4] and list(squares(3)) == [0, 1, 4]
"""
    assert status(sandbox, tests, code, ("Node", "total", "squares")) == "passed"


OBJECTS = """
class Empty:
    number = 5
    def __len__(self): return 0
one = Empty()
def first(): return one
def again(): return one
def other(): return Empty()
"""


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ("assert not first()", "passed"),  # `__len__` decides, as in Python
        ("assert first()", "failed"),
        ("assert first() == again()", "passed"),
        ("assert first() != again()", "failed"),
        ("assert first() != other()", "passed"),
        ("assert len({first(), again(), other()}) == 2", "passed"),
        ("assert first().number == 5", "passed"),
        ("assert not hasattr(first(), 'missing') and hasattr(first(), 'number')", "passed"),
    ],
)
def test_objects_of_the_program_are_true_equal_and_named_as_in_python(sandbox, tests, expected):
    assert status(sandbox, tests, OBJECTS, ("first", "again", "other")) == expected


def test_names_of_the_setup_stay_trusted(sandbox):
    """The tests' helper is what the setup defines, whatever the program makes of that name."""
    code = "def check(x): return True\ndef double(x): return 5"
    setup = "def check(x): return x == 4\ndef double(x): return 4"
    assert status(sandbox, "assert check(double(2))", code, ("double",), setup) == "failed"


def test_the_detail_is_that_of_what_failed(sandbox):
    caught = "try:\n    double('a', 1)\nexcept Exception:\n    pass\n"
    [outcome] = sandbox.run([Program(DOUBLE, caught + "assert 1 == 2, 'why'", ("double",))])
    assert (outcome.status, outcome.detail) == ("failed", "AssertionError: why")
    [outcome] = sandbox.run([program("return x / 0")])
    assert (outcome.status, outcome.detail) == ("failed", "ZeroDivisionError: division by zero")
    [outcome] = sandbox.run([program("return 10**5000", "assert False, double(2)")])  # no str()
    assert (outcome.status, outcome.detail) == ("failed", "AssertionError")


@pytest.mark.parametrize(("depth", "expected"), [(99, "passed"), (105, "failed"), (300, "failed")])
def test_a_deep_result_is_the_programs_fault_not_the_tests(sandbox, depth, expected):
    code = f"def double(x):\n    for _ in range({depth}): x = [x]\n    return x"
    code += "\ndef same(x): return x"
    tests = "deep = double(1)\nassert same([deep]) == [deep]"
    assert status(sandbox, tests, code, ("double", "same")) == expected


def test_tests_that_cannot_be_run_are_an_error(sandbox):
    with pytest.raises(UserError, match="what Thing cannot be sent"):
        status(sandbox, "class Thing: pass\nassert double(Thing()) == 4")
    with pytest.raises(UserError, match="SyntaxError"):
        status(sandbox, "assert assert")


def test_threads_fit_into_the_memory(sandbox):
    code = """
import threading
def double(x):
    gate = threading.Event()
    threads = [threading.Thread(target=gate.wait) for _ in range(40)]
    for thread in threads: thread.start()
    gate.set()
    for thread in threads: thread.join()
    return 2 * x
"""
    assert status(sandbox, "assert double(2) == 4", code) == "passed"


def test_random_numbers_and_the_order_of_sets_are_the_same_each_time(sandbox):
    code = "import random\ndef double(x): return [random.random(), *set(x)]"
    tests = "raise AssertionError(double(['a', 'b', 'c', 'd', 'e', 'f']))"
    details = {
        sandbox.run([Program(code + "\n" * i, tests, ("double",))])[0].detail for i in range(3)
    }
    assert len(details) == 1


def test_equal_programs_are_run_once_and_outcomes_keep_their_order(sandbox, monkeypatch):
    run = []
    judge = Sandbox._judge
    monkeypatch.setattr(Sandbox, "_judge", lambda self, p: run.append(p) or judge(self, p))
    right, wrong = program("return x + x"), program("return x")
    done = []
    outcomes = sandbox.run([right, wrong, right, right, wrong], done.append)
    assert [o.status for o in outcomes] == ["passed", "failed", "passed", "passed", "failed"]
    assert sorted(p.code for p in run) == sorted([right.code, wrong.code])
    assert sum(done) == 5
    sandbox.run([right, right], done.append)
    assert len(run) == 2 and sum(done) == 7


# --- the proof ---

UNAVAILABLE = "kernel.NEW_NAMESPACES |= 0x200"  # CLONE_FS, which does not go with them
LEAKING = "isolation.enter = lambda *anything: os.chdir('/tmp')"
AGREEING = "driver.judge = lambda *anything: ('passed', '')"


def broken(monkeypatch, patch):
    """The sandbox, with a driver that was changed before it starts."""
    started = Sandbox._start
    popen = subprocess.Popen

    def changed(command, **options):
        code = (
            f"import os, sys; sys.path.insert(0, {os.fspath(FOLDER)!r}); "
            f"from inside import driver, isolation, kernel, seccomp; {patch}; driver.main()"
        )
        return popen([sys.executable, "-S", "-c", code, command[-1]], **options)

    def start(self, *job):
        with monkeypatch.context() as context:
            context.setattr(subprocess, "Popen", changed)
            return started(self, *job)

    monkeypatch.setattr(Sandbox, "_start", start)
    return Sandbox(workers=1)


def test_it_proves_itself(sandbox):
    assert sandbox.prove().startswith("namespaces")


def test_it_refuses_where_the_kernel_does_not_isolate(monkeypatch):
    with (
        broken(monkeypatch, UNAVAILABLE) as sandbox,
        pytest.raises(UserError, match=r"cannot be isolated here \(.*clone: ") as refused,
    ):
        sandbox.run([program("return 2 * x")])
    assert "none" not in str(refused.value), "nobody is talked into running it all the same"


def test_python_may_lie_within_the_scratch_folder(monkeypatch):
    """As one that was unpacked in /tmp does."""
    around = "/" + sys.base_prefix.split("/")[1]
    with broken(monkeypatch, f"isolation.SCRATCH = {around!r}") as sandbox:
        assert sandbox.prove().startswith("namespaces")


def test_a_strict_umask_does_not_hide_the_libraries():
    before = os.umask(0o077)
    try:
        with Sandbox(workers=1) as sandbox:
            assert sandbox.prove().startswith("namespaces")
    finally:
        os.umask(before)


def test_the_proof_finds_a_leak(monkeypatch):
    with (
        broken(monkeypatch, LEAKING) as sandbox,
        pytest.raises(UserError, match="a program reached what is outside"),
    ):
        sandbox.prove()


def test_what_the_proof_lets_out_is_removed_again(monkeypatch):
    before = set(FOLDER.iterdir())
    keeping = f"{LEAKING}; isolation.renounce = lambda **anything: None"
    with (
        broken(monkeypatch, keeping) as sandbox,
        pytest.raises(UserError, match=r"write beside .*proof\.py"),
    ):
        sandbox.prove()
    assert set(FOLDER.iterdir()) == before


def test_the_proof_finds_the_network(monkeypatch):
    """Without the network namespace and the filter, the host's port would be reached."""
    patch = "kernel.NEW_NAMESPACES &= ~0x40000000; seccomp.install = lambda: False"
    with (
        broken(monkeypatch, patch) as sandbox,
        pytest.raises(UserError, match="a program reached what is outside"),
    ):
        sandbox.prove()


def test_the_proof_finds_a_driver_that_agrees_to_everything(monkeypatch):
    with (
        broken(monkeypatch, AGREEING) as sandbox,
        pytest.raises(UserError, match="should have failed was found 'passed'"),
    ):
        sandbox.prove()


def test_namespaces_isolate_without_the_filter(monkeypatch):
    with broken(monkeypatch, "seccomp.install = lambda: False") as sandbox:
        assert sandbox.prove() == "namespaces"


def test_a_verdict_without_the_nonce_is_none(monkeypatch):
    forged = wire.encode({"nonce": "guessed", "status": "passed", "detail": "", "isolation": ""})
    with broken(
        monkeypatch, f"wire.write(1, {forged!r}); os._exit(0)".replace("wire", "driver.wire")
    ) as sandbox:
        outcome = sandbox._judge(program("return 2 * x"))
    assert outcome.status == "crashed" and "without a verdict" in outcome.detail


def test_without_isolation_the_outcomes_say_so():
    before = set(os.listdir(tempfile.gettempdir()))
    code = "import os\ndef double(x):\n    open('f', 'w').close()\n    return os.listdir('.')"
    with Sandbox(isolation="none") as sandbox:
        [outcome] = sandbox.run([Program(code, "assert double(2) == ['f']", ("double",))])
    assert outcome.status == "passed"
    assert outcome.isolation in ("seccomp", "none")
    left = set(os.listdir(tempfile.gettempdir())) - before
    assert not [name for name in left if name.startswith("sandbox-")]


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_fits_the_kernel(machine):
    instructions = seccomp.program(machine)
    assert len(instructions) % 8 == 0 and len(instructions) // 8 < 4096


# --- the host ---


def test_bad_values_are_refused():
    with pytest.raises(UserError, match="no isolation named 'non'; did you mean 'none'"):
        Sandbox(isolation="non")
    with pytest.raises(UserError, match="threads is 0"):
        Limits(threads=0)
    with pytest.raises(UserError, match="wall_seconds is 5 and cpu_seconds 6"):
        Limits(cpu_seconds=6, wall_seconds=5)


def test_the_hosts_side_imports_neither_jax_nor_tensorflow():
    code = (
        "import sys, code_ablate.evaluation.sandbox; "
        "print([m for m in ('jax', 'tensorflow', 'seqio', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


INTERRUPTED = """
import signal, sys
from code_ablate.evaluation.sandbox import Program, Sandbox

signal.signal(signal.SIGINT, signal.default_int_handler)
start = Sandbox._start

def noted(self, *job):
    process = start(self, *job)
    if self._proven:
        print(process.pid, flush=True)
    return process

Sandbox._start = noted
asleep = "def f():\\n    import time\\n    time.sleep(100000)"
with Sandbox(workers=2) as sandbox:
    sandbox.run([Program(asleep + "\\n" * i, "f()", ("f",)) for i in range(20)])
"""


def test_an_interrupt_ends_everything():
    from tests.evaluation.sandbox.test_attacks import processes_with_session

    host = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    leaders = [int(host.stdout.readline()) for _ in range(2)]
    host.send_signal(signal.SIGINT)
    rest, errors = host.communicate(timeout=1000)
    assert "KeyboardInterrupt" in errors
    leaders += map(int, rest.split())
    assert len(leaders) == 2, "no more programs were started"
    assert processes_with_session(leaders) == []


def test_no_file_descriptor_is_left(sandbox):
    sandbox.run([program("return 2 * x + 0")])
    before = len(os.listdir("/proc/self/fd"))
    sandbox.run([program(f"return 2 * x + {i} - {i}") for i in range(1, 5)])
    assert len(os.listdir("/proc/self/fd")) == before
