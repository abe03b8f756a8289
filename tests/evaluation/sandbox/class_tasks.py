# ruff: noqa: E501
"""Right programs with classes, tests as HumanEval, MBPP and ClassEval write them, and wrong variants.

TASKS: name -> (solution, tests, variants), a variant being (text of the solution, what is put there).
"""

TASKS: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {}


def task(name: str, solution: str, tests: str, *variants: tuple[str, str]) -> None:
    assert all(old in solution for old, _ in variants), name
    TASKS[name] = (solution, tests, variants)


task(
    "bank account",
    """
class InsufficientFunds(Exception):
    def __init__(self, balance, amount):
        super().__init__(f"{amount} is more than {balance}")
        self.balance, self.amount = balance, amount

class BankAccount:
    def __init__(self, owner, balance=0):
        self.owner, self.balance, self.history = owner, balance, []
    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("amount")
        self.balance += amount
        self.history.append(("deposit", amount))
    def withdraw(self, amount):
        if amount > self.balance:
            raise InsufficientFunds(self.balance, amount)
        self.balance -= amount
        self.history.append(("withdraw", amount))
        return self.balance
""",
    """
account = BankAccount("Ada")
account.deposit(100)
assert account.withdraw(30) == 70
assert account.balance == 70 and account.owner == "Ada"
assert account.history == [("deposit", 100), ("withdraw", 30)]
try:
    account.withdraw(1000)
except InsufficientFunds as error:
    assert error.balance == 70 and error.amount == 1000 and str(error) == "1000 is more than 70"
    assert error.args == ("1000 is more than 70",)
else:
    raise AssertionError("no error")
try:
    account.deposit(-1)
    assert False
except ValueError:
    pass
""",
    ("if amount > self.balance:", "if False:"),
    ("self.balance += amount", "self.balance = amount + 1"),
    ("raise InsufficientFunds(self.balance, amount)", "raise ValueError(amount)"),
    ("raise ValueError", "raise InsufficientFunds(0, 0) or ValueError"),
)

task(
    "unittest of a bank account",
    """
class OverdraftError(ValueError): pass
class Account:
    def __init__(self): self._balance = 0
    @property
    def balance(self): return self._balance
    @balance.setter
    def balance(self, value):
        if value < 0: raise OverdraftError("below zero")
        self._balance = value
""",
    """
import unittest

class AccountTest(unittest.TestCase):
    def setUp(self):
        self.account = Account()

    def test_starts_empty(self):
        self.assertEqual(self.account.balance, 0)

    def test_can_be_set(self):
        self.account.balance = 5
        self.assertEqual(self.account.balance, 5)
        self.assertIsInstance(self.account, Account)

    def test_not_below_zero(self):
        with self.assertRaises(OverdraftError) as caught:
            self.account.balance = -1
        self.assertIn("below", str(caught.exception))
        self.assertTrue(issubclass(OverdraftError, ValueError))
        with self.assertRaisesRegex(ValueError, "zero"):
            self.account.balance = -1
""",
    ("if value < 0", "if value < -1"),
    ("self._balance = value", "pass"),
    ("(ValueError): pass", "(KeyError): pass"),
)

task(
    "stack",
    """
class Stack:
    def __init__(self): self._items = []
    def push(self, item): self._items.append(item)
    def pop(self):
        if not self._items: raise IndexError("pop from empty stack")
        return self._items.pop()
    def peek(self): return self._items[-1] if self._items else None
    def is_empty(self): return not self._items
    def __len__(self): return len(self._items)
    def __repr__(self): return f"Stack({self._items!r})"
    def __contains__(self, item): return item in self._items
    def __bool__(self): return bool(self._items)
""",
    """
def check(candidate):
    stack = candidate()
    assert stack.is_empty() and len(stack) == 0 and not stack
    for i in range(3):
        stack.push(i)
    assert stack and len(stack) == 3 and repr(stack) == "Stack([0, 1, 2])"
    assert str(stack) == "Stack([0, 1, 2])" and f"{stack}" == "Stack([0, 1, 2])"
    assert 1 in stack and 7 not in stack
    assert stack.pop() == 2 and stack.peek() == 1
    stack.pop(); stack.pop()
    assert stack.peek() is None
    try:
        stack.pop()
    except IndexError as error:
        assert str(error) == "pop from empty stack"
    else:
        raise AssertionError
check(Stack)
""",
    ("return len(self._items)", "return 3"),
    ("self._items.pop()", "self._items.pop(0)"),
    ("return item in self._items", "return True"),
    ('f"Stack({self._items!r})"', '"Stack"'),
)

task(
    "linked list",
    """
class Node:
    def __init__(self, value, next=None): self.value, self.next = value, next
class LinkedList:
    def __init__(self, values=()):
        self.head = None
        for value in reversed(list(values)): self.head = Node(value, self.head)
    def __iter__(self):
        node = self.head
        while node:
            yield node.value
            node = node.next
    def reverse(self):
        before, node = None, self.head
        while node: node.next, before, node = before, node, node.next
        self.head = before
    def __len__(self): return sum(1 for _ in self)
""",
    """
values = LinkedList([1, 2, 3])
assert list(values) == [1, 2, 3] and len(values) == 3
values.reverse()
assert [v for v in values] == [3, 2, 1]
assert values.head.value == 3 and values.head.next.next.next is None
assert 2 in list(values) and sum(values) == 6 and max(values) == 3
assert isinstance(values.head, Node)
assert values.head.next is values.head.next
assert list(LinkedList()) == []
first, *rest = values
assert first == 3 and rest == [2, 1]
""",
    ("self.head = before", "pass"),
    ("yield node.value", "yield node"),
)

task(
    "mutable nodes",
    """
class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val, self.left, self.right, self.children = val, left, right, []
def depth(root): return 0 if root is None else 1 + max(depth(root.left), depth(root.right))
def count(root): return 1 + sum(count(child) for child in root.children)
def invert(root):
    if root: root.left, root.right = invert(root.right), invert(root.left)
    return root
""",
    """
root = TreeNode(1, TreeNode(2), TreeNode(3))
root.left.left = TreeNode(4)
assert depth(root) == 3
assert invert(root) is root and root.right.val == 2 and root.right.right.val == 4
root.children.append(TreeNode(5))
root.children.append(TreeNode(6))
root.children[0].children.append(TreeNode(7))
assert count(root) == 4 and [child.val for child in root.children] == [5, 6]
root.val += 5
assert root.val == 6
""",
    ("invert(root.right), invert(root.left)", "root.left, root.right"),
    ("1 + sum(", "sum("),
)

