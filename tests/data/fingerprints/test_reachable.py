"""Whatever changes what a function does changes its text; what does not leaves it as it was."""

import importlib
import itertools
import os
import subprocess
import sys
import textwrap

import pytest

import gin
from code_ablate.data.fingerprints import installed
from code_ablate.data.fingerprints.reachable import Reached
from code_ablate.data.fingerprints.source_text import Unfollowable

BEGIN = """
import array, collections, dataclasses, enum, functools, operator, re
from pathlib import Path
import numpy as np
import {other}
from {other} import limit, longer as imported

"""
OTHER = """
LIMIT = 3
WORDS = ["rude"]

def limit():
    return LIMIT

def longer(text, least=2):
    return len(text) > least

class Judge:
    words = WORDS + ["more"]

    def bad(self, text):
        return any(word in text for word in self.words)
"""

EDITS = {
    "list": ("WORDS = ['rude']", "keep = lambda text: text not in WORDS", "'rude'", "'other'"),
    "set": ("WORDS = {'rude', 'x'}", "keep = lambda text: text not in WORDS", "'rude'", "'other'"),
    "dict": ("WORDS = {'rude': 1}", "keep = lambda text: WORDS.get(text) == 1", ": 1", ": 2"),
    "keys": ("WORDS = {'rude': 1}", "keep = lambda text: WORDS.get(text) == 1", "rude", "other"),
    "array": ("N = array.array('i', [1, 2])", "keep = lambda text: len(text) in N", "2", "3"),
    "numpy": ("SIZES = np.arange(4)", "keep = lambda text: len(text) in SIZES", "4", "5"),
    "deque": ("W = collections.deque(['a'])", "keep = lambda text: text in W", "'a'", "'b'"),
    "nested": ("RULES = {'a': [{'b': ('c',)}]}", "keep = lambda text: RULES[text]", "'c'", "'d'"),
    "counter": ("SEEN = collections.Counter('aab')", "keep = lambda t: SEEN[t] > 1", "aab", "aaab"),
    "pattern": ("BAD = re.compile('a+')", "keep = lambda text: not BAD.search(text)", "a+", "b+"),
    "flags": ("BAD = re.compile('a')", "keep = lambda text: not BAD.search(text)", "'a'", "'a', 2"),
    "dataclass": (
        "@dataclasses.dataclass\nclass Rule:\n    n: int\n    def __call__(self, text):\n"
        "        return len(text) > self.n\nRULE = Rule(3)",
        "keep = lambda text: RULE(text)", "Rule(3)", "Rule(4)",
    ),
    "method": (
        "class Rule:\n    def bad(self, text):\n        return text > 'a'\nRULE = Rule()",
        "keep = lambda text: RULE.bad(text)", "'a'", "'b'",
    ),
    "bound": (
        "class Rule:\n    def bad(self, text):\n        return text > 'a'",
        "keep = Rule().bad", "'a'", "'b'",
    ),
    "attribute": ("class Rule: pass\nR = Rule()\nR.n = 3", "keep = lambda t: R.n", "3", "4"),
    "slots": (
        "class Rule:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = n\nR = Rule(3)",
        "keep = lambda t: R.n", "Rule(3)", "Rule(4)",
    ),
    "base": (
        "class Base:\n    def bad(self, text): return 'a'\nclass Rule(Base): pass",
        "keep = Rule().bad", "'a'", "'b'",
    ),
    "computed": (
        "def words(): return ['a']\nclass Rule:\n    words = words()\n"
        "    def bad(self, t): return t in self.words",
        "keep = Rule().bad", "['a']", "['b']",
    ),
    "property": (
        "N = 1\nclass Rule:\n    @property\n    def n(self): return N\n"
        "    def __call__(self, t): return self.n",
        "keep = Rule()", "N = 1", "N = 2",
    ),
    "classmethod": (
        "N = 1\nclass Rule:\n    @classmethod\n    def n(cls): return N\n"
        "    def __call__(self, t): return self.n()",
        "keep = Rule()", "N = 1", "N = 2",
    ),
    "enum": ("class Size(enum.Enum):\n    SMALL = 1", "keep = lambda t: Size.SMALL", "= 1", "= 2"),
    "partials": (
        "def over(n, text): return len(text) > n\nRULES = [functools.partial(over, 3)]",
        "keep = lambda text: all(rule(text) for rule in RULES)", "over, 3", "over, 4",
    ),
    "partial": ("def over(n, t): return len(t) > n", "keep = functools.partial(over, 3)", "3", "4"),
    "closure": (
        "def over(words):\n    return lambda text: text in words",
        "keep = over(['a'])", "'a'", "'b'",
    ),
    "default": ("N = 3", "def keep(text, n=N): return len(text) > n", "N = 3", "N = 4"),
    "keyword": ("N = 3", "def keep(text, *, n=N): return len(text) > n", "N = 3", "N = 4"),
    "wrapper": (
        "def cut(f):\n    @functools.wraps(f)\n    def inner(text):\n        return f(text[:5])\n"
        "    return inner",
        "@cut\ndef keep(text): return text", "[:5]", "[:6]",
    ),
    "wrapped": (
        "@functools.cache\ndef over(text): return len(text) > 3",
        "keep = lambda t: over(t)", "3", "4",
    ),
    "lambda in a call": (
        "", "keep = functools.partial(map, lambda text: text.lower())", "lower", "upper",
    ),
    "getter": ("GET = operator.itemgetter('a')", "keep = lambda row: GET(row)", "'a'", "'b'"),
    "bound builtin": ("WORDS = {'a'}", "keep = WORDS.__contains__", "'a'", "'b'"),
    "range": ("SIZES = range(3)", "keep = lambda t: len(t) in SIZES", "3", "4"),
    "subclass of dict": (
        "class Table(dict): pass\nTABLE = Table(a=1)", "keep = lambda t: TABLE[t]", "a=1", "a=2",
    ),
    "function in a list": (
        "def f(t): return t > 'a'\nRULES = [f]", "keep = lambda t: RULES[0](t)", "'a'", "'b'",
    ),
    "order of rules": (
        "RULES = {'a': 1, 'b': 2}", "keep = lambda t: next(n for k, n in RULES.items() if k in t)",
        "'a': 1, 'b': 2", "'b': 2, 'a': 1",
    ),
    "order of rules in an OrderedDict": (
        "RULES = collections.OrderedDict(a=1, b=2)", "keep = lambda t: next(iter(RULES))",
        "a=1, b=2", "b=2, a=1",
    ),
    "masked": (
        "N = np.ma.array([1, 2], mask=[0, 1])", "keep = lambda t: N.sum()", "[0, 1]", "[1, 0]",
    ),
    "metaclass": (
        "class Meta(type):\n    def __call__(cls): return 3\nclass Rule(metaclass=Meta): pass",
        "keep = lambda t: Rule()", "3", "4",
    ),
    "nested function": (
        "N = 3", "def keep(text):\n    def inner(): return N\n    return inner()", "N = 3", "N = 4",
    ),
}  # fmt: skip
"""What is edited: lines before, the function `keep`, what is replaced and by what."""

