"""Documents of the files of packages."""

import gzip
import json
import shutil

import pytest

from code_ablate.data.building.archives import members
from code_ablate.data.building.extraction import extract
from code_ablate.data.building.licence_texts import licence_of
from code_ablate.data.building.packages import Package, Take
from code_ablate.errors import Failed, UserError
from tests.data.building.made_packages import debian, tarball, wheel

FILES = {
    "pkg/main.py": "x = 1\n",
    "pkg/again.py": "x = 1\n",
    "pkg/fast.c": "int main() { return 0; }\n",
    "pkg/tests/test_main.py": "assert True\n",
    "pkg/static/app.min.js": "var a=1;\n",
    "pkg/_vendor/six.py": "y = 2\n",
    "pkg/style.css": "p { color: red }\n",
    "pkg/README.md": "# Use\n\n```python\nimport pkg\n```\n",
    "pkg/HISTORY.md": "# History\n\nIt was long ago.\n",
    "pkg/latin.py": "# caf\xe9\n".encode("latin-1"),
    "pkg/data.py": b"\0\0",
    "pkg/empty.py": " \n",
    "pkg/long.py": "z = 3\n" * 200_000,
    "pkg/notes.unknown": "words\n",
}


@pytest.fixture
def code(tmp_path):
    return wheel(tmp_path, "pkg", FILES)


def test_files_go_to_the_corpora_of_their_languages(code):
    extracted = extract(Package("pypi", "pkg", 1.0), "1.0", [code])
    paths = {c: [d.path for d in documents] for c, documents in extracted.documents.items()}
    assert paths == {
        "code.c": ["pypi/pkg/pkg/fast.c"],
        "code.python": ["pypi/pkg/pkg/main.py"],
        "code_text": ["pypi/pkg/pkg/README.md"],
        "markup.css": ["pypi/pkg/pkg/style.css"],
        "prose_about_code": [
            "pypi/pkg/pkg-1.0.dist-info/METADATA.md",
            "pypi/pkg/pkg/HISTORY.md",
        ],
    }
    (document,) = extracted.documents["code.python"]
    assert (document.text, document.language) == ("x = 1\n", "python")
    assert (document.source, document.version, document.licence) == ("pkg", "1.0", "MIT")


def test_what_becomes_no_document_is_counted_by_reason(code):
    skipped = extract(Package("pypi", "pkg", 1.0), "1.0", [code]).skipped
    assert skipped == {
        "binary": 1,
        "empty": 1,
        "minified": 1,
        "no_code_by_name": 3,  # the unknown file, WHEEL and RECORD
        "not_utf8": 1,
        "over_max_bytes": 1,
        "repeated": 1,
        "test": 1,
        "vendored": 1,
    }


def test_a_cap_leaves_files_out_by_a_hash_of_their_path(tmp_path):
    files = {f"pkg/m{i}.py": f"x = {i}\n" + "y = 1\n" * 100 for i in range(50)}
    package = Package("pypi", "pkg", 1.0, max_megabytes=0.006)
    extracted = extract(package, "1.0", [wheel(tmp_path, "pkg", files)])
    kept = extracted.documents["code.python"]
    assert 5 <= len(kept) <= 10
    assert extracted.skipped["over_max_megabytes"] == 50 - len(kept)
    assert [d.path for d in kept] == sorted(d.path for d in kept)
    # Another file more does not change which of the others are kept first.
    more = extract(
        Package("pypi", "pkg", 1.0, max_megabytes=0.012), "1.0",
        [wheel(tmp_path, "pkg", files)],
    )  # fmt: skip
    assert {d.path for d in kept} < {d.path for d in more.documents["code.python"]}


def test_readers(tmp_path):
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "Text."]},
            {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [{"text": "1"}]},
            {"cell_type": "raw", "source": ["raw"]},
        ]
    }
    module = 'def f():\n    """Adds.\n\n    >>> f()\n    2\n    """\n\ndef g():\n    """None."""\n'
    files = {
        "package/a.ipynb": json.dumps(notebook),
        "package/bad.ipynb": "{}",
        "package/m.py": module,
        "package/page.html": "<html><head><title>T</title></head><p>Bees &amp; honey</p></html>",
        "package/speech.txt": "\ufeffFriends.\n",
        "package/other.txt": "not wanted",
    }
    takes = (
        Take("code_text", (".ipynb",), reader="notebook"),
        Take("code_text", (".py",), reader="docstrings"),
        Take("prose", (".html",), reader="html"),
        Take("prose", (".txt",), under="speech", reader="text"),
    )
    archive = tarball(tmp_path / "x-1.tgz", files)
    extracted = extract(Package("npm", "x", 1.0, takes), "1", [archive])
    texts = {d.path: d.text for ds in extracted.documents.values() for d in ds}
    assert texts["npm/x/a.ipynb"] == "# Title\nText.\n\n```python\nx = 1\nx\n```\n"
    assert texts["npm/x/m.py"] == "f\n\nAdds.\n\n>>> f()\n2\n"
    assert "Bees & honey" in texts["npm/x/page.html"]
    assert texts["npm/x/speech.txt"] == "Friends.\n"
    assert len(texts) == 4
    assert extracted.skipped == {"no_notebook": 1}