task(
    "vector",
    """
class Vector:
    def __init__(self, x, y): self.x, self.y = x, y
    def __add__(self, o): return Vector(self.x + o.x, self.y + o.y)
    def __sub__(self, o): return Vector(self.x - o.x, self.y - o.y)
    def __mul__(self, k):
        if isinstance(k, Vector): return self.x * k.x + self.y * k.y
        return Vector(self.x * k, self.y * k)
    __rmul__ = __mul__
    def __neg__(self): return Vector(-self.x, -self.y)
    def __abs__(self): return (self.x ** 2 + self.y ** 2) ** 0.5
    def __eq__(self, o): return isinstance(o, Vector) and (self.x, self.y) == (o.x, o.y)
    def __hash__(self): return hash((self.x, self.y))
    def __repr__(self): return f"Vector({self.x}, {self.y})"
    def __iter__(self): return iter((self.x, self.y))
    def __getitem__(self, i): return (self.x, self.y)[i]
    def __iadd__(self, o):
        self.x += o.x; self.y += o.y
        return self
""",
    """
v, w = Vector(1, 2), Vector(3, 4)
assert v + w == Vector(4, 6) and w - v == Vector(2, 2)
assert v * 3 == 3 * v == Vector(3, 6) and v * w == 11
assert -v == Vector(-1, -2) and abs(w) == 5.0 and abs(abs(w) - 5) < 1e-9
assert v != w and not v == w and v != (1, 2)
assert len({Vector(1, 2), v, w}) == 2 and {v: "a"}[Vector(1, 2)] == "a"
assert repr(v + w) == "Vector(4, 6)" and str([v]) == "[Vector(1, 2)]"
x, y = w
assert (x, y) == (3, 4) and tuple(v) == (1, 2) and w[1] == 4 and w[-1] == 4
same = v
v += w
assert v is same and v == Vector(4, 6)
assert [Vector(1, 1), Vector(2, 2)] == [Vector(1, 1), Vector(2, 2)]
assert Vector(2, 2) in [Vector(1, 1), Vector(2, 2)]
""",
    ("self.x + o.x", "self.x"),
    ("return isinstance(o, Vector) and (self.x, self.y) == (o.x, o.y)", "return True"),
    ("return isinstance(o, Vector) and (self.x, self.y) == (o.x, o.y)", "return NotImplemented"),
    ("__rmul__ = __mul__", ""),
    ("return self\n", "return Vector(self.x, self.y)\n"),
    ("return hash((self.x, self.y))", "return id(self)"),
)

task(
    "matrix",
    """
class Matrix:
    def __init__(self, rows): self.rows = [list(row) for row in rows]
    @classmethod
    def identity(cls, n): return cls([[int(i == j) for j in range(n)] for i in range(n)])
    @property
    def shape(self): return len(self.rows), len(self.rows[0])
    def __getitem__(self, place): i, j = place; return self.rows[i][j]
    def __setitem__(self, place, value): i, j = place; self.rows[i][j] = value
    def __matmul__(self, o):
        if self.shape[1] != o.shape[0]: raise ValueError("shapes do not match")
        columns = list(zip(*o.rows))
        return Matrix([[sum(a * b for a, b in zip(r, c)) for c in columns] for r in self.rows])
    def transpose(self): return Matrix(zip(*self.rows))
    def __eq__(self, o): return isinstance(o, Matrix) and self.rows == o.rows
""",
    """
a = Matrix([[1, 2], [3, 4]])
assert a.shape == (2, 2) and a[1, 0] == 3
assert a @ Matrix.identity(2) == a
assert (a @ a).rows == [[7, 10], [15, 22]]
a[0, 0] = 9
assert a.rows[0] == [9, 2] and a.rows == [[9, 2], [3, 4]]
assert a.transpose() == Matrix([[9, 3], [2, 4]]) and a != Matrix.identity(2)
a.rows[1][1] = 0
assert a[1, 1] == 0
try:
    a @ Matrix([[1, 2]])
    raise AssertionError
except ValueError as error:
    assert "shapes" in str(error)
""",
    ("zip(*self.rows)", "self.rows"),
    ("self.rows[i][j] = value", "pass"),
    ("raise ValueError", "raise TypeError"),
)

task(
    "polynomial",
    """
class Polynomial:
    def __init__(self, *coefficients): self.coefficients = coefficients
    def __call__(self, x): return sum(c * x ** i for i, c in enumerate(self.coefficients))
    def __add__(self, other):
        if isinstance(other, int): other = Polynomial(other)
        n = max(len(self.coefficients), len(other.coefficients))
        fill = lambda p: list(p.coefficients) + [0] * (n - len(p.coefficients))
        return Polynomial(*(a + b for a, b in zip(fill(self), fill(other))))
    def __radd__(self, other): return self + other
    def __pow__(self, n): return Polynomial(*([0] * n + [1])) if self.coefficients == (0, 1) else None
    def degree(self): return len(self.coefficients) - 1
""",
    """
p = Polynomial(1, 2)
assert p(3) == 7 and (p + Polynomial(0, 0, 5))(2) == 25
assert (p + 4)(0) == 5 and (4 + p)(1) == 7 and sum([p, p])(1) == 6
assert callable(p) and p.coefficients == (1, 2) and p.degree() == 1
assert (Polynomial(0, 1) ** 3)(2) == 8
""",
    ("c * x ** i", "c * x"),
    ("return self + other", "return self"),
)

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
    "exceptions",
    """
class AppError(Exception):
    code = 500
class NotFound(AppError, KeyError):
    code = 404
    def __init__(self, key):
        super().__init__(f"no {key}")
        self.key = key
    def __str__(self): return f"no {self.key}"
class Retry(AppError):
    pass
def find(table, key):
    try:
        return table[key]
    except KeyError as error:
        raise NotFound(key) from error
def retried(function, times):
    for _ in range(times - 1):
        try:
            return function()
        except Retry:
            pass
    return function()
""",
    """
try:
    find({}, "x")
except AppError as error:
    assert isinstance(error, NotFound) and isinstance(error, KeyError)
    assert error.code == 404 and error.key == "x" and str(error) == "no x"
    assert isinstance(error.__cause__, KeyError) and type(error) is NotFound
else:
    raise AssertionError
assert find({"a": 1}, "a") == 1
try:
    find({}, 1)
    raise AssertionError
except (NotFound, ValueError):
    pass
calls = []
def flaky():
    calls.append(1)
    if len(calls) < 3:
        raise Retry("again")
    return "done"
assert retried(flaky, 5) == "done" and len(calls) == 3
def broken():
    raise ZeroDivisionError("no")
try:
    retried(broken, 3)
    raise AssertionError
except ZeroDivisionError as error:
    assert error.args == ("no",)
assert AppError.code == 500 and NotFound.__name__ == "NotFound"
assert isinstance(AppError("x"), Exception) and NotFound(3).key == 3
assert issubclass(Retry, AppError) and not issubclass(Retry, KeyError)
try:
    raise Retry("mine")
except AppError as error:
    assert str(error) == "mine"
""",
    ("raise NotFound(key) from error", "raise NotFound(key) from None"),
    ("class NotFound(AppError, KeyError)", "class NotFound(AppError)"),
    ("pass\n    return function()", "return None\n    return function()"),
    ("code = 404", "code = 405"),
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
    "LRU cache",
    """
from collections import OrderedDict
class LRUCache:
    def __init__(self, capacity): self.capacity, self.data = capacity, OrderedDict()
    def get(self, key):
        if key not in self.data: return -1
        self.data.move_to_end(key)
        return self.data[key]
    def put(self, key, value):
        self.data[key] = value
        self.data.move_to_end(key)
        if len(self.data) > self.capacity: self.data.popitem(last=False)
""",
    """
from collections import OrderedDict
cache = LRUCache(2)
cache.put(1, 1); cache.put(2, 2)
assert cache.get(1) == 1
cache.put(3, 3)
assert cache.get(2) == -1 and cache.get(3) == 3
assert list(cache.data) == [1, 3] and cache.data == OrderedDict([(1, 1), (3, 3)])
assert len(cache.data) == 2 and 3 in cache.data and isinstance(cache.data, dict)
assert cache.data.get(9) is None and cache.data[1] == 1 and dict(cache.data) == {1: 1, 3: 3}
""",
    ("last=False", "last=True"),
    ("        self.data.move_to_end(key)\n        return", "        return"),
    ("return -1", "return None"),
)

