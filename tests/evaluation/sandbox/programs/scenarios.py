# ruff: noqa: E501  # programs as people write them
"""Small applications, and tests as unittest writes them: see `table`."""

from tests.evaluation.sandbox.programs.table import task

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
