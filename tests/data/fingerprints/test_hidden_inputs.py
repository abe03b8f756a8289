"""What code reads beside its arguments is found by whatever name, and nothing else is."""

import importlib
import importlib.util
import itertools
import pkgutil
import re

import pytest

from code_ablate.data.fingerprints.hidden_tables import hidden_functions
from code_ablate.data.fingerprints.reachable import Reached
from code_ablate.data.fingerprints.source_text import Unfollowable

HIDDEN = {
    # random numbers without a seed
    "import random\ndef keep(t): return random.random() < 0.5": "random.random",
    "from random import choice\ndef keep(t): return choice(t)": "random.choice",
    "import random as r\nkeep = lambda t: r.sample(t, 2)": "random.sample",
    "import random\ndef keep(t): return random.Random().random()": "random.Random",
    "import random\ndef keep(t): return random.Random(None).random()": "random.Random",
    "import random\ndef keep(t):\n    random.seed()\n    return random.random()": "random.seed",
    "import random\ndef keep(t):\n    r = random\n    return r.random()": "random.random",
    "import random\ndef keep(t): return getattr(random, 'random')()": "random.random",
    "import random\ndef keep(t): return getattr(random, t)()": "random as a whole",
    "import random\ndef keep(t): return len(random, t)": "random as a whole",
    "import random\ndef keep(t):\n    def inner(): return random.random()\n    return inner()": (
        "random.random"
    ),
    "def keep(t):\n    from random import random as r\n    return r()": "random.random",
    "import numpy as np\ndef keep(t): return np.random.rand() < 0.5": "numpy.random.rand",
    "from numpy import random\ndef keep(t): return random.permutation(3)": "numpy.random.perm",
    "from numpy.random import shuffle\ndef keep(t): return shuffle(t)": "numpy.random.shuffle",
    "import numpy as np\nkeep = lambda t: np.random.default_rng().random()": "random.default_rng",
    "import numpy as np\nkeep = lambda t: np.random.default_rng(seed=None)": "random.default_rng",
    "import numpy as np\nkeep = lambda t: np.random.Generator(np.random.PCG64())": "random.PCG64",
    "import numpy as np\nkeep = lambda t: np.random.RandomState().rand()": "random.RandomState",
    "import uuid\nkeep = lambda t: str(uuid.uuid4())": "uuid.uuid4",
    "import secrets\nkeep = lambda t: secrets.token_hex()": "secrets.token_hex",
    "import os\nkeep = lambda t: os.urandom(4)": "os.urandom",
    "import tensorflow as tf\nkeep = lambda t: tf.random.uniform([])": "tensorflow.random.uniform",
    "keep = lambda dataset: dataset.shuffle(1024)": "shuffle of a dataset",
    "N = 9\nkeep = lambda dataset: dataset.shuffle(buffer_size=N)": "shuffle of a dataset",
    "import random\nRNG = random.Random()\nkeep = lambda t: RNG.random()": r"RNG \(.*random.Random",
    "import numpy as np\nRNG = np.random.default_rng()\nkeep = lambda t: RNG.random()": "RNG",
    "import random\nSALT = random.getrandbits(9)\nkeep = lambda t: SALT": "SALT",
    # text has another hash in each process
    "def keep(t): return hash(t) % 10 == 0": "uses hash, .*zlib.crc32",
    # the time
    "import time\ndef keep(t): return time.time()": "time.time, the time",
    "from time import perf_counter\ndef keep(t): return perf_counter()": "time.perf_counter",
    "import time\ndef keep(t): return time.strftime('%Y')": "time.strftime",
    "from datetime import datetime\ndef keep(t): return datetime.now()": "datetime.datetime.now",
    "import datetime\ndef keep(t): return datetime.date.today()": "datetime.date.today",
    "import datetime as d\nkeep = lambda t: d.datetime.utcnow()": "datetime.datetime.utcnow",
    "import numpy as np\nkeep = lambda t: np.datetime64('now')": r"numpy.datetime64\('now'\)",
    "import pandas as pd\nkeep = lambda t: pd.Timestamp.now()": "pandas.Timestamp.now",
    "import time\nSTART = time.time()\nkeep = lambda t: START": r"START \(",
    "import os\nkeep = lambda t: os.path.getmtime(t)": "posixpath.getmtime",
    # the environment, the machine, the user, the folder
    "import os\nkeep = lambda t: os.path.expandvars('$HOME')": "posixpath.expandvars",
    "import os\nkeep = lambda t: vars(os)['environ']['X']": "os.environ",
    "import os\nkeep = lambda t: os.__dict__['environ']['X']": "os.environ",
    "import os\nkeep = lambda t: getattr(os, 'getenv')('X')": "os.getenv",
    "import posix\nkeep = lambda t: posix.environ": "posix.environ",
    "import os\ndef keep(t):\n    env = os.environ\n    return env['X']": "os.environ",
    "from os import path\nkeep = lambda t: path.expanduser(t)": "posixpath.expanduser",
    "from pathlib import Path\nkeep = lambda t: Path.home() / t": "pathlib.Path.home",
    "from pathlib import Path\nkeep = lambda t: Path(t).expanduser()": "expanduser",
    "import pathlib\nkeep = lambda t: pathlib.Path.cwd()": "pathlib.Path.cwd",
    "import os\nkeep = lambda t: os.getcwd()": "os.getcwd",
    "import getpass\nkeep = lambda t: getpass.getuser()": "getpass.getuser",
    "import socket\nkeep = lambda t: socket.gethostname()": "socket.gethostname",
    "from platform import node\nkeep = lambda t: node()": "platform.(node|uname)",
    "import os\nkeep = lambda t: os.getpid()": "os.getpid",
    "keep = lambda t: input()": "uses input",
    "import sys\nkeep = lambda t: sys.stdin.read()": "sys.stdin",
    "class Keep:\n    def __call__(self, t):\n        import time\n        return time.time()\n"
    "keep = Keep()": r"Keep.__call__ \(.*:4\) uses time.time",
}  # fmt: skip
"""Module -> what is said of its `keep`."""

