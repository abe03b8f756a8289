"""Functions of others: which are taken, how they are called, what becomes of them."""

from collections import Counter
from random import Random

import pytest

from code_ablate.data.sources.distributions import InstalledFile
from code_ablate.synthesis.mining import arguments, found_functions
from code_ablate.synthesis.mining.contained import Contained
from code_ablate.synthesis.mining.found_functions import functions_of, licence_of
from code_ablate.synthesis.mining.mined import mined_problems

MODULE = '''
import os
import re
from string import ascii_lowercase as letters

LIMIT = 3
TABLE = make_table()


def helper(text):
    return [letter for letter in text if letter in letters]


def long_runs(text: str) -> list:
    """Find the runs of small letters that are longer than the limit.

    >>> long_runs("abcd ef")
    ['abcd']
    """
    found = []
    for run in re.findall("[a-z]+", text):
        if len(helper(run)) > LIMIT:
            found.append(run)
    return found


def reads_a_file(path):
    """Reads what is in a file, line by line."""
    result = []
    for line in open(path):
        result.append(line.strip())
    return result


def uses_a_module(path):
    """Lists what is in a folder, sorted by name."""
    names = os.listdir(path)
    names.sort()
    return [name for name in names if len(name) > LIMIT and name != path]


def uses_what_is_not_known(text):
    """Looks each of the words of a text up in a table."""
    result = []
    for word in text.split():
        result.append(TABLE[word])
    return result


def without_docstring(text):
    result = []
    for word in text.split():
        result.append(word + word)
    return result
'''


@pytest.fixture
def found(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(MODULE)
    return list(functions_of(InstalledFile("made/module.py", str(file), "made", "1.0"), "MIT"))


def test_only_what_runs_alone_is_taken_with_what_it_needs(found):
    [only] = found
    assert only.name == "long_runs" and only.parameters == ("text",)
    assert only.imports == ("from string import ascii_lowercase as letters", "import re")
    names: dict = {}
    exec("\n".join([*only.imports, only.code]), names)
    assert names["long_runs"]("abcd ef ghijk") == ["abcd", "ghijk"]
    assert '"""' not in only.code and "def helper" in only.code and "LIMIT = 3" in only.code


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"License-Expression": "MIT"}, "MIT"),
        ({"Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD License"),
        ({"License-Expression": "MIT OR GPL-3.0"}, ""),
        ({"License": "Proprietary"}, ""),
        ({}, ""),
    ],
)
def test_the_licence_must_be_permissive_and_nothing_else(monkeypatch, fields, expected):
    class Metadata(dict):
        def get_all(self, name):
            return self.get(name)

    monkeypatch.setattr(
        found_functions.importlib.metadata, "metadata", lambda package: Metadata(fields)
    )
    assert licence_of("any") == expected


def test_arguments_are_guessed_by_annotation_and_read_from_doctests(found):
    [only] = found
    assert arguments.guesses(only)[0] == ("word",)
    assert arguments.doctest_calls(only) == ["('abcd ef',)"]
    assert all(arguments.drawn(kinds, Random(1)) for kinds in arguments.guesses(only))


@pytest.mark.slow
def test_code_of_others_sees_no_file_and_comes_to_an_end(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    reading = f"def f(x):\n    return open({str(secret)!r}).read()"
    with Contained() as contained:
        [outcome] = contained.call(reading, [("f", "(1,)")])
        assert (outcome.text, outcome.type) == ("FileNotFoundError", "")
        assert contained.call("def f(x):\n    while True: pass", [("f", "(1,)")]) is None
        [outcome] = contained.call("def f(x):\n    x.append(1)\n    return 2", [("f", "([],)")])
        assert (outcome.text, outcome.type, outcome.kept) == ("2", "int", False)


@pytest.mark.slow
def test_a_function_becomes_a_problem_that_names_its_origin(found):
    rejected: Counter = Counter()
    problems = list(mined_problems(found * 2, 0, 5, frozenset(), rejected))
    assert rejected["the same as another"] == 1
    [problem] = problems
    assert problem.metadata["licence"] == "MIT"
    assert problem.metadata["origin"] == "made 1.0: made/module.py"
    assert "made 1.0, made/module.py (MIT)" in problem.text
    assert "Find the runs of small letters" in problem.statement
    assert ">>>" not in problem.statement
    names: dict = {}
    exec(problem.solution, names)
    for test in problem.tests:
        exec(test, names)
    assert problem.metadata["mutants_noticed"] >= 0.9 * problem.metadata["mutants"] > 0