task(
    "values of the standard library",
    """
from collections import Counter, defaultdict, deque, namedtuple, OrderedDict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
Point = namedtuple("Point", "x y")
def add_days(d, n): return d + timedelta(days=n)
def half(n): return Fraction(n, 2)
def price(text): return Decimal(text) * 2
def letters(text): return Counter(text)
def groups(words):
    result = defaultdict(list)
    for word in words: result[word[0]].append(word)
    return result
def rotate(items, n):
    items = deque(items)
    items.rotate(n)
    return items
def mirror(p): return Point(p.y, p.x)
def unique(items): return frozenset(items)
def raw(text): return text.encode()
def root(n): return complex(0, n)
def ordered(pairs): return OrderedDict(pairs)
def numbers(n): return range(n)
""",
    """
import datetime as dt
from collections import Counter, OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
assert add_days(dt.date(2024, 2, 28), 2) == dt.date(2024, 3, 1)
assert add_days(dt.datetime(2024, 1, 1, 12), 1) - dt.datetime(2024, 1, 1) == dt.timedelta(days=1.5)
assert half(3) == Fraction(3, 2) == 1.5 and half(3).numerator == 3
assert price("1.10") == Decimal("2.20") and str(price("1.10")) == "2.20"
assert letters("abca") == Counter("abca") and letters("aab").most_common(1) == [("a", 2)]
assert letters("ab") == {"a": 1, "b": 1}
assert groups(["ab", "ac", "b"]) == {"a": ["ab", "ac"], "b": ["b"]} and groups([])["z"] == []
assert rotate([1, 2, 3], 1) == deque([3, 1, 2]) and list(rotate([1], 0)) == [1]
p = Point(1, 2)
assert p == (1, 2) and p.x == 1 and mirror(p) == Point(2, 1) and mirror(p).y == 1
assert p._asdict() == {"x": 1, "y": 2} and p._replace(x=5) == (5, 2) and isinstance(p, tuple)
a, b = mirror(p)
assert (a, b) == (2, 1) and repr(p) == "Point(x=1, y=2)" and Point._fields == ("x", "y")
assert unique([1, 1]) == frozenset({1}) == {1} and raw("é") == b"\\xc3\\xa9" and root(2) == 2j
assert ordered([("b", 1), ("a", 2)]) == OrderedDict([("b", 1), ("a", 2)])
assert list(ordered([("b", 1), ("a", 2)])) == ["b", "a"] and numbers(3) == range(3)
""",
    ("timedelta(days=n)", "timedelta(days=n + 1)"),
    ("Fraction(n, 2)", "str(n)"),
    ("Point(p.y, p.x)", "p"),
    ("items.rotate(n)", "items.rotate(-n)"),
    ("OrderedDict(pairs)", "OrderedDict(sorted(pairs))"),
    ("Counter(text)", "Counter(text[1:])"),
)

task(
    "subclasses of built-in types",
    """
class UniqueList(list):
    def append(self, item):
        if item not in self: super().append(item)
class AttrDict(dict):
    def __getattr__(self, name):
        try: return self[name]
        except KeyError: raise AttributeError(name) from None
class Money(int):
    def __str__(self): return f"${int(self)}.00"
    def __add__(self, other): return Money(int(self) + int(other))
class Name(str):
    def initials(self): return "".join(part[0] for part in self.split())
class Path(tuple):
    def __truediv__(self, part): return Path((*self, part))
def unique(items):
    result = UniqueList()
    for item in items: result.append(item)
    return result
""",
    """
u = unique([1, 2, 1])
assert u == [1, 2] and len(u) == 2 and isinstance(u, list) and isinstance(u, UniqueList)
u.append(2); u.append(3)
assert u == [1, 2, 3] and u[0] == 1 and list(u) == [1, 2, 3] and 3 in u and u[1:] == [2, 3]
assert sorted(u, reverse=True) == [3, 2, 1] and u + [4] == [1, 2, 3, 4] and sum(u) == 6
d = AttrDict(a=1)
d.b = 5
d["c"] = 2
assert d.a == 1 and d == {"a": 1, "c": 2} and d.get("zz", 0) == 0 and isinstance(d, dict)
assert d.b == 5 and set(d) == {"a", "c"} and dict(d) == {"a": 1, "c": 2} and {**d} == dict(d)
try:
    d.missing
    raise AssertionError("found")
except AttributeError:
    pass
m = Money(5) + 7
assert m == 12 and str(m) == "$12.00" and isinstance(m, Money) and m > 11 and f"{m:d}" == "12"
n = Name("Ada Lovelace")
assert n.initials() == "AL" and n == "Ada Lovelace" and n.upper() == "ADA LOVELACE"
assert "x".join(["a", n]) == "axAda Lovelace" and n.startswith("Ada") and len(n) == 12
assert Path(("a",)) / "b" == ("a", "b") and isinstance(Path(("a",)) / "b", Path)
""",
    ("if item not in self: ", ""),
    ("Money(int(self) + int(other))", "Money(int(self))"),
    ('f"${int(self)}.00"', '"$"'),
    ("class UniqueList(list)", "class UniqueList(__import__('collections').UserList)"),
)

