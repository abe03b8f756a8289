"""What a program reaches of the machine that it runs on."""

import os
import sys

import pytest

from code_ablate.evaluation.sandbox import Limits, Program, Sandbox


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(cpu_seconds=2), workers=2) as sandbox:
        yield sandbox


REFUSED = """
def answer(do):
    import os, sys, socket, ctypes
    try:
        return repr(eval(do))
    except (OSError, ImportError) as error:
        return "refused"
"""


def refused(sandbox, expression):
    program = Program(
        REFUSED, f"reply = answer({expression!r})\nassert reply == 'refused', reply", ("answer",)
    )
    [outcome] = sandbox.run([program])
    return outcome


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls by number")
@pytest.mark.parametrize(
    "call",
    [
        "syscall(103, 3, 0, 0)",  # syslog
        "syscall(206, 1, ctypes.byref(ctypes.c_ulong(0)))",  # io_setup
        "syscall(53, 16, 3, 0, ctypes.create_string_buffer(8))",  # socketpair(AF_NETLINK)
    ],
)
def test_a_call_that_others_would_feel_is_refused(sandbox, call):
    code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    code += f"def answer(): return libc.{call}, ctypes.get_errno()"
    [outcome] = sandbox.run([Program(code, "assert answer() == (-1, 1), answer()", ("answer",))])
    assert outcome.status == "passed", outcome


def test_pairs_of_sockets_are_there_for_asyncio(sandbox):
    code = "import asyncio\nasync def one(): return 1\ndef answer(): return asyncio.run(one())"
    [outcome] = sandbox.run([Program(code, "assert answer() == 1", ("answer",))])
    assert outcome.status == "passed", outcome


def test_all_but_the_scratch_folder_is_read_only(sandbox):
    code = """
import os
def places():
    found = ["/dev/null", "/dev/urandom", *(folder for folder, _, _ in os.walk("/"))]
    return [place for place in found if not os.statvfs(place).f_flag & os.ST_RDONLY]
"""
    [outcome] = sandbox.run([Program(code, "assert places() == ['/tmp'], places()", ("places",))])
    assert outcome.status == "passed", outcome


@pytest.mark.parametrize(
    "expression",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.create_connection(('127.0.0.1', 1))",
        "open('/escaped', 'w')",
        "open('/usr/lib/escaped', 'w')",
        "open('/dev/escaped', 'w')",
        "open(os.__file__, 'a')",
        "os.remove(os.__file__)",
        "os.chmod(os.__file__, 0o777)",
        "open('/etc/passwd')",
        "os.listdir('/proc')",
        "os.listdir('/sys')",
        "open('/dev/mem')",
        "os.setuid(0)",
        "os.memfd_create('memory')",
        "__import__('numpy')",
        "__import__('code_ablate')",
    ],
)
def test_the_outside_is_out_of_reach(sandbox, expression):
    outcome = refused(sandbox, expression)
    assert outcome.status == "passed", outcome


def test_of_home_folders_nothing_is_there_but_the_way_to_python(sandbox):
    """Where Python itself is installed in one, as by pyenv or uv."""
    code = f"""
import os
def others():
    found = [os.path.join(at, name) for top in ("/home", "/root") if os.path.isdir(top)
             for at, folders, files in os.walk(top) for name in (*folders, *files)]
    python = {os.path.join(sys.base_prefix, "")!r}
    return [place for place in found
            if not place.startswith(python) and not python.startswith(place + "/")]
"""
    [outcome] = sandbox.run([Program(code, "assert others() == [], others()", ("others",))])
    assert outcome.status == "passed", outcome


def test_files_of_the_user_cannot_be_read_or_written(sandbox, tmp_path):
    (tmp_path / "secret").write_text("secret")
    for expression in (
        f"open({str(tmp_path / 'secret')!r}).read()",
        f"open({str(tmp_path / 'new')!r}, 'w')",
        f"open({__file__!r}).read()",  # the file with the tests
        f"os.listdir({os.path.expanduser('~/.ssh')!r})",
    ):
        outcome = refused(sandbox, expression)
        assert outcome.status == "passed", outcome
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_the_host_has_another_name(sandbox):
    code = "import os\ndef name(): return os.uname().nodename"
    [outcome] = sandbox.run([Program(code, "assert name() == 'sandbox'", ("name",))])
    assert outcome.status == "passed", outcome


def test_the_environment_is_empty(sandbox, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    code = "import os\ndef names(): return set(os.environ)"
    ours = {"PYTHONHASHSEED", "PYTHONUTF8", "MALLOC_ARENA_MAX", "LC_CTYPE"}
    tests = f"assert names() <= {ours}, names()"
    [outcome] = sandbox.run([Program(code, tests, ("names",))])
    assert outcome.status == "passed", outcome


def test_the_file_system_holds_nothing_that_tells_the_answer(sandbox):
    code = """
import os
def found():
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk("/")
        for name in names
        if name.endswith((".jsonl", ".jsonl.gz", ".parquet")) or "sandbox" in name
    ]
"""
    [outcome] = sandbox.run([Program(code, "assert found() == [], found()", ("found",))])
    assert outcome.status == "passed", outcome


def test_scratch_space_is_there_and_is_empty_for_the_next(sandbox):
    code = (
        "import os\ndef use(n):\n    open(f'file{n}', 'w').write('x')\n    return os.listdir('.')"
    )
    programs = [Program(code, f"assert use({n}) == ['file{n}']", ("use",)) for n in range(3)]
    assert [outcome.status for outcome in sandbox.run(programs)] == ["passed"] * 3
