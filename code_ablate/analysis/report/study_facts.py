"""What several studies share, and what differs between them.

for fact in study_facts(studies):
    fact.name, fact.is_shared, fact.values      # "Vocabulary", True, {"a": ..., "b": ...}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from code_ablate.analysis.report.phrases import number_range
from code_ablate.analysis.results.results import Results
from code_ablate.analysis.results.several import SeveralStudies


@dataclass(frozen=True)
class Fact:
    """One thing that holds of every study, alike or not."""

    name: str
    """What it is."""
    values: Mapping[str, str]
    """What it is in each study, by the study's name."""
    is_shared: bool
    """Whether it is the same in all, in every detail that the records have."""


def study_facts(studies: SeveralStudies) -> tuple[Fact, ...]:
    """Facts by name: what was compared, of what models, on which data, by which measure."""
    return (
        _fact(studies, "Varied", lambda r: f"{r.record.source}, mixed into {r.record.base}"),
        _fact(studies, "Baseline", lambda r: r.record.baseline),
        _fact(studies, "Recipes", lambda r: ", ".join(x.name for x in r.record.recipes)),
        _fact(studies, "Models", _models, lambda r: [s.config for s in r.sizes]),
        _fact(studies, "Tokens", lambda r: number_range(arm.tokens for arm in r.last_arms)),
        _fact(studies, "Seeds", lambda r: ", ".join(map(str, r.record.seeds))),
        _fact(studies, "Stages", lambda r: ", ".join(r.record.stages)),
        _corpora(studies),
        _fact(studies, "Vocabulary", _vocabulary, lambda r: r.record.vocabulary.digest),
        _fact(studies, "Evaluation suite", lambda r: r.record.suite),
        _fact(studies, "Version", lambda r: r.record.version),
        _fact(studies, "Machine", _machine),
    )


def _fact(
    studies: SeveralStudies,
    name: str,
    told: Callable[[Results], str],
    exact: Callable[[Results], object] | None = None,
) -> Fact:
    """`exact`: what has to be equal for the fact to be shared; None: what is told."""
    values = {study: told(results) for study, results in studies.results.items()}
    known = [(exact or told)(results) for results in studies.results.values()]
    return Fact(name, values, all(value == known[0] for value in known))


def _models(results: Results) -> str:
    sizes = {(size.name, size.parameters) for size in results.sizes}
    return ", ".join(f"{name} ({count:,} parameters)" for name, count in sorted(sizes))


def _vocabulary(results: Results) -> str:
    vocabulary = results.record.vocabulary
    return f"{vocabulary.name}, {vocabulary.size:,} entries"


def _machine(results: Results) -> str:
    machine = results.record.machine
    return f"{machine.devices} × {machine.device}, jax {machine.jax}"


def _corpora(studies: SeveralStudies) -> Fact:
    """Corpora, and whether those of one name are the same documents."""
    stores = {name: results.record.stores for name, results in studies.results.items()}
    identities: dict[str, set[str]] = {}
    for own in stores.values():
        for corpus, store in own.items():
            identities.setdefault(corpus, set()).add(store.identity)
    other = {corpus for corpus, found in identities.items() if len(found) > 1}
    values = {
        study: ", ".join(f"{c} (other documents)" if c in other else c for c in sorted(own))
        for study, own in stores.items()
    }
    alike = not other and all(own.keys() == identities.keys() for own in stores.values())
    return Fact("Corpora", values, alike)


def shared_phases(studies: SeveralStudies) -> int:
    """Distinct phases that all studies have: equal ones are trained once."""
    return len(set.intersection(*(set(r.record.phases) for r in studies.results.values())))
