# ruff: noqa: E501  # programs as people write them
"""Programs that keep state in globals, and classes that stand in patterns: see `table`."""

from tests.evaluation.sandbox.programs.table import task

task(
    "a counter in a global",
    """
total = 0
history = []
best: int = 0
def add(n):
    global total, best
    total += n
    best = max(best, n)
    history.append(n)
    return total
def reset():
    global total, history
    total, history = 0, []
""",
    """
assert total == 0 and history == []
add(3)
assert total == 3 and history == [3] and best == 3
add(4)
assert (total, best, len(history)) == (7, 4, 2)
def check():
    return total
assert check() == 7
reset()
assert total == 0 and history == [] and check() == 0
""",
    ("total += n", "pass"),
    ("history.append(n)", "history.insert(0, n + 1)"),
    ("total, history = 0, []", "total = 0"),
    ("best = max(best, n)", "best = 3"),
)

task(
    "a global that the tests set",
    """
LIMIT = 3
names = ["a"]
def short(text):
    return len(text) <= LIMIT
def known(name):
    return name in names
def forget():
    names.clear()
""",
    """
assert short("abc") and not short("abcd")
LIMIT = 4
assert short("abcd") and LIMIT == 4
names = ["b", "c"]
assert known("b") and not known("a")
names.append("d")
assert known("d")
forget()
assert names == []
for LIMIT in (1, 2):
    assert short("x" * LIMIT) and not short("x" * (LIMIT + 1))
""",
    ("<= LIMIT", "<= 4"),
    ("return name in names", "return name in ('b', 'd')[:1]"),
    ("names.clear()", "pass"),
)

task(
    "an instance in a global that changes",
    """
class Node:
    def __init__(self, value, following=None):
        self.value, self.following = value, following
head = None
def push(value):
    global head
    head = Node(value, head)
""",
    """
assert head is None
push(1)
assert head.value == 1 and head.following is None
push(2)
assert head.value == 2 and head.following.value == 1
""",
    ("head = Node(value, head)", "head = Node(value)"),
    ("head = Node(value, head)", "head = head or Node(value, head)"),
)

task(
    "a function that replaces itself",
    """
def name():
    global name
    name = lambda: "second"
    return "first"
""",
    """
assert name() == "first"
assert name() == "second" and name() == "second"
""",
    ('"second"', '"third"'),
    ("global name", "pass"),
)

task(
    "shapes in patterns",
    """
from dataclasses import dataclass
from collections import namedtuple
from enum import Enum
class Colour(Enum):
    RED = 1
    BLUE = 2
@dataclass
class Circle:
    radius: float
    colour: Colour = Colour.RED
@dataclass
class Group:
    name: str
    parts: list
class Plain:
    def __init__(self): self.kind = "plain"
class Metres(int): pass
Point = namedtuple("Point", "x y")
class Outer:
    class Inner: pass
def make(kind):
    return {"circle": Circle(2.0), "blue": Circle(1.0, Colour.BLUE), "plain": Plain(), "metres": Metres(5),
            "group": Group("g", [Circle(1.0), Plain()]), "point": Point(1, 2), "inner": Outer.Inner(), "int": 5}[kind]
class Box:
    def __init__(self):
        self.items = [1, 2, 3]
        self.sizes = {"a": 1, "b": [2]}
""",
    """
def said(value):
    match value:
        case Circle(radius=r, colour=Colour.BLUE):
            return ("blue", r)
        case Circle(r) if r > 1:
            return ("large", r)
        case Circle():
            return "circle"
        case Group(name, parts=[Circle(radius=1.0), Plain(kind=kind)]):
            return (name, kind)
        case Point(x, y):
            return (x, y)
        case Metres(n):
            return ("metres", n)
        case Outer.Inner():
            return "inner"
        case int(n) | str(n):
            return ("number", n)
        case Plain() as plain:
            return plain.kind
        case _:
            return None
assert said(make("circle")) == ("large", 2.0)
assert said(make("blue")) == ("blue", 1.0)
assert said(Circle(0.5)) == "circle"
assert said(make("group")) == ("g", "plain")
assert said(make("point")) == (1, 2)
assert said(make("metres")) == ("metres", 5)
assert said(make("inner")) == "inner"
assert said(make("int")) == ("number", 5) and said("a") == ("number", "a")
assert said(make("plain")) == "plain" and said(None) is None and said([1]) is None
box = Box()
match box.items:
    case [first, *rest]:
        assert first == 1 and rest == [2, 3]
    case _:
        assert False
match box.sizes:
    case {"a": a, **others}:
        assert a == 1 and others == {"b": [2]}
    case _:
        assert False
match (make("circle"), box.items):
    case (Circle(radius=radius), [1, 2, 3]):
        assert radius == 2.0
    case _:
        assert False
""",
    ("radius: float", "__match_args__ = ()\n    radius: float"),
    ('self.kind = "plain"', 'self.kind = "other"'),
    ("Metres(5)", "5"),
    ("self.items = [1, 2, 3]", "self.items = (1, 2)"),
    ('"a": 1', '"a": 2'),
    ("Circle(1.0, Colour.BLUE)", "Circle(1.0)"),
)
