"""The versions that decide what a preparation gives: package_versions()["seqio"]."""

import importlib.metadata
import platform

_PACKAGES = ("seqio", "tensorflow", "tensorflow-text", "sentencepiece", "tokenizers", "tensorstore")


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that are installed, by name."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
