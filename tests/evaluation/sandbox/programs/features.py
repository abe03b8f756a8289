# ruff: noqa: E501  # programs as people write them
"""Features of the language: protocols, decorators, descriptors, functions: see `table`."""

from tests.evaluation.sandbox.programs.table import task

task(
    "context manager",
    """
class Resource:
    log = []
    def __init__(self, name): self.name, self.open = name, False
    def __enter__(self):
        self.open = True
        Resource.log.append("enter " + self.name)
        return self
    def __exit__(self, kind, error, trace):
        self.open = False
        Resource.log.append("exit " + self.name + (" " + kind.__name__ if kind else ""))
        return kind is KeyError
""",
    """
with Resource("a") as resource:
    assert resource.open and isinstance(resource, Resource)
assert not resource.open and Resource.log == ["enter a", "exit a"]
with Resource("b"):
    raise KeyError("hidden")
assert Resource.log[-1] == "exit b KeyError"
try:
    with Resource("c"):
        raise ValueError("seen")
except ValueError as error:
    assert str(error) == "seen"
else:
    raise AssertionError
assert len(Resource.log) == 6
""",
    ("self.open = False\n        Resource", "Resource"),
    ("return kind is KeyError", "return True"),
    ("return kind is KeyError", "return False"),
    ("        return self\n", ""),
)

task(
    "contextlib",
    """
from contextlib import contextmanager
events = []
@contextmanager
def section(name):
    events.append("begin " + name)
    try:
        yield name.upper()
    finally:
        events.append("end " + name)
""",
    """
with section("x") as name:
    assert name == "X"
    assert events == ["begin x"]
assert events == ["begin x", "end x"]
""",
    ("name.upper()", "name"),
    ('events.append("end " + name)', "pass"),
)

task(
    "iterator",
    """
class Countdown:
    def __init__(self, start): self.n = start
    def __iter__(self): return self
    def __next__(self):
        if self.n <= 0: raise StopIteration
        self.n -= 1
        return self.n + 1
""",
    """
import collections.abc
assert list(Countdown(3)) == [3, 2, 1]
c = Countdown(2)
assert iter(c) is c and next(c) == 2 and next(c) == 1 and next(c, None) is None
try:
    next(c)
    raise AssertionError
except StopIteration:
    pass
assert isinstance(c, collections.abc.Iterator)
assert [a + b for a, b in zip(Countdown(3), Countdown(2))] == [5, 3]
""",
    ("return self.n + 1", "return self.n"),
    ("raise StopIteration", "return None if self.n > -9 else 1 / 0"),
)

task(
    "generators",
    """
def fibonacci():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b
def chunks(items, size):
    part = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part: yield part
def averager():
    total = count = 0
    average = None
    while True:
        average = (total := total + (yield average)) / (count := count + 1)
def flatten(items):
    for item in items:
        if isinstance(item, list): yield from flatten(item)
        else: yield item
""",
    """
from itertools import count, islice, takewhile
import types
assert list(islice(fibonacci(), 8)) == [0, 1, 1, 2, 3, 5, 8, 13]
assert list(takewhile(lambda n: n < 10, fibonacci())) == [0, 1, 1, 2, 3, 5, 8]
assert isinstance(fibonacci(), types.GeneratorType)
assert list(chunks([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
assert next(chunks(count(), 3)) == [0, 1, 2]
assert list(chunks((n * n for n in range(3)), 2)) == [[0, 1], [4]]
a = averager()
next(a)
assert a.send(10) == 10 and a.send(20) == 15.0
a.close()
assert list(flatten([1, [2, [3, []]], 4])) == [1, 2, 3, 4]
for i, value in enumerate(fibonacci()):
    if i == 5:
        break
assert value == 5
""",
    ("a, b = b, a + b", "a, b = b, a + b + 1"),
    ("if part: yield part", ""),
    ("yield from flatten(item)", "yield from item"),
)

task(
    "dataclasses",
    """
from dataclasses import dataclass, field
@dataclass
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list)
@dataclass(frozen=True, order=True)
class Version:
    major: int
    minor: int
    def bump(self): return Version(self.major, self.minor + 1)
""",
    """
from dataclasses import FrozenInstanceError
p = Point(1, 2)
assert p == Point(1, 2) and p != Point(2, 1) and p == Point(x=1, y=2)
assert repr(p) == "Point(x=1, y=2, tags=[])" and p.tags == []
p.tags.append("a")
assert p.tags == ["a"] and Point(1, 2).tags == []
v = Version(1, 2)
assert v < Version(1, 3) and max([v, Version(0, 9)]) == v and v.bump() == Version(1, 3)
assert sorted([Version(2, 0), v])[0].major == 1 and v >= Version(1, 2)
try:
    v.major = 5
    raise AssertionError
except FrozenInstanceError:
    pass
assert len({v, Version(1, 2)}) == 1 and hash(v) == hash(Version(1, 2))
assert vars(Point(3)) == {"x": 3, "y": 0, "tags": []} and Point(3).__dict__["x"] == 3
""",
    ("order=True", "order=False"),
    ("frozen=True, ", "unsafe_hash=True, "),
    ("y: int = 0", "y: int = 1"),
    ("field(default_factory=list)", "field(default=())"),
    ("@dataclass\nclass Point", "@dataclass(eq=False)\nclass Point"),
)

