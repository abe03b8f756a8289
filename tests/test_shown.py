"""Text from outside, before a terminal or a file sees it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_ablate import cli
from code_ablate.commands import study_commands
from code_ablate.shown import one_line, show, shown, storable

any_text = st.text(st.characters(codec=None, exclude_categories=()))

ATTACKS = {
    "clears the screen \x1b[2J": r"clears the screen \x1b[2J",
    "names the window \x1b]0;x\x07": r"names the window \x1b]0;x\x07",
    "one byte \x9b2J": r"one byte \x9b2J",
    "overwrites\rthe line": r"overwrites\rthe line",
    "erases\x08\x7f": r"erases\x08\x7f",
    "turns \u202e round": r"turns \u202e round",
    "half \ud800": r"half \ud800",
    "stays: tab\t, line\nend, é, 😀, 👩\u200d💻": "stays: tab\t, line\nend, é, 😀, 👩\u200d💻",
    "DOS\r\nline": "DOS\r\nline",
}


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_control_characters_are_written_out(text, capsys):
    assert shown(text) == ATTACKS[text]
    show(text)
    assert capsys.readouterr().out == ATTACKS[text] + "\n"


@given(any_text)
def test_nothing_that_controls_a_terminal_is_left(text):
    for made, allowed in ((shown(text).replace("\r\n", ""), "\n\t"), (one_line(text), "")):
        controls = {c for c in made if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
        assert controls <= set(allowed)
        assert not any(unicodedata.bidirectional(c) in _TURNS for c in made)
        made.encode()


_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_a_line_stays_one():
    assert one_line("a\tb\nc\r\n") == r"a\tb\nc\r\n"


@given(any_text)
def test_any_text_can_be_stored(text):
    stored = storable(text)
    assert stored.encode("utf-8").decode() == stored
    halves = any("\ud800" <= c <= "\udfff" for c in text)
    assert halves or stored == text


def test_half_a_pair_becomes_the_sign_for_what_cannot_be_read():
    assert storable("a\ud83db") == "a\ufffdb" and storable("\ud83d\ude00") == "😀"
    assert storable("a\udc00") == "a\ufffd" and storable("\ud83d") == "\ufffd"
    assert storable(3) == 3


def test_no_error_message_controls_the_terminal(capsys, monkeypatch):
    def broken(options):
        raise RuntimeError("of a library \x1b[2J")

    assert cli.main(["report", "runs/\x1b[2J"]) == 2
    monkeypatch.setattr(study_commands, "report", broken)
    assert cli.main(["report", "x"]) == 1
    printed = capsys.readouterr().err
    assert "\x1b" not in printed and r"of a library \x1b[2J" in printed
    assert "broken" in printed and "Traceback" in printed
