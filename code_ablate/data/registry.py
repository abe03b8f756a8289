"""Names that SeqIO knows, as this project's values.

    import_modules(("tasks", "my_corpora"))      # which register them
    resolve_mixture("demo.code")                 # a registered SeqIO Mixture or Task
    resolve_mixture({"demo.text": 0.8, "demo.code": 0.2})

SeqIO (and with it TensorFlow) is imported only when a name has to be looked up that is not
remembered from another process (`remembered`).
"""

import dataclasses
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from code_ablate import distributed, shipped
from code_ablate.data import remembered
from code_ablate.data.fingerprints.installed import is_installed_file
from code_ablate.data.mixing import Mixture
from code_ablate.data.quietly import import_quietly
from code_ablate.data.remembered import Remembered
from code_ablate.data.source_errors import reading
from code_ablate.errors import DATA_PACKAGES, UserError, failing_import, unknown_name

MixtureSpec = Mixture | Mapping[str, float] | str
"""A mixture, {corpus: rate}, or the name of a registered SeqIO Mixture or Task."""

TRAIN = "train"
"""Split that corpora have."""

INSTALL = "pip install 'code-ablate[data]'"
"""What to do where SeqIO is missing."""

_expected: Remembered | None = None
"""What `tasks` is known to register, while its import is put off; None once it is imported."""

_ours: dict[str, Any] = {}
"""The Tasks that `tasks` registered in this process, by name."""


def import_modules(modules: Sequence[str]) -> None:
    """Imports modules that register corpora, tasks or recipes; `tasks` is this project's own.

    One that cannot be imported only because SeqIO or TensorFlow is not installed is passed over
    with a note: what is prepared can be used without them. Raises UserError for one that fails.
    """
    # Behind what is installed: a folder `gin`, or a file `regex.py`, must not take its place here
    # or in worker processes.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    for module in modules:
        if not all(part.isidentifier() for part in module.split(".")):
            raise UserError(f"{module!r} is no name of a module{_module_named(module)}.")
        try:
            if module == shipped.TASKS:
                _import_tasks()
            else:
                importlib.import_module(module)
                require_not_hidden(module)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in DATA_PACKAGES:
                raise failing_import(f"the module {module!r}", error) from error
            _say_passed_over(module, missing)
        except UserError:
            raise
        except Exception as error:
            raise failing_import(f"the module {module!r}", error) from error


def require_not_hidden(module: str) -> None:
    """Raises UserError if an imported module is an installed one of the same name as the user's."""
    root = module.partition(".")[0]
    candidates = (Path.cwd() / f"{root}.py", Path.cwd() / root / "__init__.py")
    theirs = [path for path in candidates if path.is_file()]
    file = getattr(sys.modules.get(root), "__file__", None)
    if theirs and file and is_installed_file(file):
        raise UserError(
            f"{module!r} is imported, and an installed package has that name ({file}): give "
            f"{theirs[0]} another name."
        )


def _module_named(path: str) -> str:
    """What to write for a module that is given as a path or with its suffix."""
    parts = Path(path.removesuffix(".py")).parts
    if not parts or not all(part.isidentifier() for part in parts):
        return ": give it as it stands in an import, such as my_data or my_package.corpora"
    return f": write {'.'.join(parts)}"


def expect_tasks() -> None:
    """Imports `tasks` when something of it is needed that is not remembered from another process.

    For commands that look only, and alone: what a user's modules register is not remembered.
    """
    global _expected
    if shipped.TASKS not in sys.modules:
        _expected = remembered.recall() if _is_there("seqio") else None
    if _expected is None:
        import_modules((shipped.TASKS,))


def tasks_are_expected() -> bool:
    """Whether the import of `tasks` is put off, so that looking is cheap and making is not."""
    return _expected is not None


def expected_tasks() -> frozenset[str]:
    """Names of the Tasks that `tasks` is known to register, while its import is put off."""
    return frozenset(_expected.tasks) if _expected else frozenset()


def import_expected_tasks() -> None:
    """Imports `tasks` if that was put off."""
    if _expected is not None:
        import_modules((shipped.TASKS,))


def remembered_fingerprint(corpus: str) -> dict[str, Any] | None:
    """What decides the documents of a corpus of `tasks`, as long as `tasks` is not imported."""
    known = _expected.fingerprints.get(corpus) if _expected else None
    return dict(known) if known else None


def kept_fingerprints() -> dict[str, Mapping[str, Any]]:
    """What was kept, by this process or others, of the Tasks that `tasks` registered here."""
    known = remembered.recall() if _ours else None
    if known is None:
        return {}
    import seqio

    names = set(seqio.TaskRegistry.names()) & _ours.keys() & known.fingerprints.keys()
    ours = [name for name in names if seqio.TaskRegistry.get(name) is _ours[name]]
    return {name: known.fingerprints[name] for name in ours}


def remember_fingerprint(task: Any, fingerprint: Mapping[str, Any]) -> None:
    """Keeps the fingerprint of a Task for other processes, if it is one of `tasks`."""
    known = remembered.recall() if _ours.get(task.name) is task else None
    if known and task.name not in known.fingerprints:
        fingerprints = {**known.fingerprints, task.name: fingerprint}
        remembered.keep(dataclasses.replace(known, fingerprints=fingerprints))


def remembered_names() -> Remembered | None:
    """What `tasks` registers, as long as it is not imported and its descriptions are known."""
    return _expected if _expected and _expected.descriptions else None