task(
    "abstract classes",
    """
from abc import ABC, abstractmethod
import math
class Shape(ABC):
    @abstractmethod
    def area(self): ...
    def describe(self): return f"{type(self).__name__} of {self.area():.2f}"
class Circle(Shape):
    def __init__(self, r): self.r = r
    def area(self): return math.pi * self.r ** 2
class Square(Shape):
    def __init__(self, side): self.side = side
    def area(self): return self.side ** 2
""",
    """
from abc import ABC
import math
assert abs(Circle(1).area() - math.pi) < 1e-9 and math.isclose(Circle(2).area(), 4 * math.pi)
assert Square(3).area() == 9 and Square(2).describe() == "Square of 4.00"
assert issubclass(Circle, Shape) and isinstance(Square(1), Shape) and issubclass(Shape, ABC)
assert not isinstance(Square(1), Circle) and not isinstance(5, Shape)
assert isinstance(Square(1), (Circle, Square)) and not isinstance(Square(1), (int, str))
try:
    Shape()
except TypeError:
    pass
else:
    raise AssertionError("abstract")
assert round(sum(s.area() for s in [Circle(1), Square(2)]), 3) == 7.142
assert type(Square(1)) is Square and type(Square(1)).__name__ == "Square"
assert Square(1).__class__.__name__ == "Square" and Square(1).__class__ is Square
assert Shape.__abstractmethods__ == frozenset({"area"})
""",
    ("self.side ** 2", "self.side * 3"),
    ("    @abstractmethod\n", ""),
    ("class Square(Shape)", "class Square"),
    ("class Square(Shape)", "class Square(Circle)"),
)

task(
    "properties",
    """
class Temperature:
    def __init__(self, celsius=0.0): self.celsius = celsius
    @property
    def celsius(self): return self._celsius
    @celsius.setter
    def celsius(self, value):
        if value < -273.15: raise ValueError("below absolute zero")
        self._celsius = value
    @celsius.deleter
    def celsius(self): self._celsius = 0.0
    @property
    def fahrenheit(self): return self.celsius * 9 / 5 + 32
""",
    """
t = Temperature(100)
assert t.fahrenheit == 212
t.celsius = 0
assert t.fahrenheit == 32.0
try:
    t.celsius = -300
    assert False
except ValueError as e:
    assert "absolute" in str(e)
try:
    t.fahrenheit = 5
    assert False
except AttributeError:
    pass
t.celsius = 5
del t.celsius
assert t.celsius == 0.0
assert isinstance(t.celsius, float) and hasattr(t, "celsius") and not hasattr(t, "kelvin")
assert getattr(t, "kelvin", None) is None
""",
    ("* 9 / 5", "* 5 / 9"),
    ("if value < -273.15", "if False"),
)

task(
    "static and class methods",
    """
class Date:
    count = 0
    def __init__(self, y, m, d):
        self.y, self.m, self.d = y, m, d
        Date.count += 1
    @classmethod
    def parse(cls, text): return cls(*map(int, text.split("-")))
    @staticmethod
    def is_leap(y): return y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
class Stamp(Date): pass
""",
    """
d = Date.parse("2024-02-29")
assert (d.y, d.m, d.d) == (2024, 2, 29) and Date.count == 1
assert Date.is_leap(2000) is True and d.is_leap(1900) is False
assert type(Stamp.parse("2024-01-01")) is Stamp and Date.count == 2 and Stamp.count == 2
Date.count = 10
Date(1, 1, 1)
assert Date.count == 11
""",
    ("return cls(", "return Date("),
    ("y % 400 == 0", "y % 300 == 0"),
    ("Date.count += 1", "self.count += 1"),
)

task(
    "slots",
    """
class Slotted:
    __slots__ = ("x", "y")
    def __init__(self, x, y): self.x, self.y = x, y
""",
    """
s = Slotted(1, 2)
s.x = 5
assert s.x == 5 and s.__slots__ == ("x", "y") and not hasattr(s, "__dict__")
try:
    s.z = 1
    raise RuntimeError
except AttributeError:
    pass
""",
    ('    __slots__ = ("x", "y")\n', ""),
)

