"""The commit of the code that is running, where it runs from a git clone.

source_commit()         # "3f2a...", "3f2a...+" where files differ from it, "" where nothing says it
"""

import subprocess
from pathlib import Path

import code_ablate


def source_commit() -> str:
    """Hash of the commit; with a + behind it where tracked files differ. Empty for an installed
    package, a clone of another project around it, and a machine without git."""
    root = Path(code_ablate.__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return ""
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit + "+" * bool(commit and changed)


def _git(root: Path, *arguments: str) -> str:
    """What git says, without white space around it; empty where it fails or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
