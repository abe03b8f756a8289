"""Package archives made for the tests, by name of registry."""

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, files: dict[str, str | bytes], licence: str = "MIT") -> Path:
    """A wheel of version 1.0 that pip takes."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    own = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        f"License-Expression: {licence}\n\n# {name}\n\nA package.\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, **own}.items():
            # The time of 1980 stands in every entry: the same bytes whenever it is written.
            archive.writestr(zipfile.ZipInfo(file), content)
        record = "".join(f"{file},,\n" for file in [*files, *own, f"{info}/RECORD"])
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record)
    return path


def tarball(path: Path, files: dict[str, str | bytes], mode: str = "w:gz") -> Path:
    """A tar archive."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def debian(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A binary Debian package; needs dpkg-deb."""
    root = folder / "root"
    for file, content in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(content)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@example.org>\n"
        "Description: a test\n"
    )
    path = folder / f"{name}_1.0_all.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", str(root), str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path