task(
    "inheritance",
    """
class Animal:
    kingdom = "animals"
    def __init__(self, name): self.name = name
    def speak(self): return "..."
    def __str__(self): return f"{self.name} says {self.speak()}"
class Dog(Animal):
    def speak(self): return "Woof"
class Puppy(Dog):
    def __init__(self, name, age):
        super().__init__(name)
        self.age = age
    def speak(self): return super().speak().lower()
class Swimmer:
    def move(self): return "swims"
class Duck(Swimmer, Animal): pass
""",
    """
assert str(Dog("Rex")) == "Rex says Woof" and "%s" % Puppy("Bo", 1) == "Bo says woof"
assert [a.speak() for a in (Animal("a"), Dog("b"), Puppy("c", 1))] == ["...", "Woof", "woof"]
assert isinstance(Puppy("p", 2), Animal) and not isinstance(Dog("d"), Puppy)
assert Duck("D").move() == "swims" and Duck("D").name == "D" and Duck.kingdom == "animals"
assert [c.__name__ for c in Puppy.__mro__] == ["Puppy", "Dog", "Animal", "object"]
assert Puppy.__bases__ == (Dog,) and issubclass(Duck, (Dog, Swimmer))
""",
    ('return "Woof"', 'return "Meow"'),
    ("super().speak().lower()", '"woof "'),
    ("class Puppy(Dog)", "class Puppy(Animal)"),
)

task(
    "decorators",
    """
import functools
def memoize(function):
    cache = {}
    @functools.wraps(function)
    def wrapper(*args):
        if args not in cache: cache[args] = function(*args)
        return cache[args]
    wrapper.cache = cache
    return wrapper
def repeat(times):
    def decorate(function):
        def wrapper(*args, **named): return [function(*args, **named) for _ in range(times)]
        return wrapper
    return decorate
class CountCalls:
    def __init__(self, function): self.function, self.calls = function, 0
    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)
""",
    """
ran = []
@memoize
def square(x):
    ran.append(x)
    return x * x
assert square(3) == 9 and square(3) == 9 and ran == [3] and square.cache == {(3,): 9}
@repeat(3)
def greet(name, end="!"):
    return "hi " + name + end
assert greet("a", end=".") == ["hi a."] * 3
@CountCalls
def f(x):
    return x
f(1); f(2)
assert f.calls == 2 and f(7) == 7
@memoize
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
assert fib(20) == 6765
""",
    ("if args not in cache: ", ""),
    ("range(times)", "range(times + 1)"),
    ("self.calls += 1", "pass"),
)

task(
    "closures",
    """
def make_counter(start=0):
    count = start
    def counter(step=1):
        nonlocal count
        count += step
        return count
    return counter
def compose(*functions):
    def composed(x):
        for function in reversed(functions): x = function(x)
        return x
    return composed
def curry(function, first): return lambda *rest: function(first, *rest)
""",
    """
import operator
a, b = make_counter(), make_counter(10)
assert (a(), a(), b(5)) == (1, 2, 15) and callable(a)
assert compose(lambda x: x + 1, lambda x: x * 2)(5) == 11
assert compose(str, abs)(-3) == "3" and compose(str.upper)("a") == "A" and compose()(4) == 4
assert curry(operator.add, 2)(3) == 5 and curry(max, 9)(3, 4) == 9
assert list(map(make_counter(), [1, 1])) == [1, 2]
""",
    ("reversed(functions)", "functions"),
    ("nonlocal count", "global count; count = 0"),
    ("function(first, *rest)", "function(*rest, first, first)"),
)

task(
    "descriptors",
    """
class Positive:
    def __set_name__(self, owner, name): self.name = "_" + name
    def __get__(self, instance, owner):
        return self if instance is None else getattr(instance, self.name)
    def __set__(self, instance, value):
        if value <= 0: raise ValueError(f"{self.name[1:]} must be positive")
        setattr(instance, self.name, value)
class Item:
    price, count = Positive(), Positive()
    def __init__(self, price, count): self.price, self.count = price, count
    def total(self): return self.price * self.count
""",
    """
item = Item(2.5, 4)
assert item.total() == 10.0
for name in ("price", "count"):
    try:
        setattr(item, name, 0)
        raise AssertionError
    except ValueError as error:
        assert str(error) == f"{name} must be positive"
assert isinstance(Item.price, Positive)
""",
    ("value <= 0", "value < 0"),
    ("self.name[1:]", "self.name"),
)

