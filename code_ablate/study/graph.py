"""A study, its arms, and the graph of their phases, in which equal phases are trained once.

graph = PhaseGraph.of(study, store_identities)
for identity, phase in graph.phases.items(): ...      # parents come before their children
graph.arms                                            # recipe x seed x stage -> identity
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import identity, to_plain
from code_ablate.study.recipes import Recipe, Setting
from code_ablate.training.phase import Phase, phase_identity


@dataclass(frozen=True)
class Study:
    """Recipes x seeds, with an evaluation suite."""

    name: str
    setting: Setting
    recipes: tuple[Callable[[Setting], Recipe], ...]
    """Functions that make a recipe of a setting."""
    seeds: tuple[int, ...]
    baseline: str
    """Name of the recipe that the others are compared with."""
    suite: SuiteConfig
    vocabulary: VocabularyConfig
    prepare: PrepareConfig

    def __post_init__(self):
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise UserError(f"Study.seeds = {self.seeds}: give at least one seed, each once.")
        if not self.recipes:
            raise UserError("Study.recipes is empty: give at least one, e.g. (@text_only,).")
        names = [recipe.name for recipe in self.recipes_of(self.seeds[0])]
        if len(set(names)) != len(names):
            raise UserError(f"Study.recipes have the names {names}: each may occur once.")
        if self.baseline not in names:
            raise unknown_name("recipe (Study.baseline)", self.baseline, names)
        if self.vocabulary.size > self.setting.model.vocabulary_size:
            raise UserError(
                f"the vocabulary has {self.vocabulary.size} entries and "
                f"ModelConfig.vocabulary_size is {self.setting.model.vocabulary_size}: raise it."
            )

    def recipes_of(self, seed: int) -> list[Recipe]:
        """Every recipe with this seed."""
        setting = dataclasses.replace(self.setting, seed=seed)
        return [make(setting) for make in self.recipes]

    @property
    def configuration(self) -> str:
        """A hash of what is compared and how: tells whether results are of this configuration."""
        phases = [
            to_plain(phase)
            for seed in self.seeds
            for recipe in self.recipes_of(seed)
            for phase in recipe.stages.values()
        ]
        settings = (self.suite, self.vocabulary, self.prepare)
        return identity([self.name, self.baseline, phases, *map(to_plain, settings)])

    @property
    def corpora(self) -> tuple[str, ...]:
        """Every corpus that is trained on, or whose bits per byte are measured."""
        trained = {
            corpus
            for recipe in self.recipes_of(self.seeds[0])
            for stage in recipe.stages.values()
            for phase in stage.chain
            for corpus in phase.mixture.active
        }
        return tuple(sorted(trained | set(self.suite.domains)))


@dataclass(frozen=True)
class Arm:
    """One row of the comparison: a recipe with a seed, at a stage."""

    recipe: str
    seed: int
    stage: str
    phase: Phase
    identity: str


@dataclass(frozen=True)
class PhaseGraph:
    """The distinct phases of a study, in an order in which they can be trained."""

    phases: Mapping[str, Phase]
    """By identity; parents before children."""
    parents: Mapping[str, str | None]
    """Identity of the parent, by identity."""
    arms: tuple[Arm, ...]

    @classmethod
    def of(cls, study: Study, store_identities: Mapping[str, str]) -> "PhaseGraph":
        """`store_identities`: identity of each corpus' token store, by corpus."""
        phases: dict[str, Phase] = {}
        parents: dict[str, str | None] = {}
        arms = []
        for seed in study.seeds:
            for recipe in study.recipes_of(seed):
                for stage, last in recipe.stages.items():
                    names = [phase_identity(phase, store_identities) for phase in last.chain]
                    phases |= {n: phases.get(n, p) for n, p in zip(names, last.chain, strict=True)}
                    parents |= dict(zip(names, [None, *names], strict=False))
                    arms.append(Arm(recipe.name, seed, stage, last, names[-1]))
        return cls(phases, parents, tuple(arms))

    def users(self, identity: str) -> list[str]:
        """Names of the recipes (with seed) that need this phase."""
        users: dict[str, None] = {}
        for arm in self.arms:
            name: str | None = arm.identity
            while name is not None:
                if name == identity:
                    users.setdefault(f"{arm.recipe}/{arm.seed}")
                name = self.parents[name]
        return list(users)

    @property
    def evaluated(self) -> dict[str, Phase]:
        """The phases whose results are evaluated, by identity."""
        return {arm.identity: arm.phase for arm in self.arms}
