"""Configuration by gin: what can be bound, and how files and bindings are read.

    study = load_study("proportion", scale="demo", bindings=["Setting.tokens = 1000000"])
    workspace = make_workspace()
    load(["gin/phases/demo.gin"], imports=["my_corpora"]); phase = make("Phase")

The entry dataclasses are plain and know nothing of gin; they are registered here, in one table. A
name or parameter that does not exist fails while the files are read, with the closest names.
"""

import contextlib
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import gin
from code_ablate import distributed, shipped
from code_ablate.bindings import Bindings
from code_ablate.checked import checked
from code_ablate.data.preparing.beam import BeamConfig
from code_ablate.data.preparing.leak_index import Decontamination
from code_ablate.data.preparing.near_duplicates import Deduplication
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.registry import (
    expect_tasks,
    import_modules,
    remembered_names,
    require_corpora,
    require_evaluation_tasks,
    require_not_hidden,
    require_train_split,
    seqio_is_installed,
    tasks_are_expected,
)
from code_ablate.data.variants import CorpusVariant, CorpusVariants, register_variants
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.gin_errors import explain
from code_ablate.jobs.workspace import Paths, Workspace
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.study.analysis_plan import AnalysisPlan
from code_ablate.study.graph import Study
from code_ablate.study.hardware import Hardware
from code_ablate.study.launch.kubernetes import Kubernetes
from code_ablate.study.launch.slurm import Slurm
from code_ablate.study.recipes import RECIPES
from code_ablate.study.setting import Setting, Side, naming_roles
from code_ablate.study.setting_sweep import Growth, sweep
from code_ablate.study.variation import VARIATIONS
from code_ablate.training.execution import Execution, FleetConfig, LoopConfig
from code_ablate.training.phase import Optimizer, Phase, Schedule
from code_ablate.training.profiler import ProfileConfig
from code_ablate.training.rundir import phase_of_run
from code_ablate.training.tracking import TrackingConfig
from code_ablate.training.weights import weights_in
from code_ablate.unused_bindings import partly_used, require_used

SHAPES = ("d_model", "layers", "heads", "head_dim", "feed_forward")
"""Fields that a file of gin/models must bind for `named_model`."""


@checked
def named_model(name: str) -> ModelConfig:
    """A model with the shapes of a file in gin/models; the rest is as ModelConfig is bound.

    `name`: name of the file, such as '470m', or path of a gin file.
    """
    file = find_gin_file(name, "models")
    values = Bindings.read([file], (), _gin_directories()).values("ModelConfig")
    missing = [field for field in SHAPES if field not in values]
    if missing:
        raise UserError(f"{file} does not bind ModelConfig.{missing[0]}: name a file that does.")
    return _made["ModelConfig"](**{field: values.get(field) for field in (*SHAPES, "kv_heads")})


CONFIGURABLES = (
    Study,
    AnalysisPlan,
    Setting,
    Side,
    Growth,
    sweep,
    named_model,
    Phase,
    ModelConfig,
    Optimizer,
    Schedule,
    VocabularyConfig,
    PrepareConfig,
    BeamConfig,
    CorpusVariant,
    CorpusVariants,
    Deduplication,
    Decontamination,
    SuiteConfig,
    JudgeConfig,
    MeshConfig,
    LoopConfig,
    FleetConfig,
    TrackingConfig,
    ProfileConfig,
    Hardware,
    Slurm,
    Kubernetes,
    Paths,
    phase_of_run,
    weights_in,
    *RECIPES,
    *VARIATIONS,
)
"""Everything of ours that gin can bind. Users add their own with @gin.configurable."""

DEFAULT_SCALE = "demo"

GIN_DIRECTORY = shipped.folder("gin")
"""This project's own gin files."""

_made: dict[str, Callable] = {}
_imported: list[str] = []
"""Modules that were imported for the last `load`, by name or by a gin file."""
_read = Bindings(())
"""What the last `load` read."""
_unlocked = contextlib.ExitStack()


def register() -> None:
    """Makes CONFIGURABLES known to gin. Calling it again does nothing."""
    for thing in CONFIGURABLES:
        if thing.__name__ not in _made:
            _made[thing.__name__] = gin.external_configurable(thing, module="code_ablate")


