# ruff: noqa: E501  # programs as people write them
"""Data structures and containers: see `table`."""

from tests.evaluation.sandbox.programs.table import task

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
