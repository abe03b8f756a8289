"""Text from outside cannot steer the terminal it is shown on."""

from code_ablate.shown import shown, storable


def test_controls_are_made_visible_and_layout_stays():
    assert shown("a\x1b[2Jb\rc\x00\x9b") == "a\\x1b[2Jb\\rc\\x00\\x9b"
    assert shown("x = '\u202eevil'") == "x = '\\u202eevil'"
    assert shown("\ud800") == "\\ud800"
    assert shown("\tdef f():\n  return 'é漢🙂'") == "\tdef f():\n  return 'é漢🙂'"


def test_half_a_surrogate_pair_is_replaced():
    assert storable("a\ud83d🙂") == "a\ufffd🙂"
