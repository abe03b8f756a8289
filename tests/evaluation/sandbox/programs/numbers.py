# ruff: noqa: E501  # programs as people write them
"""Operators, conversions and library values: see `table`."""

from tests.evaluation.sandbox.programs.table import task

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