def find_gin_file(name: str, folder: str) -> str:
    """The path of gin file `name`: a path, or a name in gin/`folder`. Raises UserError."""
    is_path = Path(name).suffix == ".gin" or len(Path(name).parts) > 1
    if is_path and Path(name).is_file():
        return str(Path(name))
    files = gin_files(folder)
    if name not in files:
        raise unknown_name(f"gin file (looked for it in gin/{folder})", name, files)
    return str(files[name])


def _as_path(file: str) -> str:
    """A file that is not in the current folder may be one of ours: gin/phases/demo.gin."""
    ours = GIN_DIRECTORY.parent / file
    return str(ours) if not Path(file).exists() and ours.is_file() else file


def _gin_directories() -> list[Path]:
    return list(dict.fromkeys([GIN_DIRECTORY, Path.cwd() / "gin"]))


def gin_files(folder: str) -> dict[str, Path]:
    """The files of gin/`folder` by name: this project's own, and others of the current folder.

    A file of the current folder that has the name of one of ours is given by its path.
    """
    files: dict[str, Path] = {}
    for base in _gin_directories():
        for file in sorted((base / folder).glob("*.gin")):
            files.setdefault(file.stem, file)
    return dict(sorted(files.items()))


def load(
    files: Sequence[str],
    bindings: Sequence[str] = (),
    imports: Sequence[str] = (),
    *,
    looks_only: bool = False,
) -> None:
    """Reads gin files and bindings into a clean gin. Raises UserError for whatever is wrong.

    `imports`: modules that register more than this project's own `tasks`. `looks_only`: nothing
    will be prepared or evaluated, so `tasks` need not be imported while its names are remembered.
    """
    shipped.require_other_names(imports)
    modules = (shipped.TASKS, *imports)
    files = [_as_path(file) for file in files]
    global _read
    _read = Bindings.read(files, bindings, _gin_directories())
    if looks_only and not imports and not _read.imports:
        expect_tasks()
    else:
        import_modules(modules)
    register()
    _unlocked.close()
    gin.clear_config()
    # Where included files are looked for; gin itself can only add to the end of this list.
    gin.config._LOCATION_PREFIXES[:] = [*map(str, _gin_directories()), ""]
    try:
        with _quiet_search():
            parsed = gin.parse_config_files_and_bindings(
                [str(Path(file).absolute()) for file in files], list(bindings), skip_unknown=False
            )
    except Exception as error:
        if explained := explain(error, _read, _parameters()):
            raise explained from error
        raise
    # t5 registers configurables when a Task first uses it, which is after the files are read.
    _unlocked.enter_context(gin.unlock_config())
    imported = _imports_of(parsed)
    for module in imported:
        require_not_hidden(module)
    shipped.require_other_names(imported)
    _imported[:] = dict.fromkeys((*modules, *imported))
    require_used(_read, scopes_in_code=_enter_scopes((*imports, *imported)))
    for sentence in partly_used(_read) if distributed.is_first() else ():
        print(f"note: {sentence}", file=sys.stderr)
    _register_variants()


def _enter_scopes(modules: Iterable[str]) -> bool:
    """Whether one of the modules enters scopes of gin by itself."""
    specs = (sys.modules[name].__spec__ for name in modules if name in sys.modules)
    files = (Path(spec.origin) for spec in specs if spec and spec.origin)
    return any("config_scope" in f.read_text("utf-8", "replace") for f in files if f.is_file())


def _register_variants() -> None:
    """Makes SeqIO know the variants of corpora that gin binds, before anything names them."""
    variants = make("CorpusVariants").variants
    try:
        register_variants(variants)
    except UserError as error:
        explained = explain(error, _read, _parameters())
        raise (explained or error) from error