task(
    "changed arguments",
    """
def sort_in_place(items): items.sort()
def swap(items, i, j): items[i], items[j] = items[j], items[i]
def merge(target, other):
    for key, value in other.items(): target.setdefault(key, []).extend(value)
def clear_row(grid, row): grid[row][:] = [0] * len(grid[row])
class Basket:
    def fill(self, box, items): box.update(items); return len(box)
""",
    """
numbers = [3, 1, 2]
assert sort_in_place(numbers) is None and numbers == [1, 2, 3]
swap(numbers, 0, 2)
assert numbers == [3, 2, 1]
table = {"a": [1]}
inner = table["a"]
merge(table, {"a": [2], "b": [3]})
assert table == {"a": [1, 2], "b": [3]} and inner == [1, 2]
grid = [[1, 2], [3, 4]]
clear_row(grid, 1)
assert grid == [[1, 2], [0, 0]]
box = {1}
assert Basket().fill(box, {2}) == 2 and box == {1, 2}
""",
    ("items.sort()", "sorted(items)"),
    ("items[j], items[i]", "items[i], items[j]"),
    ("grid[row][:] =", "grid[row] = None; row ="),
)

task(
    "total ordering",
    """
import functools
@functools.total_ordering
class Card:
    def __init__(self, rank): self.rank = rank
    def __eq__(self, other): return self.rank == other.rank
    def __lt__(self, other): return self.rank < other.rank
    def __hash__(self): return hash(self.rank)
    def __repr__(self): return f"Card({self.rank})"
""",
    """
cards = [Card(5), Card(2), Card(9)]
assert [c.rank for c in sorted(cards)] == [2, 5, 9] and max(cards).rank == 9
assert Card(2) <= Card(2) and Card(3) > Card(2) and not Card(1) >= Card(2)
assert min(cards) == Card(2) and cards.index(Card(9)) == 2
assert sorted(cards, key=lambda c: -c.rank)[0] == Card(9)
assert repr(sorted(cards)) == "[Card(2), Card(5), Card(9)]"
""",
    ("self.rank < other.rank", "self.rank > other.rank"),
    ("return self.rank == other.rank", "return False"),
    ("@functools.total_ordering\n", ""),
)

task(
    "queue and priority queue",
    """
import heapq
from collections import deque
class Queue:
    def __init__(self, maxlen=None): self._items, self._max = deque(), maxlen
    def put(self, item):
        if self._max is not None and len(self._items) >= self._max: raise Full
        self._items.append(item)
    def get(self):
        if not self._items: raise Empty("queue is empty")
        return self._items.popleft()
    def __len__(self): return len(self._items)
class Full(Exception): pass
class Empty(Exception): pass
class PriorityQueue(Queue):
    def __init__(self): self._items, self._n = [], 0
    def put(self, item, priority):
        heapq.heappush(self._items, (priority, self._n, item))
        self._n += 1
    def get(self): return heapq.heappop(self._items)[-1]
""",
    """
q = Queue(2)
q.put("a"); q.put("b")
try:
    q.put("c")
    assert False, "full"
except Full:
    pass
assert q.get() == "a" and len(q) == 1 and q.get() == "b"
try:
    q.get()
    assert False, "empty"
except Empty as error:
    assert error.args[0] == "queue is empty"
p = PriorityQueue()
for item, priority in [("low", 5), ("high", 1), ("high too", 1)]:
    p.put(item, priority)
assert [p.get() for _ in range(len(p))] == ["high", "high too", "low"]
""",
    ("popleft", "pop"),
    ("raise Full", "return"),
    ("(priority, self._n, item)", "(-priority, self._n, item)"),
)

task(
    "graph",
    """
from collections import deque
class Graph:
    def __init__(self): self.edges = {}
    def add_edge(self, a, b, weight=1):
        self.edges.setdefault(a, {})[b] = weight
        self.edges.setdefault(b, {})[a] = weight
        return self
    def neighbors(self, node): return sorted(self.edges.get(node, {}))
    def bfs(self, start):
        seen, queue, order = {start}, deque([start]), []
        while queue:
            node = queue.popleft()
            order.append(node)
            for other in self.neighbors(node):
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
        return order
    def __contains__(self, node): return node in self.edges
""",
    """
g = Graph().add_edge("a", "b").add_edge("a", "c", 5).add_edge("c", "d")
assert g.bfs("a") == ["a", "b", "c", "d"] and g.neighbors("a") == ["b", "c"]
assert "a" in g and "z" not in g
assert g.edges["a"]["c"] == 5 and g.edges == {
    "a": {"b": 1, "c": 5}, "b": {"a": 1}, "c": {"a": 5, "d": 1}, "d": {"c": 1}}
assert sorted(g.edges) == ["a", "b", "c", "d"] and len(g.edges) == 4
assert set(g.edges.keys()) == {"a", "b", "c", "d"} and "b" in g.edges
del g.edges["d"]
assert "d" not in g
for node, others in g.edges.items():
    assert node not in others
""",
    ("[b] = weight\n", "[b] = 1\n"),
    ("popleft", "pop"),
    ("return node in self.edges", "return True"),
)

task(
    "binary search tree",
    """
class BST:
    class _Node:
        def __init__(self, key): self.key, self.left, self.right = key, None, None
    def __init__(self, keys=()):
        self.root, self.size = None, 0
        for key in keys: self.insert(key)
    def insert(self, key):
        self.root = self._insert(self.root, key)
    def _insert(self, node, key):
        if node is None:
            self.size += 1
            return self._Node(key)
        if key < node.key: node.left = self._insert(node.left, key)
        elif key > node.key: node.right = self._insert(node.right, key)
        return node
    def __iter__(self):
        def walk(node):
            if node: yield from walk(node.left); yield node.key; yield from walk(node.right)
        return walk(self.root)
    def __contains__(self, key): return any(k == key for k in self)
    def __len__(self): return self.size
    def height(self):
        def h(n): return 0 if n is None else 1 + max(h(n.left), h(n.right))
        return h(self.root)
""",
    """
tree = BST([5, 2, 8, 2, 9])
assert list(tree) == [2, 5, 8, 9] and len(tree) == 4 and tree.height() == 3
assert 8 in tree and 7 not in tree and tree.root.left.key == 2
assert [k for k in reversed(list(tree))] == [9, 8, 5, 2] and bool(tree) and not BST()
""",
    ("self.size += 1", "self.size += 2"),
    ("key < node.key", "key <= node.key"),
    ("any(k == key for k in self)", "bool(self)"),
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
    "observer",
    """
class Subject:
    def __init__(self): self._observers = []
    def attach(self, observer): self._observers.append(observer); return observer
    def detach(self, observer): self._observers.remove(observer)
    def notify(self, *args, **kwargs): return [o(*args, **kwargs) for o in self._observers]
class Button(Subject):
    def __init__(self, label):
        super().__init__()
        self.label = label
    def click(self): self.notify(self)
""",
    """
seen = []
subject = Subject()
subject.attach(seen.append)
double = subject.attach(lambda x: x * 2)
assert subject.notify(4) == [None, 8] and seen == [4]
subject.detach(double)
assert subject.notify(5) == [None] and seen == [4, 5]
button = Button("ok")
button.attach(lambda b: seen.append(b.label))
button.attach(lambda b: seen.append(b is button))
button.click()
assert seen == [4, 5, "ok", True]
""",
    ("self._observers.remove(observer)", "self._observers.pop(0)"),
    ("self.notify(self)", "self.notify(self.label)"),
)

