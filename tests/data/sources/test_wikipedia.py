"""Articles of a MediaWiki export as prose."""

import bz2

import pytest

from code_ablate.data.sources import distributions, wikipedia
from code_ablate.data.sources.wikitext import articles, plain_text
from code_ablate.errors import UserError


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
    assert plain_text(wikitext) == expected


EXPORT = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">
  <page><title>Old</title><ns>0</ns><redirect title="New"/>
    <revision><text>#REDIRECT [[New]]</text></revision></page>
  <page><title>New</title><ns>0</ns><revision><text>It is ''new''.</text></revision></page>
  <page><title>Talk:New</title><ns>1</ns><revision><text>Hm.</text></revision></page>
</mediawiki>"""


def test_articles_of_an_export(tmp_path):
    path = tmp_path / "x.bz2"
    path.write_bytes(bz2.compress(EXPORT.encode()))
    assert list(articles(str(path))) == [("New", "It is ''new''.")]


def test_an_export_that_is_cut_is_an_error(tmp_path):
    path = tmp_path / "x.bz2"
    whole = bz2.compress(EXPORT.encode())
    cut = [whole[:size] for size in range(0, len(whole), 7)]
    for content in (*cut, bz2.compress(EXPORT.encode()[:-20])):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"x\.bz2 cannot be read .*fetch or install it again"):
            list(articles(str(path)))


def test_the_articles_in_gensim_are_prose():
    source = wikipedia.GensimWikipedia()
    if "gensim" not in distributions.installed_files():
        pytest.skip("gensim is not installed")
    rows = list(source.documents())
    assert len(rows) == 106
    text = "\n".join(row["text"] for row in rows)
    assert "Autism is a neurodevelopmental disorder characterized by impaired social" in text
    for markup in ("{{", "}}", "{|", "<ref", "'''", "[http"):
        assert markup not in text