task(
    "enum",
    """
from enum import Enum, IntEnum, Flag, auto
class Color(Enum):
    RED = 1
    GREEN = 2
    @property
    def next(self): return Color.GREEN if self is Color.RED else Color.RED
class Priority(IntEnum):
    LOW = 1
    HIGH = 3
class Right(Flag):
    READ = auto()
    WRITE = auto()
def mix(a, b): return Color.RED if a == b else Color.GREEN
""",
    """
assert Color.RED.value == 1 and Color.RED.name == "RED" and str(Color.RED) == "Color.RED"
assert Color(2) is Color.GREEN and Color["RED"] == Color.RED and Color.RED != Color.GREEN
assert [c.name for c in Color] == ["RED", "GREEN"] and len(Color) == 2
assert Color.RED in Color and Color.RED.next is Color.GREEN and isinstance(Color.RED, Color)
assert mix(Color.RED, Color.RED) == Color.RED and Color.RED != 1
assert Priority.HIGH == 3 and Priority.HIGH > Priority.LOW and Priority(1).name == "LOW"
assert sorted([Priority.HIGH, Priority.LOW]) == [1, 3] and Priority.HIGH + 1 == 4
assert Priority(3) is Priority.HIGH and isinstance(Priority.LOW, int)
assert repr(Color.RED) == "<Color.RED: 1>" and {Color.RED: 5}[Color(1)] == 5
both = Right.READ | Right.WRITE
assert Right.READ in both and both & Right.WRITE == Right.WRITE and both.value == 3
try:
    Color(9)
    raise AssertionError
except ValueError:
    pass
""",
    ("GREEN = 2", "GREEN = 3"),
    ("class Priority(IntEnum)", "class Priority(Enum)"),
    ("WRITE = auto()", "WRITE = 1"),
)

task(
    "protocols and generics",
    """
from typing import Generic, Protocol, TypeVar, runtime_checkable
T = TypeVar("T")
@runtime_checkable
class Drawable(Protocol):
    def draw(self) -> str: ...
class Box(Generic[T]):
    def __init__(self, item: T): self.item = item
    def map(self, function): return Box(function(self.item))
class Pen:
    def draw(self): return "line"
class Stone: pass
class Maybe:
    def __init__(self, value): self.value = value
    def bind(self, function): return self if self.value is None else function(self.value)
    def __or__(self, default): return default if self.value is None else self.value
""",
    """
assert isinstance(Pen(), Drawable) and not isinstance(Stone(), Drawable)
assert Box(3).map(lambda x: x + 1).item == 4 and Box[int](5).item == 5
assert Maybe(4).bind(lambda x: Maybe(x * 2)).value == 8
assert Maybe(None).bind(lambda x: Maybe(x * 2)).value is None
assert (Maybe(None) | 5) == 5 and (Maybe(3) | 5) == 3
""",
    ("def draw(self): return", "def paint(self): return"),
    ("Box(function(self.item))", "Box(self.item)"),
    ("self if self.value is None else", "self if True else"),
)

task(
    "nested and returned classes",
    """
class Outer:
    class Inner:
        level = 2
        def __init__(self, outer): self.outer = outer
    def make(self): return Outer.Inner(self)
def make_class(name, **members): return type(name, (), members)
def with_repr(cls):
    cls.__repr__ = lambda self: f"<{cls.__name__} {self.__dict__}>"
    return cls
@with_repr
class Shown:
    def __init__(self, **items): self.__dict__.update(items)
""",
    """
outer = Outer()
assert outer.make().outer is outer and isinstance(outer.make(), Outer.Inner)
assert Outer.Inner.level == 2 and Outer.Inner.__qualname__ == "Outer.Inner"
Point = make_class("Point", x=1)
assert Point().x == 1 and Point.__name__ == "Point" and isinstance(Point(), Point)
assert repr(Shown(a=1)) == "<Shown {'a': 1}>"
""",
    ("level = 2", "level = 3"),
    ("cls.__name__", "'cls'"),
    ("return Outer.Inner(self)", "return self"),
)