task(
    "state machine and builder",
    """
class InvalidTransition(RuntimeError):
    def __init__(self, source, target):
        self.source, self.target = source, target
        super().__init__(source, target)
class TrafficLight:
    TRANSITIONS = {"red": "green", "green": "yellow", "yellow": "red"}
    def __init__(self): self.state = "red"
    def change(self, target):
        if self.TRANSITIONS[self.state] != target: raise InvalidTransition(self.state, target)
        self.state = target
class Query:
    def __init__(self): self.parts = {"where": []}
    def table(self, name): self.parts["table"] = name; return self
    def where(self, **conditions): self.parts["where"] += conditions.items(); return self
    def sql(self):
        where = " AND ".join(f"{k} = {v!r}" for k, v in self.parts["where"])
        return f"SELECT * FROM {self.parts['table']}" + (f" WHERE {where}" if where else "")
""",
    """
light = TrafficLight()
light.change("green")
assert light.state == "green" and TrafficLight.TRANSITIONS["green"] == "yellow"
try:
    light.change("red")
except InvalidTransition as e:
    assert (e.source, e.target) == ("green", "red") and e.args == ("green", "red")
    assert isinstance(e, RuntimeError)
else:
    assert False
assert Query().table("t").where(a=1).where(b="x").sql() == "SELECT * FROM t WHERE a = 1 AND b = 'x'"
assert Query().table("u").sql() == "SELECT * FROM u"
""",
    ("!= target", "== target"),
    ('" AND "', '" OR "'),
)

task(
    "shopping cart",
    """
from decimal import Decimal
class Cart:
    def __init__(self): self._lines = {}
    def add(self, name, price, quantity=1):
        if quantity < 1: raise ValueError("quantity")
        old = self._lines.get(name, (price, 0))
        self._lines[name] = (price, old[1] + quantity)
    def remove(self, name): del self._lines[name]
    @property
    def total(self): return sum((Decimal(str(p)) * q for p, q in self._lines.values()), Decimal(0))
    def __len__(self): return sum(q for _, q in self._lines.values())
    def __iter__(self): return iter(self._lines)
    def __getitem__(self, name): return self._lines[name][1]
    def __delitem__(self, name): self.remove(name)
    def __setitem__(self, name, quantity): self._lines[name] = (self._lines[name][0], quantity)
    def items(self): return self._lines.items()
    def copy(self):
        other = Cart()
        other._lines = dict(self._lines)
        return other
""",
    """
import copy
from decimal import Decimal
cart = Cart()
cart.add("tea", 1.25, 2)
cart.add("cup", "3.10")
assert cart.total == Decimal("5.60") and len(cart) == 3 and list(cart) == ["tea", "cup"]
assert cart["tea"] == 2
cart["tea"] = 5
assert cart["tea"] == 5 and sorted(cart.items()) == [("cup", ("3.10", 1)), ("tea", (1.25, 5))]
other = cart.copy()
deep = copy.deepcopy(cart)
del cart["tea"]
assert list(cart) == ["cup"] and list(other) == ["tea", "cup"] and deep["tea"] == 5
try:
    cart["none"]
    raise AssertionError
except KeyError as error:
    assert error.args == ("none",)
""",
    ("old[1] + quantity", "quantity + 1"),
    ("dict(self._lines)", "self._lines"),
    ("Decimal(str(p))", "float(p)"),
)

task(
    "text buffers and parsers",
    """
import re
class Tokenizer:
    def __init__(self, text): self.text = text
    def __iter__(self):
        for match in re.finditer(r"\\d+|[-+*/()]", self.text): yield match.group()
class Calculator:
    def evaluate(self, text):
        self.tokens = list(Tokenizer(text))
        value = self._sum()
        if self.tokens: raise SyntaxError("trailing " + self.tokens[0])
        return value
    def _sum(self):
        value = self._product()
        while self.tokens and self.tokens[0] in "+-":
            value = value + self._product() if self.tokens.pop(0) == "+" else value - self._product()
        return value
    def _product(self):
        value = self._atom()
        while self.tokens and self.tokens[0] in "*/":
            value = value * self._atom() if self.tokens.pop(0) == "*" else value / self._atom()
        return value
    def _atom(self):
        token = self.tokens.pop(0)
        if token == "(":
            value = self._sum()
            self.tokens.pop(0)
            return value
        return int(token)
""",
    """
calculator = Calculator()
for text, value in {"1+2*3": 7, "(1+2)*3": 9, "8/4-1": 1.0, "2*(3-(4-5))": 8}.items():
    assert calculator.evaluate(text) == value, text
try:
    calculator.evaluate("1 2")
    raise AssertionError
except SyntaxError as error:
    assert "trailing" in error.args[0]
try:
    calculator.evaluate("1/0")
    raise AssertionError
except ZeroDivisionError:
    pass
assert list(Tokenizer("1+ 23")) == ["1", "+", "23"]
""",
    ("value - self._product()", "self._product() - value"),
    ("raise SyntaxError", "return str"),
)