VISIBLE = [
    "import random\ndef keep(t): return random.Random(17).random()",
    "import random\ndef keep(t): return random.Random(f'17 {t}').sample(t, 2)",
    "import random\ndef keep(t, seed=3):\n    rng = random.Random(seed)\n    return rng.random()",
    "import random\ndef keep(t):\n    random.seed(17)\n    return random.random()",
    "import random\nRNG = random.Random(17)\nkeep = lambda t: RNG.random()",
    "import random\nrandom.seed(3)\nN = random.random()\nkeep = lambda t: N",
    "import numpy as np\ndef keep(t): return np.random.default_rng(17).random()",
    "import numpy as np\ndef keep(t): return np.random.default_rng(seed=17).random()",
    "import numpy as np\nRNG = np.random.default_rng(17)\nkeep = lambda t: RNG.random()",
    "import numpy as np\nkeep = lambda t: np.random.Generator(np.random.PCG64(3)).random()",
    "import tensorflow as tf\nkeep = lambda t: tf.random.stateless_uniform([], seed=t)",
    "import tensorflow as tf\nkeep = lambda t: tf.random.uniform([], seed=3)",
    "keep = lambda dataset: dataset.shuffle(1024, seed=3)",
    "import random\nkeep = lambda t: random.Random(3).shuffle(t)",
    "import re\ndef keep(t): return re.compile('a').search(t)",
    "def keep(row): return row.time and row.random() and row.environ and row.hash and row.compile",
    "import time\ndef keep(row):\n    time.sleep(0)\n    return row.time",
    "def keep(t, hash=len, input=3): return hash(t) + input",
    "def keep(random): return random.random()",
    "class Row:\n    n = 3\n    def __hash__(self): return hash(self.n)\n"
    "def keep(t): return Row(t)",
    "import datetime as d\nkeep = lambda t: d.datetime(2020, 1, 1) < d.date.fromisoformat(t)",
    "import time\nkeep = lambda t: time.strftime('%Y', time.gmtime(t))",
    "import numpy as np\nkeep = lambda t: np.datetime64('2020-01-01')",
    "import os, sys, uuid\nfrom pathlib import Path\ndef keep(t):\n    print(t, file=sys.stderr)\n"
    "    return os.path.join(t, 'x'), os.sep, uuid.uuid5(uuid.NAMESPACE_DNS, t), Path(t).name",
    "import os\nDEBUG = os.environ.get('NO_SUCH_NAME')\nkeep = lambda t: DEBUG",
]