OTHER_EDITS = {
    "function": ("keep = lambda text: {other}.limit()", "return LIMIT", "return LIMIT + 1"),
    "constant": ("keep = lambda text: {other}.LIMIT", "LIMIT = 3", "LIMIT = 4"),
    "constant behind a function": ("keep = lambda text: limit()", "LIMIT = 3", "LIMIT = 4"),
    "imported under another name": ("keep = lambda text: imported(text)", "least=2", "least=3"),
    "instance": ("keep = lambda text: {other}.Judge().bad(text)", "in text", "not in text"),
    "class attribute": ("keep = lambda text: {other}.Judge().bad(text)", '"more"', '"less"'),
    "getattr": ("keep = lambda text: ({other}.LIMIT, getattr({other}, 'WORDS'))", '"rude"', '"x"'),
    "import within": (
        "def keep(text):\n    import {other} as o\n    return o.LIMIT", "LIMIT = 3", "LIMIT = 4",
    ),
    "from import within": (
        "def keep(text):\n    from {other} import WORDS\n    return WORDS", '"rude"', '"other"',
    ),
}  # fmt: skip

numbers = itertools.count()


@pytest.fixture
def text_of(tmp_path, monkeypatch):
    """Writes the two modules, and returns the text of `keep` in the first one."""
    monkeypatch.syspath_prepend(tmp_path)

    def text(module: str, other: str = OTHER, folder: str = "") -> str:
        number = next(numbers)
        names = {"other": f"other_{number}"}
        (tmp_path / f"other_{number}.py").write_text(textwrap.dedent(other))
        (tmp_path / f"own_{number}.py").write_text(
            (BEGIN + module).replace("{other}", names["other"])
        )
        importlib.invalidate_caches()
        made = importlib.import_module(f"own_{number}")
        return Reached().describe(made.keep).replace(f"_{number}", "_N")

    return text


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_the_text(text_of, edit):
    before, keep, old, new = EDITS[edit]
    module = f"{before}\n\n{keep}\n"
    assert old in module
    first = text_of(module)
    assert text_of(module) == first
    assert text_of(module.replace("\n\n", "\n\n# a comment\n")) == first
    assert text_of(module.replace(old, new, 1)) != first