def load_study(
    name: str,
    scale: str | None = None,
    *,
    files: Sequence[str] = (),
    bindings: Sequence[str] = (),
    imports: Sequence[str] = (),
    looks_only: bool = False,
) -> Study:
    """The study `name` (in gin/studies, or a gin file) at a scale, with names of its data checked.

    The scale is read first, so that the study, then `files`, then `bindings` may change what it
    sets. A study that binds `Setting.model` has a size of its own, usually from a scale that it
    includes, and takes no other. Without either, the scale is "demo", and that is said. Raises
    UserError.
    """
    own = [find_gin_file(name, "studies"), *files]
    scale_file = find_gin_file(scale, "scales") if scale else None
    if Bindings.read(own, (), _gin_directories()).binds("Setting", "model"):
        load(own, bindings, imports, looks_only=looks_only)
        included = _bound("Study.scale")
        if scale and included != Path(scale).stem:
            its_own = f"the scale {included!r}" if included else "a size of its own"
            raise UserError(f"{name} has {its_own}, so --scale {scale} cannot be given with it.")
    else:
        if not scale_file:
            scale_file = find_gin_file(DEFAULT_SCALE, "scales")
            _say_default_scale(name)
        load([scale_file, *own], bindings, imports, looks_only=looks_only)
    study = make("Study")
    try:
        require_corpora(study.corpora)
    except UserError as error:
        raise naming_roles(error, study.settings[0].roles) from None
    grouped = dict.fromkeys(c for corpora in study.groups.values() for c in corpora)
    require_corpora(tuple(grouped), "Study.groups")
    require_evaluation_tasks(study.suite.tasks)
    _require_uses(study.corpora, study.suite.tasks)
    return study


def _require_uses(corpora: Sequence[str], tasks: Sequence[str]) -> None:
    """Raises UserError for a corpus that is to be evaluated, or an evaluation task that is to be
    read: both are Tasks, and the names of both are known."""
    if known := remembered_names():
        evaluated = set(known.descriptions)
        for name in sorted(set(tasks) & set(known.tasks) - evaluated):
            raise UserError(
                f"SuiteConfig.tasks names the corpus {name!r}: name an evaluation task, or have "
                "bits per byte measured on it by SuiteConfig.domains."
            )
        for name in sorted(evaluated & set(corpora)):
            raise UserError(f"corpus {name!r} is an evaluation task: name a corpus.")
    if tasks_are_expected() or not seqio_is_installed():
        return
    import seqio

    from code_ablate.evaluation.kinds import kind_of

    for name in tasks:
        kind_of(seqio.TaskRegistry.get(name))
    for name in corpora:
        require_train_split(seqio.TaskRegistry.get(name))


def _say_default_scale(name: str) -> None:
    if distributed.is_first():
        others = ", ".join(gin_files("scales"))
        print(f"note: {name} at the scale {DEFAULT_SCALE}; --scale: {others}.", file=sys.stderr)


def _bound(parameter: str):
    """What the gin files bind to `parameter`; None if nothing."""
    try:
        return gin.query_parameter(parameter)
    except ValueError:
        return None


@contextlib.contextmanager
def _quiet_search() -> Iterator[None]:
    """Without the error that gin logs for each folder in which an included file is not."""

    def matters(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Path not found")

    logging.getLogger().addFilter(matters)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(matters)


def _imports_of(parsed) -> list[str]:
    return [
        module
        for file in parsed
        for module in (*file.imports, *_imports_of(file.includes))
        if not module.startswith("code_ablate")
    ]


def make_workspace() -> Workspace:
    """`Paths` and `BeamConfig` as gin has them, with the modules of the last `load` for workers.

    Raises UserError, and Failed if a path is on an object store that cannot be reached.
    """
    paths = make("Paths")
    paths.require_reachable()
    return Workspace(paths, tuple(_imported), make("BeamConfig"))


def make_execution() -> Execution:
    """How to run, as gin has it: mesh, loop, tracking, profile and fleet."""
    return Execution(
        mesh=make("MeshConfig"),
        loop=make("LoopConfig"),
        tracking=make("TrackingConfig"),
        profile=make("ProfileConfig"),
        fleet=make("FleetConfig"),
    )


def make(name: str):
    """An instance of the registered class `name`, as gin has it. Raises UserError."""
    try:
        return _made[name]()
    except Exception as error:
        if explained := explain(error, _read, _parameters()):
            raise explained from error
        raise


def operative() -> str:
    """The bindings that were used so far, as gin text."""
    return gin.operative_config_str()


def _parameters() -> dict[str, list[str]]:
    return {thing.__name__: list(inspect.signature(thing).parameters) for thing in CONFIGURABLES}