task(
    "custom containers",
    """
from collections.abc import Mapping, MutableSequence, Sequence
class Frozen(Mapping):
    def __init__(self, **items): self._items = items
    def __getitem__(self, key): return self._items[key]
    def __iter__(self): return iter(self._items)
    def __len__(self): return len(self._items)
class Typed(MutableSequence):
    def __init__(self, kind, items=()): self.kind, self._items = kind, []; self.extend(items)
    def _check(self, item):
        if not isinstance(item, self.kind): raise TypeError(f"not a {self.kind.__name__}")
        return item
    def __getitem__(self, i): return self._items[i]
    def __setitem__(self, i, item): self._items[i] = self._check(item)
    def __delitem__(self, i): del self._items[i]
    def __len__(self): return len(self._items)
    def insert(self, i, item): self._items.insert(i, self._check(item))
""",
    """
from collections.abc import Mapping, Sequence
f = Frozen(a=1, b=2)
assert f["a"] == 1 and list(f) == ["a", "b"] and dict(f) == {"a": 1, "b": 2} and "b" in f
assert isinstance(f, Mapping) and not isinstance(f, Sequence) and f.get("z", 3) == 3
assert f == Frozen(a=1, b=2) and list(f.values()) == [1, 2] and {**f} == {"a": 1, "b": 2}
try:
    f["c"] = 1
    raise AssertionError
except TypeError:
    pass
t = Typed(int, [1, 2])
t.append(3); t[0] = 9
assert list(t) == [9, 2, 3] and t[-1] == 3 and t[1:] == [2, 3] and t.index(2) == 1
assert list(reversed(t)) == [3, 2, 9] and t.pop() == 3 and t.count(9) == 1
del t[0]
assert len(t) == 1 and isinstance(t, Sequence)
try:
    t.append("x")
    raise AssertionError
except TypeError as error:
    assert str(error) == "not a int"
assert Typed(str, ["a"]).kind is str
""",
    ("self._items[i] = self._check(item)", "self._items[i] = item + 1"),
    ("if not isinstance(item, self.kind)", "if False"),
    ("class Frozen(Mapping)", "class Frozen(Sequence)"),
)

task(
    "magic conversions",
    """
class Ratio:
    def __init__(self, a, b): self.a, self.b = a, b
    def __float__(self): return self.a / self.b
    def __int__(self): return self.a // self.b
    def __index__(self): return self.a // self.b
    def __round__(self, n=None): return round(self.a / self.b, n)
    def __bool__(self): return self.a != 0
    def __format__(self, form): return f"{self.a}|{self.b}" if form == "r" else "?"
    def __bytes__(self): return bytes([self.a, self.b])
    def __complex__(self): return complex(self.a, self.b)
    def __floordiv__(self, o): return int(self) // o
    def __divmod__(self, o): return divmod(self.a, o)
    def __invert__(self): return Ratio(self.b, self.a)
    def __hash__(self): return 7
    def __trunc__(self): return self.a // self.b
    def __reversed__(self): return iter([self.b, self.a])
    def __dir__(self): return ["a", "b"]
""",
    """
import math
r = Ratio(7, 2)
assert float(r) == 3.5 and int(r) == 3 and [1, 2, 3, 4][r] == 4 and round(r, 1) == 3.5
assert round(r) == 4 and bool(r) and not Ratio(0, 1) and f"{r:r}" == "7|2" and format(r) == "?"
assert bytes(r) == b"\\x07\\x02" and complex(r) == 7 + 2j and float(~r) == 2 / 7
assert hash(r) == 7 and math.trunc(r) == 3 and list(reversed(r)) == [2, 7] and dir(r) == ["a", "b"]
assert math.isclose(r, 3.5) and "{:r}".format(r) == "7|2" and list(range(r)) == [0, 1, 2]
""",
    ("self.a / self.b\n    def __int__", "self.b / self.a\n    def __int__"),
    ('f"{self.a}|{self.b}"', '""'),
    ("return 7", "return 8"),
)

task(
    "money with currencies",
    """
class CurrencyMismatch(TypeError): pass
class Money:
    def __init__(self, amount, currency="EUR"): self.amount, self.currency = amount, currency
    def _check(self, other):
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
    def __add__(self, other): self._check(other); return Money(self.amount + other.amount, self.currency)
    def __lt__(self, other): self._check(other); return self.amount < other.amount
    def __eq__(self, other):
        if not isinstance(other, Money): return NotImplemented
        return (self.amount, self.currency) == (other.amount, other.currency)
    def __truediv__(self, n): return Money(self.amount / n, self.currency)
    def __str__(self): return f"{self.amount:.2f} {self.currency}"
""",
    """
assert Money(5) + Money(7) == Money(12) and Money(1) < Money(2) and Money(1) != Money(1, "USD")
assert str(Money(5) / 4) == "1.25 EUR" and Money(5) != 5 and not Money(5) == "5"
for action in (lambda: Money(1) + Money(1, "USD"), lambda: Money(1) < Money(1, "USD")):
    try:
        action()
    except CurrencyMismatch as error:
        assert str(error) == "EUR and USD"
    else:
        raise AssertionError
""",
    ("self.amount + other.amount", "self.amount * other.amount"),
    ("if self.currency != other.currency:", "if False:"),
    ("return NotImplemented", "return True"),
)

task(
    "library",
    """
class Book:
    def __init__(self, title, author): self.title, self.author, self.borrower = title, author, None
    def __repr__(self): return f"<{self.title}>"
class Library:
    def __init__(self): self.books = []
    def add(self, *books): self.books.extend(books)
    def by(self, author): return [book for book in self.books if book.author == author]
    def lend(self, title, to):
        book = next((b for b in self.books if b.title == title), None)
        if book is None: raise LookupError(title)
        if book.borrower: return False
        book.borrower = to
        return True
    def index(self): return {book.title: book for book in self.books}
    def grouped(self):
        groups = {}
        for book in self.books: groups.setdefault(book.author, set()).add(book)
        return groups
""",
    """
library, emma, dune = Library(), Book("Emma", "Austen"), Book("Dune", "Herbert")
library.add(emma, dune)
assert library.books == [emma, dune] and library.by("Austen") == [emma] and len(library.books) == 2
assert library.lend("Dune", "Ada") is True and library.lend("Dune", "Bob") is False
assert dune.borrower == "Ada" and library.index()["Emma"] is emma
assert str(library.books) == "[<Emma>, <Dune>]" and emma in library.books
assert library.grouped() == {"Austen": {emma}, "Herbert": {dune}}
try:
    library.lend("Ulysses", "Ada")
    raise AssertionError
except LookupError:
    pass
library.books[0].title = "Persuasion"
assert emma.title == "Persuasion" and [b.title for b in library.books] == ["Persuasion", "Dune"]
""",
    ("if book.borrower: return False", ""),
    ("book.author == author", "book.title == author"),
    ("raise LookupError", "return str"),
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
    "games and grids",
    """
class Board:
    def __init__(self): self.cells, self.turn = [[" "] * 3 for _ in range(3)], "X"
    def play(self, row, column):
        if self.cells[row][column] != " ": raise ValueError("taken")
        self.cells[row][column] = self.turn
        self.turn = "O" if self.turn == "X" else "X"
        return self
    @property
    def winner(self):
        c = self.cells
        lines = [*c, *zip(*c), [c[i][i] for i in range(3)], [c[i][2 - i] for i in range(3)]]
        return next((line[0] for line in lines if line[0] != " " and len(set(line)) == 1), None)
    def __str__(self): return "\\n".join("|".join(row) for row in self.cells)
""",
    """
board = Board()
for row, column in [(0, 0), (1, 0), (0, 1), (1, 1)]:
    board.play(row, column)
assert board.winner is None and board.turn == "X"
assert board.play(0, 2) is board and board.winner == "X"
assert str(board) == "X|X|X\\nO|O| \\n | | " and board.cells[1] == ["O", "O", " "]
try:
    board.play(0, 0)
    raise AssertionError
except ValueError:
    pass
board.cells[2][2] = "X"
assert str(board).endswith("X")
""",
    ("[*c, *zip(*c)", "[*zip(*c)"),
    ('raise ValueError("taken")', "pass"),
)