@pytest.mark.parametrize("edit", OTHER_EDITS)
def test_an_edit_of_another_module_changes_the_text(text_of, edit):
    keep, old, new = OTHER_EDITS[edit]
    assert old in OTHER
    first = text_of(keep)
    assert text_of(keep) == first
    assert text_of(keep, OTHER.replace(old, new)) != first


def test_what_is_not_reached_does_not_matter(text_of):
    keep = "UNUSED = 1\nkeep = lambda text: limit()"
    assert text_of(keep) == text_of(keep.replace("UNUSED = 1", "UNUSED = 2"))
    assert text_of(keep) == text_of(keep, OTHER.replace("least=2", "least=3"))


def test_a_named_file_counts_by_its_content(text_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for keep in (
        "keep = lambda text: text in open('blocked.txt').read()",
        "LIST = Path('blocked.txt')\nkeep = lambda text: text in LIST.read_text()",
        "LIST = 'blocked.txt'\nkeep = lambda text: text in open(LIST).read()",
        f"LIST = '{tmp_path}/blocked.txt'\nkeep = lambda text: text in open(LIST).read()",
    ):
        (tmp_path / "blocked.txt").write_text("rude")
        first = text_of(keep)
        os.utime(tmp_path / "blocked.txt", (1, 1))
        assert text_of(keep) == first
        (tmp_path / "blocked.txt").write_text("other")
        assert text_of(keep) != first


def test_what_gin_holds_of_others_does_not_count():
    @gin.configurable("made_by_the_test")
    class Judge:
        def __init__(self, limit=3):
            self.limit = limit

    def keep(text):
        return Judge().limit

    before = Reached().describe(keep)
    gin.configurable("registered_later")(lambda part: part)
    made = keep("text"), Reached().describe(keep)  # gin keeps the arguments of the last call
    assert made == (3, before)


def test_a_decorator_of_a_library_counts_by_its_version_and_arguments(text_of):
    rule = "import seqio\n@seqio.map_over_dataset(num_seeds={})\ndef keep(text): return {}\n"
    first = text_of(rule.format(1, "text"))
    assert "seqio._wrapped_fn of seqio" in first or "of seqio " in first
    assert text_of(rule.format(1, "text")) == first
    assert text_of(rule.format(1, "text[1:]")) != first
    assert text_of(rule.format(2, "text")) != first


def test_a_binding_of_gin_counts(text_of):
    @gin.configurable("shorter_of_the_test")
    def shorter(text, limit=3):
        return len(text) < limit

    @gin.configurable("judge_of_the_test")
    class Judge:
        def __init__(self, limit=3):
            self.limit = limit

    def keep(text):
        return shorter(text) and Judge().limit

    texts = []
    for bindings in (
        "",
        "shorter_of_the_test.limit = 4",
        "shorter_of_the_test.limit = 5",
        "judge_of_the_test.limit = 4",
        "shorter_of_the_test.limit = %n\nn = 6",
        "shorter_of_the_test.limit = %n\nn = 7",
    ):
        with gin.unlock_config():
            gin.clear_config()
            gin.parse_config(bindings)
            texts.append(Reached().describe(keep))
    gin.clear_config()
    assert len(set(texts)) == len(texts)
    assert Reached().describe(keep) == texts[0]


@pytest.mark.parametrize(
    "keep, said",
    [
        ("keep = lambda text: eval(text)", "uses eval, .* no source says"),
        ("import os\nkeep = lambda text: os.environ['HOME']", r"os\.environ"),
        ("from os import getenv\nkeep = lambda text: getenv('HOME')", r"os\.getenv"),
        ("import importlib\nkeep = lambda t: importlib.import_module(t)", "import_module"),
        ("from importlib import import_module as m\nkeep = lambda t: m(t)", "import_module"),
        ("def keep(t):\n    import os\n    return os.environ['HOME']", r"os\.environ"),
        ("def keep(t):\n    from os import environ as e\n    return e['HOME']", r"os\.environ"),
        (
            "def keep(t):\n    import importlib\n    return importlib.import_module(t)",
            "import_module",
        ),
        ("import sys\nkeep = lambda t: sys.modules[t].LIMIT", r"sys\.modules"),
        ("import subprocess\nkeep = lambda t: subprocess.run(['wc'])", r"subprocess\.run"),
        ("FILE = (line for line in 'abc')\nkeep = lambda t: next(FILE)", "generator"),
    ],
)
def test_what_cannot_be_followed_is_refused_until_its_author_vouches_for_it(text_of, keep, said):
    with pytest.raises(Unfollowable, match=said):
        text_of(keep)
    first = text_of(f"{keep}\nkeep.version = '1'")
    assert text_of(f"{keep}\nkeep.version = '1'") == first
    assert text_of(f"{keep}\nkeep.version = '2'") != first


def test_a_version_does_not_hide_arguments(text_of):
    module = (
        "@dataclasses.dataclass\nclass Rule:\n    n: int\n    version = 1\n"
        "    def __call__(self, text):\n        return eval(text)\nkeep = Rule(3)"
    )
    assert text_of(module) != text_of(module.replace("Rule(3)", "Rule(4)"))


def test_installed_code_counts_by_its_version(monkeypatch):
    import numpy as np

    def keep(text):
        return np.char.lower(text)

    first = Reached().describe(keep)
    monkeypatch.setattr(installed, "installed_version", lambda name: "99")
    assert "numpy 99" in Reached().describe(keep) != first


def test_every_process_writes_the_same_text(tmp_path):
    program = (
        "import hashlib\nfrom code_ablate.data.fingerprints.reachable import Reached\n"
        "import own_words\nprint(hashlib.sha256(Reached().describe(own_words.keep).encode())"
        ".hexdigest())"
    )
    (tmp_path / "own_words.py").write_text(
        "WORDS = {'a', 'b', 'c', ('d', 'e'), frozenset('xyz')}\nkeep = lambda text: text in WORDS\n"
    )
    texts = set()
    for seed in ("1", "2", "3"):
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        texts.add(
            subprocess.run(
                [sys.executable, "-c", program], env=environment, capture_output=True, check=True
            ).stdout
        )
    assert len(texts) == 1
