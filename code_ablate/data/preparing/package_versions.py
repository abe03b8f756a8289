"""The versions that decide what a preparation gives: package_versions()["seqio"]."""

import platform

from code_ablate.data.fingerprints.installed import installed_version

_PACKAGES = (
    "seqio",
    "tensorflow",
    "tensorflow-text",
    "sentencepiece",
    "tokenizers",
    "tensorstore",
    "rensa",
)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that are installed, by name."""
    found = {package: installed_version(package) for package in _PACKAGES}
    installed = {package: version for package, version in found.items() if version}
    return {"python": platform.python_version(), **installed}