task(
    "events in time",
    """
from datetime import date, datetime, timedelta, timezone
class Event:
    def __init__(self, name, start, length): self.name, self.start, self.length = name, start, length
    @property
    def end(self): return self.start + self.length
    def overlaps(self, other): return self.start < other.end and other.start < self.end
class Calendar:
    def __init__(self): self.events = []
    def add(self, event):
        clash = next((e for e in self.events if e.overlaps(event)), None)
        if clash: raise Conflict(clash)
        self.events.append(event)
    def on(self, day): return [e.name for e in self.events if e.start.date() == day]
class Conflict(Exception):
    def __init__(self, event):
        super().__init__(event)
        self.event = event
    def __str__(self): return "conflict with " + self.event.name
""",
    """
from datetime import date, datetime, timedelta, timezone
calendar = Calendar()
start = datetime(2024, 5, 1, 9, tzinfo=timezone.utc)
first = Event("a", start, timedelta(hours=2))
calendar.add(first)
assert first.end == datetime(2024, 5, 1, 11, tzinfo=timezone.utc) and first.end - first.start == timedelta(hours=2)
try:
    calendar.add(Event("b", start + timedelta(hours=1), timedelta(hours=1)))
    raise AssertionError
except Conflict as conflict:
    assert conflict.event is first and str(conflict) == "conflict with a"
    assert conflict.args[0] is first
calendar.add(Event("c", first.end, timedelta(minutes=5)))
assert calendar.on(date(2024, 5, 1)) == ["a", "c"] and calendar.on(date(2024, 5, 2)) == []
""",
    ("other.start < self.end", "other.start <= self.end"),
    ("self.start + self.length", "self.start"),
    ("if clash: raise Conflict(clash)", ""),
)


task(
    "trie and union find",
    """
class Trie:
    def __init__(self): self.children, self.end = {}, False
    def insert(self, word):
        node = self
        for letter in word: node = node.children.setdefault(letter, Trie())
        node.end = True
    def __contains__(self, word):
        node = self
        for letter in word:
            if letter not in node.children: return False
            node = node.children[letter]
        return node.end
class UnionFind:
    def __init__(self, n): self.parent = list(range(n))
    def find(self, x):
        while self.parent[x] != x: x = self.parent[x]
        return x
    def union(self, a, b): self.parent[self.find(a)] = self.find(b)
    def connected(self, a, b): return self.find(a) == self.find(b)
""",
    """
trie = Trie()
for word in ("car", "cat"):
    trie.insert(word)
assert "car" in trie and "ca" not in trie and "dog" not in trie
assert sorted(trie.children["c"].children["a"].children) == ["r", "t"]
sets = UnionFind(4)
sets.union(0, 1); sets.union(1, 2)
assert sets.connected(0, 2) and not sets.connected(0, 3) and len(set(map(sets.find, range(4)))) == 2
""",
    ("return node.end", "return True"),
    ("self.parent[self.find(a)] = self.find(b)", "self.parent[a] = b if a else a"),
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
    "undo and commands",
    """
class Command:
    def do(self, text): raise NotImplementedError
    def undo(self, text): raise NotImplementedError
class Append(Command):
    def __init__(self, suffix): self.suffix = suffix
    def do(self, text): return text + self.suffix
    def undo(self, text): return text[: -len(self.suffix)]
class Editor:
    def __init__(self): self.text, self._done, self._undone = "", [], []
    def run(self, command):
        self.text = command.do(self.text)
        self._done.append(command)
        self._undone.clear()
    def undo(self):
        if not self._done: return False
        command = self._done.pop()
        self.text = command.undo(self.text)
        self._undone.append(command)
        return True
    def redo(self):
        if not self._undone: return False
        command = self._undone.pop()
        self.text = command.do(self.text)
        self._done.append(command)
        return True
""",
    """
editor = Editor()
editor.run(Append("ab")); editor.run(Append("c"))
assert editor.text == "abc" and editor.undo() and editor.text == "ab" and editor.redo()
assert editor.text == "abc"
editor.undo(); editor.undo()
assert editor.undo() is False and editor.text == ""
try:
    Command().do("")
    raise AssertionError
except NotImplementedError:
    pass
""",
    ("self._done.append(command)\n        return True", "return True"),
    ("[: -len(self.suffix)]", "[:-1]"),
    ("raise NotImplementedError\n    def undo", "return text\n    def undo"),
)

task(
    "sparse vectors and sets of objects",
    """
class Sparse:
    def __init__(self, items=None): self._items = dict(items or {})
    def __getitem__(self, i):
        if isinstance(i, slice): return [self[j] for j in range(i.start or 0, i.stop, i.step or 1)]
        return self._items.get(i, 0)
    def __setitem__(self, i, value): self._items[i] = value
    def __add__(self, other):
        keys = self._items.keys() | other._items.keys()
        return Sparse({k: self[k] + other[k] for k in keys})
    def __eq__(self, other): return isinstance(other, Sparse) and self._items == other._items
    def __iter__(self): return iter(sorted(self._items.items()))
class Tag:
    def __init__(self, name): self.name = name.lower()
    def __eq__(self, other): return isinstance(other, Tag) and self.name == other.name
    def __hash__(self): return hash(self.name)
def merge(a, b): return a | b
""",
    """
s = Sparse({1: 5}) + Sparse({1: 1, 3: 2})
assert s == Sparse({1: 6, 3: 2}) and s[0] == 0 and s[1:4] == [6, 0, 2] and list(s) == [(1, 6), (3, 2)]
s[0] = 9
assert s[:2] == [9, 6] and dict(s) == {0: 9, 1: 6, 3: 2}
assert len({Tag("A"), Tag("a"), Tag("b")}) == 2 and Tag("x") in {Tag("X")}
assert merge({Tag("a")}, {Tag("A"), Tag("b")}) == {Tag("a"), Tag("b")}
try:
    hash(s)
    raise AssertionError
except TypeError:
    pass
""",
    ("name.lower()", "name"),
    ("self[k] + other[k]", "self[k]"),
    ("return self._items.get(i, 0)", "return self._items[i]"),
)

