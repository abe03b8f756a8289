"""A study, its arms, and the graph of their phases, in which equal phases are trained once.

graph = PhaseGraph.of(study, stores.identities, stores.tokens)
for identity, phase in graph.phases.items(): ...      # parents come before their children
graph.identities[Arm("text_only", "1.07M", seed=0, stage="cooldown")]
"""

import dataclasses
import fnmatch
import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from code_ablate.analysis.report.published import require_published
from code_ablate.analysis.results.arm import Arm
from code_ablate.checked import Given, Positive, Seed, Share, checked
from code_ablate.data.mixing import Mixture
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.preparing.vocabulary_training import require_held_out
from code_ablate.data.variants import registered_variants
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import identity, to_plain
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.names import file_part, require_label, require_name
from code_ablate.shown import brief
from code_ablate.study.analysis_plan import AnalysisPlan
from code_ablate.study.setting import Recipe, Setting, naming_roles, size_parts
from code_ablate.training.phase import Phase, phase_identity, plain_for_configuration


@checked
@dataclass(frozen=True)
class Study:
    """Recipes x model sizes x seeds, with an evaluation suite."""

    name: str
    """Name of the study, and of the folder of its results: letters, digits and '_ . - @ : +'."""
    settings: Annotated[tuple[Setting, ...], Given(tuple[Setting, ...] | Setting)]
    """What the recipes have in common, at each model size. In gin a single one may stand alone."""
    recipes: tuple[Callable[[Setting], Recipe | tuple[Recipe, ...]], ...]
    """Functions that make a recipe, or several, of a setting."""
    seeds: tuple[Seed, ...]
    """Seeds that every recipe is trained with."""
    baseline: str
    """Name of the recipe that the others are compared with."""
    suite: SuiteConfig
    """What every arm is evaluated on."""
    vocabulary: VocabularyConfig
    """The vocabulary of all its models."""
    prepare: PrepareConfig
    """How its corpora become token stores."""
    groups: Annotated[Mapping[str, tuple[str, ...]], Given(Mapping[str, tuple[str, ...] | str])] = (
        dataclasses.field(default_factory=dict)
    )
    """Corpora, or roles of the setting ('language.*' for all that begin so), whose share of the
    tokens is reported, by the name of their group. A group that is named as the source is the main
    axis, else the first one. Empty: one group, named as the source, of all corpora that the recipes
    vary; corpora of the base that they vary are groups of
    their own."""
    published: str = ""
    """Name of a published study whose figures the report shows beside these; empty for none."""
    margin: Share = 0.0
    """Change, as a share of the baseline's score, within which recipes are called equivalent: 0.01
    is one per cent. 0: none is named, and nothing is called equivalent."""
    margins: Mapping[str, Positive] = dataclasses.field(default_factory=dict)
    """Margins of single metrics in their own unit, by key: {'accuracy/reasoning': 0.01} is one
    point. They go before `margin`; an unknown key is refused by the report."""
    analysis: AnalysisPlan = dataclasses.field(default_factory=AnalysisPlan)
    """What is said before the data about how the study will be judged."""
    scale: str = ""
    """Name of the scale, set by the gin file of the scale; part of the folder's name."""

    def __post_init__(self):
        settings = self.settings
        if isinstance(settings, Setting):
            object.__setattr__(self, "settings", (settings,))
        groups = {name: self._corpora(name, value) for name, value in dict(self.groups).items()}
        object.__setattr__(self, "groups", groups)
        require_name("Study.name", self.name)
        if self.scale:
            require_name("Study.scale", self.scale)
        for group in groups:
            require_label("the name of a group in Study.groups", group)
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise UserError(f"Study.seeds = {self.seeds}: give at least one seed, each once.")
        if not self.recipes:
            raise UserError("Study.recipes is empty: give at least one, e.g. (@text_only,).")
        if not self.settings:
            raise UserError("Study.settings is empty: give at least one, e.g. (@Setting(),).")
        sources = dict.fromkeys(setting.source_name for setting in self.settings)
        if len(sources) > 1:
            raise UserError(
                f"the settings of the study vary {' and '.join(map(repr, sources))}: a report has "
                "one main axis. Give all settings one source, or one Setting.source_name."
            )
        require_published(self.published)
        for task in self.analysis.primary_scores:
            if task not in self.suite.tasks:
                where = "task in AnalysisPlan.primary_scores"
                raise unknown_name(where, task, self.suite.tasks)
        names = list(self.recipe_descriptions)
        if self.baseline not in names:
            raise unknown_name("recipe (Study.baseline)", self.baseline, names)
        for model in dict.fromkeys(phase.model for phase in self.phases):
            if self.vocabulary.size > model.vocabulary_size:
                raise UserError(
                    f"the vocabulary has {self.vocabulary.size} entries and "
                    f"ModelConfig.vocabulary_size is {model.vocabulary_size}: raise it."
                )
        require_held_out(self.vocabulary, self.prepare.validation_fraction)
        self._require_seeds_to_differ()
        self._require_placed()

    @property
    def folder(self) -> str:
        """Name of the folder of its results, below `Paths.runs` and behind "study-"."""
        return self.name if self.scale in ("", self.name) else f"{self.name}-{self.scale}"

    @functools.cached_property
    def _recipes(self) -> tuple[tuple[Setting, Recipe], ...]:
        """Every recipe, for each setting and seed."""
        made = []
        for setting in self.settings:
            for seed in self.seeds:
                own = dataclasses.replace(setting, seed=seed)
                recipes = [recipe for make in self.recipes for recipe in _recipes_of(make, own)]
                names = [recipe.name for recipe in recipes]
                if len(set(names)) != len(names):
                    twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
                    raise UserError(
                        f"Study.recipes has several of the name {twice}: each may occur once."
                    )
                made += [(own, recipe) for recipe in recipes]
        return tuple(made)

    def _require_seeds_to_differ(self) -> None:
        """Raises UserError where two seeds of a recipe train the same phases.

        Their runs would count as several of which there is one, and noise as none.
        """
        seeds: dict[tuple[Arm, Phase], int] = {}
        for arm, phase in self.arms.items():
            first = seeds.setdefault((dataclasses.replace(arm, seed=0), phase), arm.seed)
            if first != arm.seed:
                raise UserError(
                    f"recipe {arm.recipe!r} is the same with seed {first} and seed {arm.seed} of "
                    "Study.seeds: it, or its setting, sets the seed itself ('seed', or both "
                    "'initialisation_seed' and 'order_seed'). Leave one of them to the study, or "
                    "give the study one seed."
                )

    @functools.cached_property
    def arms(self) -> Mapping[Arm, Phase]:
        """Every arm, with the last phase of its stage; by size, seed and recipe."""
        arms: dict[Arm, Phase] = {}
        for setting, recipe in self._recipes:
            for stage, phase in recipe.stages.items():
                size = ", ".join(size_parts(phase.model, setting))
                arm = Arm(recipe.name, size, setting.seed, stage)
                if arm in arms:
                    raise UserError(
                        f"two settings of the study have the size {arm.size!r}: give each its own "
                        "Setting.size."
                    )
                arms[arm] = phase
        return arms

    @property
    def phases(self) -> Iterator[Phase]:
        """Every phase of every arm; one that arms share comes with each of them."""
        return (part for phase in self.arms.values() for part in phase.chain)

    @functools.cached_property
    def recipe_descriptions(self) -> Mapping[str, str]:
        """What each recipe does, in a line, by name, in the order of the study."""
        return {recipe.name: recipe.description + _start_of(recipe) for _, recipe in self._recipes}

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, in the order in which recipes first have them."""
        return tuple(dict.fromkeys(arm.stage for arm in self.arms))

    @property
    def models(self) -> Mapping[str, ModelConfig]:
        """The model of each size, the smallest first."""
        models = {arm.size: phase.model for arm, phase in self.arms.items()}
        return dict(sorted(models.items(), key=lambda item: count_parameters(item[1]).total))

    @property
    def size_parts(self) -> Mapping[str, tuple[str, ...]]:
        """The parts of the name of each size: that of the model, and what its setting changes."""
        parts = (
            size_parts(phase.model, setting)
            for setting, recipe in self._recipes
            for phase in recipe.stages.values()
        )
        return {", ".join(each): each for each in parts}

    @functools.cached_property
    def corpora(self) -> tuple[str, ...]:
        """Every corpus that is trained on, or whose bits per byte are measured."""
        trained = {corpus for phase in self.phases for corpus in phase.mixture.active}
        return tuple(sorted(trained | set(self.suite.domains)))

    @functools.cached_property
    def share_groups(self) -> Mapping[str, tuple[str, ...]]:
        """The groups of corpora whose shares are reported: `groups`, or the default one."""
        if self.groups:
            return self.groups
        varied = sorted({corpus for phase in self.phases for corpus in phase.varied})
        if not varied:
            return {}
        if self.settings[0].source is None:
            return {varied[0] if len(varied) == 1 else "varied corpora": tuple(varied)}
        # A corpus of the base that a recipe adds or leaves out is none of the source.
        base = {corpus for setting in self.settings for corpus in setting.base_mixture.active}
        of_source = tuple(corpus for corpus in varied if corpus not in base)
        main = {self.settings[0].source_name: of_source} if of_source else {}
        return main | {corpus: (corpus,) for corpus in varied if corpus in base}

    @property
    def source(self) -> str:
        """The group whose share is the main axis of the report; empty if there is no group."""
        name = self.settings[0].source_name
        return name if name in self.share_groups else next(iter(self.share_groups), "")

    @property
    def configuration(self) -> str:
        """A hash of what is compared and how: tells whether results are of this configuration."""
        arms = [[to_plain(arm), plain_for_configuration(phase)] for arm, phase in self.arms.items()]
        fields = (self.suite, self.vocabulary, self.prepare, self.share_groups, self.published)
        # Of studies without variants the hash is what it was before there were any.
        corpora = (*self.corpora, *self.vocabulary.corpora)
        variants = [to_plain(variant) for variant in registered_variants(corpora)]
        return identity([self.folder, self.baseline, arms, *map(to_plain, fields), *variants])

    def _corpora(self, group: str, names: tuple[str, ...] | str) -> tuple[str, ...]:
        """The corpora of a group, those of roles among them. Raises UserError if it has none."""
        names = (names,) if isinstance(names, str) else names
        if not names or not all(names):
            raise UserError(f"Study.groups[{group!r}] is {names!r}: give at least one corpus.")
        corpora: dict[str, None] = {}
        for name in names:
            played = [
                mixture.active
                for setting in self.settings
                for role, mixture in setting.roles.items()
                if fnmatch.fnmatchcase(role, name)
            ]
            for rates in played or [{name: 1.0}]:
                corpora.update(dict.fromkeys(rates))
        return tuple(corpora)

    def _require_placed(self) -> None:
        """Raises UserError for a corpus of which nobody said whether it is what the study varies.

        Such a corpus comes from a recipe that makes a mixture of its own. Its share would be
        reported as nothing.
        """
        placed = {corpus for group in self.share_groups.values() for corpus in group}
        for setting in self.settings:
            sides = (setting.base, setting.source, setting.cooldown_mixture)
            placed.update(c for side in sides if isinstance(side, Mixture) for c in side.active)
        for arm, phase in self.arms.items():
            for corpus in (c for part in phase.chain for c in part.mixture.active):
                if corpus not in placed:
                    error = UserError(
                        f"recipe {arm.recipe!r} reads {corpus!r}, which stands neither in "
                        "Setting.base nor in Setting.source: say in Study.groups whose share is "
                        f"reported, e.g. {{{self.source or 'new'!r}: ({corpus!r}, ...)}}."
                    )
                    raise naming_roles(error, self.settings[0].roles)


def _recipes_of(
    make: Callable[[Setting], Recipe | tuple[Recipe, ...]], setting: Setting
) -> tuple[Recipe, ...]:
    """What a function makes of a setting, with its docstring where a recipe does not say more."""
    made = make(setting)
    recipes = made if isinstance(made, tuple) else (made,)
    for recipe in recipes:
        if not isinstance(recipe, Recipe):
            name = getattr(make, "__name__", str(make))
            raise UserError(
                f"{name}, in Study.recipes, made {brief(recipe)}: it must return a Recipe, or a "
                "tuple of them."
            )
    text = (inspect.getdoc(make) or "").partition("\n")[0]
    return tuple(
        recipe if recipe.description else dataclasses.replace(recipe, description=text)
        for recipe in recipes
    )


def _start_of(recipe: Recipe) -> str:
    """What has to be said of a recipe that does not start from initialisation; else nothing."""
    first = next(iter(recipe.stages.values())).chain[0]
    return f" (from the weights {first.weights.digest})" if first.weights else ""


@dataclass(frozen=True)
class PhaseGraph:
    """The distinct phases of a study, in an order in which they can be trained."""

    phases: Mapping[str, Phase]
    """Phases by identity; parents before children."""
    parents: Mapping[str, str | None]
    """Identity of the parent, by identity; None: from initialisation."""
    arms: Mapping[Arm, Phase]
    """The last phase of each arm."""
    identities: Mapping[Arm, str]
    """Identity of the last phase of each arm."""

    @classmethod
    def of(
        cls,
        study: Study,
        store_identities: Mapping[str, str],
        store_tokens: Mapping[str, int] = {},
    ) -> "PhaseGraph":
        """Hash of the content and tokens of each corpus' token store, by corpus.

        A store whose tokens are not given is taken for a large one (`phase.describe`).
        """
        phases: dict[str, Phase] = {}
        parents: dict[str, str | None] = {}
        identities = {}
        # By the object: a phase that stages have in common is one, and to hash it takes long.
        known: dict[int, str] = {}
        for arm, phase in study.arms.items():
            for part in phase.chain:
                if id(part) not in known:
                    known[id(part)] = phase_identity(part, store_identities, store_tokens)
            chain = [known[id(part)] for part in phase.chain]
            for name, part in zip(chain, phase.chain, strict=True):
                phases.setdefault(name, part)
            parents |= dict(zip(chain, [None, *chain], strict=False))
            identities[arm] = chain[-1]
        return cls(phases, parents, study.arms, identities)

    def part(self, arms: Collection[Arm]) -> "PhaseGraph":
        """The graph of some of the arms, and of the phases that these need."""
        needed = {identity for arm in arms for identity in self.chain(arm)}
        return PhaseGraph(
            {name: phase for name, phase in self.phases.items() if name in needed},
            {name: parent for name, parent in self.parents.items() if name in needed},
            {arm: phase for arm, phase in self.arms.items() if arm in arms},
            {arm: name for arm, name in self.identities.items() if arm in arms},
        )

    def chain(self, arm: Arm) -> tuple[str, ...]:
        """Identities of all phases of an arm, the first one first."""
        chain: list[str] = []
        name: str | None = self.identities[arm]
        while name is not None:
            chain.insert(0, name)
            name = self.parents[name]
        return tuple(chain)

    @functools.cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """The recipes, with size (where there are several) and seed, that need each phase."""
        several = len({arm.size for arm in self.arms}) > 1
        users: dict[str, dict[str, None]] = {name: {} for name in self.phases}
        for arm in self.arms:
            size = f"{arm.size}/" if several else ""
            for name in self.chain(arm):
                users[name].setdefault(f"{arm.recipe}/{size}{arm.seed}")
        return {name: tuple(found) for name, found in users.items()}

    @functools.cached_property
    def labels(self) -> Mapping[str, str]:
        """Begin of the name of each phase's run: the first arm that needs it, with its size (where
        there are several), the phase's own name, and the seed."""
        several = len({arm.size for arm in self.arms}) > 1
        labels: dict[str, str] = {}
        for arm in self.arms:
            size = [arm.size] if several else []
            for name in self.chain(arm):
                parts = (arm.recipe, *size, self.phases[name].name, f"seed{arm.seed}")
                labels.setdefault(name, "-".join(map(file_part, parts)))
        return labels

    @property
    def evaluated(self) -> dict[str, Phase]:
        """The phases whose results are evaluated, by identity."""
        return {self.identities[arm]: phase for arm, phase in self.arms.items()}