task(
    "functions with every sort of argument",
    """
class Recorder:
    def __init__(self): self.calls = []
    def __getattr__(self, name):
        if name.startswith("_"): raise AttributeError(name)
        def method(*args, **kwargs):
            self.calls.append((name, args, kwargs))
            return self
        return method
def spread(a, /, b, *rest, c=3, **named): return a, b, rest, c, named
def apply_all(functions, value): return [function(value) for function in functions]
def group_by(items, key):
    groups = {}
    for item in items: groups.setdefault(key(item), []).append(item)
    return groups
""",
    """
r = Recorder()
assert r.open("f", mode="r").read(5) is r
assert r.calls == [("open", ("f",), {"mode": "r"}), ("read", (5,), {})]
assert spread(1, 2, 4, 5, c=6, d=7) == (1, 2, (4, 5), 6, {"d": 7}) and spread(1, b=2) == (1, 2, (), 3, {})
assert apply_all([str, len, lambda x: x[::-1], sorted, tuple], "ba") == ["ba", 2, "ab", ["a", "b"], ("b", "a")]
assert group_by(["a", "bb", "c"], len) == {1: ["a", "c"], 2: ["bb"]}
assert group_by([1.5, 2.5, -1], lambda x: x > 2) == {False: [1.5, -1], True: [2.5]}
try:
    spread(1)
    raise AssertionError
except TypeError:
    pass
""",
    ("c=3", "c=4"),
    ("self.calls.append((name, args, kwargs))", "self.calls.append((name, args, {}))"),
    ("key(item)", "item"),
)

task(
    "lazy and cached",
    """
from functools import cached_property, lru_cache, partial, singledispatch
class Data:
    loads = 0
    @cached_property
    def values(self):
        Data.loads += 1
        return [1, 2, 3]
@lru_cache(maxsize=None)
def slow(n): return n if n < 2 else slow(n - 1) + slow(n - 2)
cube = partial(pow, exp=3)
@singledispatch
def describe(value): return "object"
@describe.register
def _(value: int): return f"int {value}"
@describe.register
def _(value: list): return f"list of {len(value)}"
""",
    """
d = Data()
assert d.values == [1, 2, 3] and d.values is d.values and Data.loads == 1
assert slow(30) == 832040 and slow.cache_info().misses == 31
slow.cache_clear()
assert slow.cache_info().currsize == 0 and cube(2) == 8
assert describe(3) == "int 3" and describe([1]) == "list of 1" and describe("x") == "object"
assert slow.__name__ == "slow" and callable(describe.register)
""",
    ("@cached_property", "@property"),
    ("@lru_cache(maxsize=None)\n", "@lru_cache(maxsize=0)\n"),
    ("exp=3", "exp=2"),
)

task(
    "singleton and registry",
    """
class Singleton:
    _instance = None
    def __new__(cls, *args):
        if cls._instance is None: cls._instance = super().__new__(cls)
        return cls._instance
class Plugin:
    registry = {}
    def __init_subclass__(cls, /, name=None, **kwargs):
        super().__init_subclass__(**kwargs)
        Plugin.registry[name or cls.__name__] = cls
class Upper(Plugin, name="upper"):
    def run(self, text): return text.upper()
class Reverse(Plugin):
    def run(self, text): return text[::-1]
class Meta(type):
    def __new__(mcs, name, bases, namespace):
        namespace["created_by"] = mcs.__name__
        return super().__new__(mcs, name, bases, namespace)
class Made(metaclass=Meta): pass
""",
    """
assert Singleton() is Singleton() and id(Singleton()) == id(Singleton())
assert set(Plugin.registry) == {"upper", "Reverse"} and Plugin.registry["upper"] is Upper
assert Plugin.registry["upper"]().run("a") == "A" and Reverse().run("ab") == "ba"
assert Made.created_by == "Meta" and type(Made).__name__ == "Meta" and isinstance(Made(), Made)
""",
    ("if cls._instance is None: ", ""),
    ("name or cls.__name__", "cls.__name__"),
    ("mcs.__name__", "name"),
)

task(
    "what Python itself looks at",
    """
REGISTERED = {}
def register(function):
    REGISTERED[function.__name__] = function
    return function
class Range:
    def __init__(self, n): self.n, self.seen = n, {"n": [n]}
    def __iter__(self): return iter(range(self.n))
class Text(str): pass
""",
    """
import collections, json
@register
def mine():
    return 4
assert REGISTERED["mine"]() == 4
assert isinstance(Range(1), Range | int) and isinstance("a", int | str)
assert isinstance(Text("a"), int | Text) and not isinstance(Range(1), int | Text)
assert collections.Counter(Range(2)) == {0: 1, 1: 1}
assert json.dumps(Range(2).seen) == '{"n": [2]}' and json.dumps(vars(Range(1))["n"]) == "1"
assert Range(1).__class__ is Range and Range(1).__class__.__name__ == "Range"
assert (5).__class__ is int and Range(2).seen.__class__ is dict
""",
    ("REGISTERED[function.__name__]", "REGISTERED['other']"),
    ("range(self.n)", "range(self.n + 1)"),
    ("[n]}", "[n + 1]}"),
)