def remember_descriptions(descriptions: Mapping[str, str]) -> None:
    """Keeps a line about each evaluation task for other processes, of those that are of `tasks`."""
    known = remembered.recall() if _ours else None
    if known and not known.descriptions:
        own = {name: text for name, text in descriptions.items() if name in _ours}
        remembered.keep(dataclasses.replace(known, descriptions=own))


def _import_tasks() -> None:
    global _expected
    _expected = None
    if shipped.TASKS in sys.modules:
        shipped.import_tasks()  # raises if it is another one
        return
    import_quietly("tensorflow")
    import seqio

    before = set(seqio.TaskRegistry.names()), set(seqio.MixtureRegistry.names())
    shipped.import_tasks()
    tasks = sorted(set(seqio.TaskRegistry.names()) - before[0])
    mixtures = sorted(set(seqio.MixtureRegistry.names()) - before[1])
    _ours.update({name: seqio.TaskRegistry.get(name) for name in tasks})
    if remembered.recall() is None:
        rates = {name: _rates(name) for name in mixtures}
        remembered.keep(Remembered(tuple(tasks), rates, {}, {}))


@functools.cache
def _say_passed_over(module: str, package: str) -> None:
    if distributed.is_first():
        print(
            f"note: {package} is not installed, so {module} registers nothing here. Token stores "
            f"that are prepared can be used; to prepare others: {INSTALL}.",
            file=sys.stderr,
        )


def seqio_is_installed() -> bool:
    """Whether SeqIO can be imported here; imports it, unless `tasks` is expected."""
    if _expected is not None:
        return True
    try:
        import seqio  # noqa: F401
    except ImportError:
        return False
    return True


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def resolve_mixture(spec: MixtureSpec) -> Mixture:
    """A mixture of corpora from rates, or from the name of a SeqIO Mixture or Task.

    Rates of a SeqIO Mixture are read as shares of tokens. Raises UserError for unknown names, and
    for any name where SeqIO is not installed.
    """
    if isinstance(spec, Mixture):
        return spec
    if isinstance(spec, Mapping):
        return Mixture.of(spec)
    if not isinstance(spec, str):
        raise UserError(f"a mixture is a registered name or {{corpus: rate}}, not {spec!r}.")
    if not seqio_is_installed():
        raise UserError(
            f"the mixture {spec!r} is a name, and SeqIO, which knows what it stands for, is not "
            f"installed: {INSTALL}, or write the mixture as {{corpus: rate}}."
        )
    if _expected and spec in _expected.tasks:
        return Mixture.of({spec: 1.0})
    if _expected and spec in _expected.mixtures:
        return Mixture.of(_expected.mixtures[spec])
    import_expected_tasks()
    import seqio

    if spec in seqio.TaskRegistry.names():
        return Mixture.of({spec: 1.0})
    if spec not in seqio.MixtureRegistry.names():
        names = (*corpus_names(), *seqio.MixtureRegistry.names())
        raise unknown_name("mixture or corpus", spec, names)
    return Mixture.of(_rates(spec))


def _rates(name: str) -> dict[str, float]:
    """Rate of each Task of a registered Mixture."""
    import seqio

    mixture = seqio.MixtureRegistry.get(name)
    return {task.name: float(mixture.get_rate(task)) for task in mixture.tasks}


def corpus_names() -> tuple[str, ...]:
    """Names of the registered Tasks that can be trained on: those with a train split."""
    import seqio

    tasks = map(seqio.TaskRegistry.get, sorted(seqio.TaskRegistry.names()))
    return tuple(task.name for task in tasks if _has_train_split(task))


def evaluation_task_names() -> tuple[str, ...]:
    """Names of the registered Tasks that can be evaluated: those with metrics, or without a train
    split."""
    import seqio

    tasks = map(seqio.TaskRegistry.get, sorted(seqio.TaskRegistry.names()))
    return tuple(t.name for t in tasks if t.metric_fns or t.metric_objs or not _has_train_split(t))


def _has_train_split(task: Any) -> bool:
    import seqio

    # TFDS would have to be asked for its splits, over the network.
    return isinstance(task.source, seqio.TfdsDataSource) or TRAIN in task.splits


def require_train_split(task: Any) -> None:
    """Raises UserError for a Task that is no corpus to train on: an evaluation task, mostly."""
    with reading(f"the source of corpus {task.name!r}"):
        splits = tuple(task.splits)
    if TRAIN not in splits:
        raise UserError(f"corpus {task.name!r} has the splits {splits}: it needs {TRAIN!r}.")


def require_corpora(names: tuple[str, ...], where: str = "") -> None:
    """Raises UserError for the first of `names` that is not a registered SeqIO Task.

    `where`: field that names them; empty: it need not be said. Where SeqIO is not installed
    nothing is known, and nothing is raised: whoever then looks for the data of a name
    (`find_stores`) raises if there are none.
    """
    _require_tasks(f"corpus ({where})" if where else "corpus", names, corpus_names)


def require_evaluation_tasks(names: tuple[str, ...]) -> None:
    """As `require_corpora`, for Tasks that are evaluated: it suggests such."""
    _require_tasks("evaluation task", names, evaluation_task_names)


def _require_tasks(
    kind: str, names: tuple[str, ...], fitting: Callable[[], tuple[str, ...]]
) -> None:
    """`kind`: what is meant, in the message. `fitting`: names that may be suggested."""
    if not seqio_is_installed() or (_expected and set(names) <= set(_expected.tasks)):
        return
    import_expected_tasks()
    import seqio

    known = seqio.TaskRegistry.names()
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, fitting())
