"""Building corpora with the real pip, from a folder of wheels in the place of the registry."""

import json
import subprocess
import sys

import pytest
import zstandard

from code_ablate.data.building import build as building
from code_ablate.data.building.build import build
from code_ablate.data.building.clients import Gone
from code_ablate.data.building.lock_file import LOCK, read_lock
from code_ablate.data.building.packages import Package
from code_ablate.data.sources.built import BuiltCorpus
from code_ablate.errors import Failed, UserError
from tests.data.building.made_packages import wheel

PACKAGES = (
    Package("pypi", "bees", 1.0),
    Package("pypi", "honey", 2.0),
)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder that pip takes packages from."""
    folder = tmp_path / "registry"
    folder.mkdir()
    wheel(folder, "bees", {"bees/hive.py": "hive = 1\n", "bees/wax.c": "int wax;\n"})
    wheel(folder, "honey", {"honey/jar.py": "jar = 2\n", "honey/lid.py": "lid = 3\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    # A URI: pip takes a path with a space for two.
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def lines(path):
    text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
    return [json.loads(line) for line in text.splitlines()]


def files_of(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_shards_hold_documents_with_their_provenance(registry, tmp_path):
    report = build(PACKAGES, tmp_path / "out")
    assert report.corpora == {
        "code.c": (1, 9),
        "code.python": (3, 9 + 8 + 8),
        "prose_about_code": (2, 19 + 20),
    }
    assert lines(tmp_path / "out/code.python/pypi.honey.jsonl.zst") == [
        {"text": f"{name} = {n}\n", "path": f"pypi/honey/honey/{name}.py", "language": "python",
         "source": "honey", "version": "1.0", "licence": "MIT"}
        for name, n in (("jar", 2), ("lid", 3))
    ]  # fmt: skip
    lock = read_lock(tmp_path / "out" / LOCK)
    assert [(p.name, p.version) for p in lock.packages] == [("bees", "1.0"), ("honey", "1.0")]
    assert not (tmp_path / "out/.work").exists()


def test_a_second_build_fetches_nothing_and_two_processes_build_the_same(
    registry, tmp_path, monkeypatch
):
    build(PACKAGES, tmp_path / "one")
    build(PACKAGES, tmp_path / "two", workers=2)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")

    def refuse(*_):
        raise AssertionError("fetched again")

    monkeypatch.setattr(building, "fetch", refuse)
    before = files_of(tmp_path / "one")
    build(PACKAGES, tmp_path / "one")
    assert files_of(tmp_path / "one") == before


def test_a_build_that_was_killed_goes_on(registry, tmp_path, monkeypatch):
    build(PACKAGES, tmp_path / "whole")
    real = building.extract

    def killed(package, *arguments):
        if package.name == "bees":
            raise KeyboardInterrupt
        return real(package, *arguments)

    monkeypatch.setattr(building, "extract", killed)
    with pytest.raises(KeyboardInterrupt):
        build(PACKAGES, tmp_path / "out")
    assert not (tmp_path / "out" / LOCK).exists()
    fetched = []
    real_fetch = building.fetch
    monkeypatch.setattr(building, "extract", real)

    def counted(package, *arguments):
        fetched.append(package.name)
        return real_fetch(package, *arguments)

    monkeypatch.setattr(building, "fetch", counted)
    build(PACKAGES, tmp_path / "out")
    assert fetched == ["bees"]
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_a_lock_file_builds_the_same_and_notices_another_archive(registry, tmp_path):
    build(PACKAGES, tmp_path / "one")
    lock = tmp_path / "one" / LOCK
    build(PACKAGES, tmp_path / "two", lock=lock)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    wheel(registry, "honey", {"honey/jar.py": "jar = 4\n"})
    with pytest.raises(Failed, match=r"archives of honey \(pypi\) differ .* honey-1\.0-py3"):
        build(PACKAGES, tmp_path / "three", lock=lock)
    with pytest.raises(UserError, match="has no package 'wax'"):
        build([*PACKAGES, Package("pypi", "wax", 1.0)], tmp_path / "four", lock=lock)
    lock.write_text(lock.read_text().replace("honey", "money"))
    with pytest.raises(UserError, match=r"lock\.json was changed"):
        build(PACKAGES, tmp_path / "five", lock=lock)


def test_a_package_that_is_gone_stops_is_skipped_or_replaced(registry, tmp_path):
    (registry / "bees-1.0-py3-none-any.whl").unlink()
    with pytest.raises(Failed, match=r"no bees.*--missing skip"):
        build(PACKAGES, tmp_path / "stop")
    report = build(PACKAGES, tmp_path / "skip", missing="skip")
    assert list(report.missing) == ["pypi.bees"] and [p.name for p in report.built] == ["honey"]
    wheel(registry, "wasps", {"wasps/nest.py": "nest = 5\n"})
    stood_in = (Package("pypi", "bees", 1.0, instead="wasps"), PACKAGES[1])
    report = build(stood_in, tmp_path / "instead")
    assert [p.name for p in report.built] == ["wasps", "honey"]
    before = files_of(tmp_path / "instead")
    again = build(stood_in, tmp_path / "again", lock=tmp_path / "instead" / LOCK)
    assert again.built == report.built
    assert files_of(tmp_path / "again") == before
    with pytest.raises(UserError, match="'maybe'"):
        build(PACKAGES, tmp_path / "x", missing="maybe")


def test_another_cap_builds_a_package_again(registry, tmp_path):
    build(PACKAGES, tmp_path / "out")
    smaller = (PACKAGES[0], Package("pypi", "honey", 2.0, max_megabytes=0.00001))
    report = build(smaller, tmp_path / "out")
    assert report.corpora["code.python"] == (2, 9 + 8)


def test_a_registry_that_cannot_be_reached_is_one_message(registry, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(Failed) as caught:
        build(PACKAGES[:1], tmp_path / "out")
    assert "bees" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_programs_are_named_before_anything_is_fetched(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="fetched by npm, which is not installed"):
        build([*PACKAGES, Package("npm", "lodash", 1.0)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_built_corpus_reads_what_the_lock_file_names(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("CODE_ABLATE_CORPORA", str(tmp_path / "out"))
    with pytest.raises(UserError, match="corpora build --tier small"):
        list(BuiltCorpus("code.python").documents())
    build(PACKAGES, tmp_path / "out")
    (tmp_path / "out/code.python/pypi.left_over.jsonl.zst").write_bytes(b"of another build")
    documents = list(BuiltCorpus("code.python").documents())
    assert [d["path"] for d in documents] == [
        "pypi/bees/bees/hive.py",
        "pypi/honey/honey/jar.py",
        "pypi/honey/honey/lid.py",
    ]
    assert {d["language"] for d in documents} == {"python"}
    assert len(list(BuiltCorpus("code.*").documents())) == 4
    with pytest.raises(UserError, match=r"'code\.rust' is not among .*code\.c, code\.python"):
        list(BuiltCorpus("code.rust").documents())
    digest = BuiltCorpus("code.python").digest()
    build(PACKAGES, tmp_path / "elsewhere")
    monkeypatch.setenv("CODE_ABLATE_CORPORA", str(tmp_path / "elsewhere"))
    assert BuiltCorpus("code.python").digest() == digest


def test_building_needs_no_tensorflow():
    code = "import code_ablate.data.building.build, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_gone_is_told_from_other_failures(registry, tmp_path):
    from code_ablate.data.building.clients import fetch

    with pytest.raises(Gone):
        fetch(Package("pypi", "absent", 1.0), "", tmp_path, tmp_path)
    with pytest.raises(Gone):
        fetch(PACKAGES[0], "9.9", tmp_path, tmp_path)