numbers = itertools.count()


@pytest.fixture
def text_of(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def text(module: str) -> str:
        name = f"hidden_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(module + "\n")
        importlib.invalidate_caches()
        return Reached().describe(importlib.import_module(name).keep).replace(name, "NAME")

    return text


@pytest.mark.parametrize("module", HIDDEN)
def test_what_is_hidden_is_refused_with_its_place_and_a_remedy(text_of, module):
    with pytest.raises(Unfollowable, match=HIDDEN[module]) as caught:
        text_of(module)
    assert re.search(r"\(.+\.py:\d+\) uses [^:]+: \w+", str(caught.value))


@pytest.mark.parametrize("module", VISIBLE)
def test_what_is_not_hidden_is_accepted_and_equal_each_time(text_of, module):
    assert text_of(module) == text_of(module)


def test_a_seed_counts(text_of):
    for module in VISIBLE[:1] + VISIBLE[4:5] + VISIBLE[8:9]:
        assert text_of(module) != text_of(module.replace("17", "18"))


def test_drawing_numbers_changes_no_text(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "drawing.py").write_text(
        "import random, numpy as np\nONE, TWO = random.Random(17), None\n"
        "OTHER = np.random.default_rng(17)\nkeep = lambda t: (ONE.random(), OTHER.random())\n"
    )
    importlib.invalidate_caches()
    keep = importlib.import_module("drawing").keep
    before = Reached().describe(keep)
    keep("text")
    assert Reached().describe(keep) == before


def test_a_global_made_elsewhere_is_followed_to_there(text_of, tmp_path):
    (tmp_path / "maker_of_numbers.py").write_text("import random\nRNG = random.Random()\n")
    with pytest.raises(Unfollowable, match=r"maker_of_numbers.py:2\) uses random.Random"):
        text_of("from maker_of_numbers import RNG as R\nkeep = lambda t: R.random()")


def test_code_without_a_source_is_judged_by_what_it_names():
    scope: dict = {"__name__": "no_such_module"}
    exec("import os, time, random\nkeep = lambda t: time.time()", scope)
    with pytest.raises(Unfollowable, match=r"time\.time"):
        Reached().describe(scope["keep"])
    exec("keep = lambda t: os.path.join(t, os.sep)", scope)
    assert Reached().describe(scope["keep"])


def test_a_file_below_the_home_folder_counts_by_its_content(text_of, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (
        "import os\nkeep = lambda t: t in open(os.path.expanduser('~/bad.txt')).read()",
        "from pathlib import Path\nkeep = lambda t: t in Path('~/bad.txt').expanduser().open()",
    ):
        (tmp_path / "bad.txt").unlink(missing_ok=True)
        with pytest.raises(Unfollowable, match="expanduser"):
            text_of(module)
        (tmp_path / "bad.txt").write_text("rude")
        first = text_of(module)
        (tmp_path / "bad.txt").write_text("other")
        assert text_of(module) != first


def test_every_name_of_the_table_is_one():
    wrong = []
    for name in hidden_functions():
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            continue  # not installed
        try:
            pkgutil.resolve_name(name)
        except (AttributeError, ImportError):
            wrong.append(name)
    assert set(wrong) <= {"uuid.uuid6", "uuid.uuid7"}  # Python has them since 3.14
