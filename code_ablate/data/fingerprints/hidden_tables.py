"""Names of what gives another value on another day, machine or run: a table, with what to do.

hidden_functions()["time.time"].kind.remedy       # "pass the time in as an argument"
"""

import ast
import functools
import random
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Kind(NamedTuple):
    """A sort of hidden input."""

    what: str
    """What it gives, behind the name of the function."""
    remedy: str
    """What to do instead."""


ENVIRONMENT = Kind("the environment of the process", "pass the value in as an argument")
MACHINE = Kind("which says where this runs, and who runs it", "pass the value in as an argument")
CLOCK = Kind("the time", "pass the time in as an argument")
RANDOM = Kind(
    "random numbers without a seed",
    "draw them from random.Random(SEED) or numpy.random.default_rng(SEED), made where it is used",
)
HOME = Kind("the home folder", "write the path of the file out, or pass it in as an argument")
FOLDER = Kind("the current folder", "leave it out: paths are taken from there anyway")
HASH = Kind("which is another number for text in each process", "use zlib.crc32 or hashlib")
CODE = Kind("which does what no source says", "call what is meant by its name")
PROCESS = Kind("another program, or what this one was started with", "pass the value in")


class Hidden(NamedTuple):
    """A function whose value is hidden, and when it is not."""

    kind: Kind
    least: int | None = None
    """Arguments with which its value is no longer hidden, such as a seed. None: it always is."""
    keyword: str = ""
    """Argument by name that has the same effect."""

    def is_visible(self, call: ast.Call | None) -> bool:
        """Whether a call says all that its value depends on. None: it is named, and not called."""
        if self.least is None and not self.keyword:
            return False
        if call is None or any(isinstance(argument, ast.Starred) for argument in call.args):
            return True
        names = {keyword.arg: keyword.value for keyword in call.keywords}
        if None in names:  # **arguments
            return True
        if self.keyword and self.keyword in names:
            return not _is_none(names[self.keyword])
        given = [*call.args, *names.values()]
        return self.least is not None and len(given) >= self.least and not _is_none(given[0])


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


_ALWAYS: Mapping[Kind, Mapping[str, str]] = {
    ENVIRONMENT: {
        "os": "environ environb getenv getenvb",
        "posix": "environ",
        "posixpath": "expandvars",
        "builtins": "input",
        "locale": "getdefaultlocale getencoding getlocale getpreferredencoding",
    },
    MACHINE: {
        "os": "getlogin getpid getppid getuid geteuid getgid getegid getgroups uname ctermid",
        "getpass": "getuser getpass",
        "socket": "gethostname getfqdn gethostbyname gethostbyname_ex",
        "platform": "architecture freedesktop_os_release libc_ver machine node platform processor "
        "python_build python_compiler python_implementation python_version python_version_tuple "
        "release system uname version",
        "pwd": "getpwuid getpwnam getpwall",
        "uuid": "getnode",
    },
    CLOCK: {
        "time": "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time "
        "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns",
        "datetime.datetime": "now utcnow today",
        "datetime.date": "today",
        "pandas.Timestamp": "now utcnow today",
        "tensorflow": "timestamp",
        "os": "times",
        "posixpath": "getmtime getatime getctime",
    },
    RANDOM: {
        "os": "urandom getrandom",
        "random": "SystemRandom",
        "secrets": "choice randbelow randbits token_bytes token_hex token_urlsafe SystemRandom",
        "uuid": "uuid1 uuid4 uuid6 uuid7",
        "tensorflow.random": "get_global_generator",
        "tensorflow.random.Generator": "from_non_deterministic_state",
    },
    HOME: {"posixpath": "expanduser", "pathlib.Path": "home"},
    FOLDER: {"os": "getcwd getcwdb", "pathlib.Path": "cwd"},
    CODE: {
        "builtins": "eval exec compile __import__ globals",
        "importlib": "import_module reload __import__",
        "runpy": "run_module run_path",
    },
    HASH: {"builtins": "hash"},
    PROCESS: {
        "sys": "argv modules stdin",
        "os": "popen system",
        "subprocess": "Popen call check_call check_output getoutput getstatusoutput run",
    },
}
"""Kind -> module or class -> names in it that are always hidden."""

_UNLESS_GIVEN = {
    "time.localtime": Hidden(CLOCK, 1),
    "time.gmtime": Hidden(CLOCK, 1),
    "time.ctime": Hidden(CLOCK, 1),
    "time.asctime": Hidden(CLOCK, 1),
    "time.strftime": Hidden(CLOCK, 2),
    "random.Random": Hidden(RANDOM, 1),
    **{
        f"numpy.random.{name}": Hidden(RANDOM, 1)
        for name in (
            *("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937"),
            *("Philox", "SFC64"),
        )
    },
    **{
        f"tensorflow.random.{name}": Hidden(RANDOM, keyword="seed")
        for name in (
            *("uniform", "normal", "truncated_normal", "shuffle", "categorical", "gamma"),
            *("poisson",),
        )
    },
    **{
        f"torch.{name}": Hidden(RANDOM, keyword="generator")
        for name in (
            *("rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm"),
            *("normal", "bernoulli", "multinomial"),
        )
    },
}
"""What is hidden unless it is given a seed, or a time."""

SEEDING = {
    "random.seed": "random.",
    "numpy.random.seed": "numpy.random.",
    "tensorflow.random.set_seed": "tensorflow.random.",
    "torch.manual_seed": "torch.",
}
"""What gives the generator of a module its seed, and how names of the module begin."""

CLASSES = {
    "pandas._libs.tslibs.timestamps.Timestamp": "pandas.Timestamp",
    "tensorflow.python.ops.stateful_random_ops.Generator": "tensorflow.random.Generator",
}
"""Names of classes where they are defined, and where people find them."""

WATCHED: Mapping[str, Kind] = {
    "os": ENVIRONMENT,
    "time": CLOCK,
    "random": RANDOM,
    "numpy.random": RANDOM,
    "secrets": RANDOM,
    "uuid": RANDOM,
    "platform": MACHINE,
    "socket": MACHINE,
    "getpass": MACHINE,
    "sys": PROCESS,
    "subprocess": PROCESS,
}
"""Modules that are not to be handed on: what is then used of them is not seen."""


@functools.cache
def hidden_functions() -> dict[str, Hidden]:
    """Everything whose value is hidden, by dotted name."""
    table = {
        f"{owner}.{name}": Hidden(kind)
        for kind, owners in _ALWAYS.items()
        for owner, names in owners.items()
        for name in names.split()
    }
    # The functions of a module that draw from the generator that the module keeps.
    for module, kept in ((random, random.Random), (np.random, np.random.RandomState)):
        for name, function in vars(module).items():
            if isinstance(getattr(function, "__self__", None), kept) and name[0] != "_":
                table[f"{module.__name__}.{name}"] = Hidden(RANDOM)
    table |= {name: Hidden(RANDOM, 1) for name in SEEDING}
    return table | _UNLESS_GIVEN


def hidden_objects() -> dict[int, str]:
    """The dotted names of what is hidden and loaded, by id: a name may have been given another."""
    return _objects(len(sys.modules))


@functools.lru_cache(maxsize=1)
def _objects(loaded: int) -> dict[int, str]:
    objects: dict[int, str] = {}
    for dotted in hidden_functions():
        owner, _, name = dotted.rpartition(".")
        held: Any = vars(sys.modules[owner]).get(name) if owner in sys.modules else None
        if held is not None:
            objects.setdefault(id(held), dotted)
    return objects