task(
    "TestCases with fixtures",
    """
class Inventory:
    def __init__(self): self._stock = {}
    def add(self, item, n=1): self._stock[item] = self._stock.get(item, 0) + n
    def remove(self, item, n=1):
        if self._stock.get(item, 0) < n: raise OutOfStock(item, n)
        self._stock[item] -= n
        if not self._stock[item]: del self._stock[item]
    def count(self, item): return self._stock.get(item, 0)
    def report(self): return [f"{item}: {n}" for item, n in sorted(self._stock.items())]
class OutOfStock(LookupError):
    def __init__(self, item, n):
        self.item, self.n = item, n
        super().__init__(f"{n} {item}")
""",
    """
import unittest

class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.items = ["tea", "cup"]

    def setUp(self):
        self.inventory = Inventory()
        for item in self.items:
            self.inventory.add(item, 2)

    def tearDown(self):
        self.assertNotIn("gone", self.inventory.report())

class TestCounts(Base):
    def test_count(self):
        for item in self.items:
            with self.subTest(item):
                self.assertEqual(self.inventory.count(item), 2)
        self.assertCountEqual(self.inventory.report(), ["tea: 2", "cup: 2"])
        self.assertListEqual(self.inventory.report(), ["cup: 2", "tea: 2"])

    def test_remove(self):
        self.inventory.remove("tea", 2)
        self.assertEqual(self.inventory.report(), ["cup: 2"])
        self.assertDictEqual(self.inventory._stock, {"cup": 2})
        self.assertIsNone(self.inventory.remove("cup"))

class TestErrors(Base):
    def test_out_of_stock(self):
        self.assertRaises(OutOfStock, self.inventory.remove, "tea", 3)
        with self.assertRaises(LookupError) as caught:
            self.inventory.remove("none")
        self.assertEqual((caught.exception.item, caught.exception.n), ("none", 1))
""",
    ("if not self._stock[item]: del self._stock[item]", ""),
    ("< n: raise", "< n - 1: raise"),
    ("self._stock.get(item, 0) + n", "n + 1"),
    ("sorted(self._stock.items())", "self._stock.items()"),
)

task(
    "numbers that behave as numbers",
    """
from functools import total_ordering
from math import gcd
@total_ordering
class Q:
    def __init__(self, n, d=1):
        if d == 0: raise ZeroDivisionError("Q of 0")
        g = gcd(n, d) * (1 if d > 0 else -1)
        self.n, self.d = n // g, d // g
    @staticmethod
    def _of(x): return x if isinstance(x, Q) else Q(x)
    def __add__(self, o): o = Q._of(o); return Q(self.n * o.d + o.n * self.d, self.d * o.d)
    __radd__ = __add__
    def __neg__(self): return Q(-self.n, self.d)
    def __sub__(self, o): return self + -Q._of(o)
    def __rsub__(self, o): return Q._of(o) - self
    def __mul__(self, o): o = Q._of(o); return Q(self.n * o.n, self.d * o.d)
    __rmul__ = __mul__
    def __truediv__(self, o): o = Q._of(o); return self * Q(o.d, o.n)
    def __eq__(self, o): o = Q._of(o); return (self.n, self.d) == (o.n, o.d)
    def __lt__(self, o): o = Q._of(o); return self.n * o.d < o.n * self.d
    def __str__(self): return f"{self.n}/{self.d}"
    __repr__ = __str__
    def __hash__(self): return hash((self.n, self.d))
    def __float__(self): return self.n / self.d
    def __pow__(self, k): return Q(self.n ** k, self.d ** k)
""",
    """
assert str(Q(1, 2) + Q(1, 3)) == "5/6" and Q(2, 4) == Q(1, 2) and str(Q(1, -2)) == "-1/2"
assert str(1 - Q(1, 3)) == "2/3" and str(2 * Q(1, 4)) == "1/2" and str(Q(3, 4) / Q(3, 2)) == "1/2"
assert Q(1, 3) < Q(1, 2) and Q(1, 2) < 1 and Q(1, 2) <= Q(2, 4) and 2 > Q(3, 2) and max(Q(1, 2), Q(2, 3)) == Q(2, 3)
assert float(Q(1, 4)) == 0.25 and abs(float(Q(1, 3)) - 1 / 3) < 1e-12 and str(Q(1, 2) ** 3) == "1/8"
assert str(sum([Q(1, 2), Q(1, 3), Q(1, 6)])) == "1/1" and sorted([Q(1, 2), Q(1, 3)]) == [Q(1, 3), Q(1, 2)]
try:
    Q(1, 0)
    raise AssertionError
except ZeroDivisionError as error:
    assert str(error) == "Q of 0"
""",
    ("self.n * o.d + o.n * self.d", "self.n + o.n"),
    ("return Q._of(o) - self", "return self - Q._of(o)"),
    ("self.n * o.d < o.n * self.d", "self.n < o.n"),
)

task(
    "streams and texts",
    """
import io, json, csv, string, itertools, re
class Reader:
    def __init__(self, stream): self.stream = stream
    def rows(self): return list(csv.DictReader(self.stream))
def load(text): return Reader(io.StringIO(text)).rows()
def dump(value): return json.dumps(value, sort_keys=True)
class Template(string.Template):
    delimiter = "%"
def lines(text): return iter(text.splitlines())
def pairs(items): return zip(items, items[1:])
def match(text): return re.match(r"(?P<key>\\w+)=(\\d+)", text)
def evens(items): return filter(lambda n: n % 2 == 0, items)
""",
    """
assert load("a,b\\n1,2\\n") == [{"a": "1", "b": "2"}] and dump({"b": 1, "a": [None]}) == '{"a": [null], "b": 1}'
assert Template("%x!").substitute(x=3) == "3!" and next(lines("a\\nb")) == "a"
assert list(pairs([1, 2, 3])) == [(1, 2), (2, 3)] and list(evens([1, 2, 4])) == [2, 4]
m = match("ab=12")
assert m and m.group("key") == "ab" and m.groups() == ("ab", "12") and match("!") is None and m[2] == "12"
""",
    ("sort_keys=True", "sort_keys=False"),
    ('delimiter = "%"', 'delimiter = "&"'),
    ("n % 2 == 0", "n % 2"),
)
