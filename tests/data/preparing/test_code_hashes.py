"""Which changes of a program its windows survive, and which they do not."""

import json

import numpy as np
import pytest

from code_ablate.data.preparing.code_hashes import code_windows

PROGRAM = '''
def mean_deviation(numbers, power):
    """Mean deviation."""
    mean = sum(numbers) / len(numbers)
    total = 0
    for number in numbers:
        if number > mean:
            total += (number - mean) ** power
        else:
            total += mean - number
    return {"deviation": total / len(numbers), "mean": mean}
'''

RENAMED = PROGRAM
for old, new in [("numbers", "xs"), ("number", "x"), ("mean", "m"), ("power", "k"), ("total", "t")]:
    RENAMED = RENAMED.replace(old, new)
RENAMED = RENAMED.replace("m_deviation", "spread").replace('"m"', '"m"')

REFORMATTED = PROGRAM.replace("    ", "\t").replace(" / ", "/").replace('"', "'")

SPLIT = PROGRAM.replace(
    "total += (number - mean) ** power", "total += (\n    (number - mean)\n    ** power\n)"
).replace("len(numbers), ", "len(\n    numbers,\n),\n")

COMMENTED = PROGRAM.replace("total = 0", "# the sum so far\n    total = 0  # none yet")

NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": ["# Deviation\n", "See below."]},
            {"cell_type": "code", "source": PROGRAM.splitlines(keepends=True)},
        ]
    },
    indent=1,
)

CRLF_NOTEBOOK = json.dumps({"source": PROGRAM.replace("\n", "\r\n").splitlines(keepends=True)})

LEAKS = {
    "verbatim": PROGRAM,
    "renamed": RENAMED,
    "reformatted": REFORMATTED,
    "split over lines": SPLIT,
    "commented": COMMENTED,
    "in a notebook": NOTEBOOK,
    "in a notebook of Windows": CRLF_NOTEBOOK,
    "amid prose": f"Don't do this at home:\n\n```python{PROGRAM}```\n\nIt's slow.",
}
"""Ways in which the program gets into a corpus."""


def share_found(document: str, program: str = PROGRAM, size: int = 16) -> float:
    windows = code_windows([program, document], size)
    return float(np.isin(windows.of(0), windows.of(1)).mean())


@pytest.mark.parametrize("leak", LEAKS)
def test_a_program_is_found_in_a_changed_form(leak):
    assert share_found(f"import os\nx = 1\n{LEAKS[leak]}\nprint(x)\n") > 0.9


def test_another_program_is_not():
    other = PROGRAM.replace("number > mean", "number == mean").replace("+=", "*=")
    assert share_found(other) < 0.25  # the windows before what differs are equal
    swapped = PROGRAM.replace("mean - number", "number - mean")
    assert share_found(swapped) < 0.9  # names count by where they stood before


def test_licences_imports_and_docstrings_are_no_tokens():
    around = (
        "# Copyright 2020 The Authors.\n# Licensed under the Apache License, Version 2.0\n"
        "/* All rights reserved. */\n// as is, without warranty\n"
        "import os\nfrom typing import (\n    List,\n    Dict,\n)\nusing System.Linq;\n"
        '#include <vector>\n"""Doc\nstring."""\n'
    )
    assert code_windows([around], 1).counts.tolist() == [0]


def test_division_is_no_comment():
    assert code_windows(["a // b"], 1).counts.tolist() == [4]
    assert code_windows(["  // b"], 1).counts.tolist() == [0]


def test_a_window_lies_in_one_text():
    together = code_windows(["a = b + c", "d = e"], 3)
    apart = [code_windows([text], 3).values.tolist() for text in ("a = b + c", "d = e")]
    assert [together.of(0).tolist(), together.of(1).tolist()] == apart


def test_the_hashes_are_the_recorded_ones():
    """Other values need another VERSION: token stores are kept under them."""
    assert code_windows(["def f(a): return a + 1"], 6).values.tolist() == RECORDED


RECORDED = [4066821928778346507, 8844288920078838730, 6676541116971185192]