@pytest.mark.parametrize(
    "mode, suffix", [("w:gz", ".tgz"), ("w:xz", ".tar.xz"), ("w:bz2", ".tar.bz2")]
)
def test_members_of_tar_archives(tmp_path, mode, suffix):
    archive = tarball(tmp_path / f"x-1{suffix}", {"x-1/a.c": "a", "x-1/b/c.c": "bc"}, mode)
    assert [(m.path, m.size, m.read()) for m in members(archive)] == [
        ("a.c", 1, b"a"),
        ("b/c.c", 2, b"bc"),
    ]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_members_of_a_debian_package(tmp_path):
    archive = debian(tmp_path, "x", {"usr/share/doc/x/copyright": "License: ISC\n", "usr/a.c": "a"})
    assert {m.path: m.read() for m in members(archive, top_folder=False)} == {
        "usr/share/doc/x/copyright": b"License: ISC\n",
        "usr/a.c": b"a",
    }
    package = Package("debian", "x", 1.0)
    assert licence_of(package, [archive]) == "ISC"
    (document,) = extract(package, "1", [archive]).documents["code.c"]
    assert (document.path, document.licence) == ("debian/x/usr/a.c", "ISC")


@pytest.mark.parametrize("suffix", [".whl", ".tgz", ".tar.xz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_a_cut_archive_is_named(tmp_path, suffix, share):
    files = {f"x/{i}.py": f"{i}\n" * 400 for i in range(40)}
    whole = (
        wheel(tmp_path, "x", files)
        if suffix == ".whl"
        else tarball(tmp_path / f"x{suffix}", files, f"w:{suffix[-2:]}")
    )
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    with pytest.raises(Failed, match=r"cut\.[a-z.]+ is damaged"):
        extract(Package("npm" if suffix != ".whl" else "pypi", "x", 1.0), "1", [cut])


def test_licences(tmp_path):
    npm = tarball(tmp_path / "a.tgz", {"package/package.json": '{"license": {"type": "ISC"}}'})
    assert licence_of(Package("npm", "a", 1.0), [npm]) == "ISC"
    source = tarball(
        tmp_path / "b.tar.gz", {"b-1/COPYING": "GNU GENERAL PUBLIC LICENSE\n  Version 3"}
    )
    assert licence_of(Package("debian-source", "b", 1.0), [source]) == "GPL-3.0-or-later"
    nothing = tarball(tmp_path / "c.tar.gz", {"c-1/main.c": "x"})
    assert licence_of(Package("debian-source", "c", 1.0), [nothing]) == ""
    stated = Package("npm", "a", 1.0, licence="public domain")
    assert extract(stated, "1", [npm]).documents["markup.json"][0].licence == "public domain"


def test_unknown_registries_and_readers_are_refused():
    with pytest.raises(UserError, match="'conda'"):
        Package("conda", "x", 1.0)
    with pytest.raises(UserError, match="'pdf'"):
        Take("prose", reader="pdf")


def test_a_tagged_text_without_its_tags(tmp_path):
    text = "\n\n\tThe/at jury/nn said/vbd ``/`` no/at one/pn ''/'' ,/, and/or left/vbd ./.\n\n\n"
    archive = tarball(tmp_path / "x.tgz", {"package/ca01": text + "It/pps ended/vbd ./.\n"})
    takes = (Take("prose", under="c", reader="tagged"),)
    (document,) = extract(Package("npm", "x", 1.0, takes), "1", [archive]).documents["prose"]
    assert document.text == 'The jury said "no one", and left.\nIt ended.\n'


def test_compressed_files_are_read(tmp_path):
    archive = tarball(tmp_path / "x.tgz", {"package/a.txt.gz": gzip.compress(b"Words.\n")})
    takes = (Take("prose", (".gz",), reader="text"),)
    (document,) = extract(Package("npm", "x", 1.0, takes), "1", [archive]).documents["prose"]
    assert document.text == "Words.\n"
