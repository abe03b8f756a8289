"""What a finished study says about itself: the values of study.json, from its graph and runs.

    record = describe_study(study, graph, runs, stores, vocabulary, suites, results, digest)
    storage.replace(directory / "study.json", record.to_json())

Every figure of an arm or phase is computed from its own chain of phases: mixture, model, tokens,
sequence length.
"""

import dataclasses
import datetime
import os
import platform
from collections.abc import Iterable, Mapping

import jax

import code_ablate
from code_ablate.analysis.results.arm import Arm
from code_ablate.analysis.results.study_record import (
    ArmRecord,
    MachineRecord,
    MissingTask,
    PhaseRecord,
    RecipeRecord,
    SizeRecord,
    StoreRecord,
    StudyRecord,
    StudyVocabulary,
    TaskRecord,
)
from code_ablate.data.funnel import funnel
from code_ablate.data.mixing import CorpusUse
from code_ablate.data.preparing import contamination_record
from code_ablate.data.store import Stores, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.evaluation.declarations import category_of
from code_ablate.evaluation.suite import Suite, SuiteResult
from code_ablate.identity import identity, to_plain
from code_ablate.model.flops import count_parameters
from code_ablate.source_commit import source_commit
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.plan import phase_sizes, requested_shares, training_flops
from code_ablate.training.phase import Phase, plain_for_configuration
from code_ablate.training.reading import corpus_usage
from code_ablate.training.rundir import RunDirectory


def describe_study(
    study: Study,
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    stores: Stores,
    vocabulary: Vocabulary,
    suites: Iterable[Suite],
    results: Iterable[SuiteResult],
    results_digest: str,
    arguments: tuple[str, ...] = (),
    checkpoints_digest: str = "",
) -> StudyRecord:
    """`runs` by identity of the phase; `results` of every arm; the digests of the two tables;
    `arguments` of the command."""
    now = datetime.datetime.now(datetime.UTC)
    suites = list(suites)
    missing = {name: why for suite in suites for name, why in suite.missing.items()}
    return StudyRecord(
        name=study.name,
        scale=study.scale,
        configuration=study.configuration,
        published=study.published,
        baseline=study.baseline,
        base=study.settings[0].base_name,
        source=study.source,
        groups=study.share_groups,
        version=code_ablate.__version__,
        created=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine=_machine(),
        vocabulary=StudyVocabulary(**vocabulary.info),
        seeds=tuple(study.seeds),
        stages=study.stages,
        sizes=tuple(_sizes(study)),
        recipes=tuple(RecipeRecord(*item) for item in study.recipe_descriptions.items()),
        arms=tuple(_describe_arm(arm, study, graph, runs, stores) for arm in graph.arms),
        phases=_describe_phases(study, graph, runs),
        suite=identity([suite.identity for suite in suites]),
        tasks=_describe_tasks(results),
        missing=tuple(MissingTask(name, category_of(name), why) for name, why in missing.items()),
        stores={corpus: _describe_store(store) for corpus, store in stores.items()},
        results_digest=results_digest,
        margin=study.margin,
        margins=study.margins,
        primary_scores=study.analysis.primary_scores,
        checkpoints_digest=checkpoints_digest,
        arguments=arguments,
        commit=source_commit(),
    )


def _machine() -> MachineRecord:
    return MachineRecord(
        device=jax.devices()[0].device_kind,
        devices=jax.device_count(),
        cores=os.cpu_count() or 1,
        jax=jax.__version__,
        python=platform.python_version(),
    )


def _sizes(study: Study) -> Iterable[SizeRecord]:
    for name, model in study.models.items():
        count = count_parameters(model)
        lengths = {phase.seq_len for arm, phase in study.arms.items() if arm.size == name}
        yield SizeRecord(
            name,
            count.total,
            count.embedding,
            to_plain(model),
            tuple(sorted(lengths)),
            study.size_parts[name],
        )


def _describe_arm(
    arm: Arm,
    study: Study,
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    stores: Stores,
) -> ArmRecord:
    phase, chain = graph.arms[arm], graph.chain(arm)
    corpora = corpus_usage(phase, stores)
    return ArmRecord(
        arm=arm,
        phase=chain[-1],
        phases=chain,
        requested_shares=requested_shares(phase, study.share_groups),
        shares=realised_shares(corpora, study.share_groups),
        tokens=sum(part.realised_tokens for part in phase.chain),
        seconds=sum(runs[name].status["seconds"] for name in chain),
        flops=sum(training_flops(part) for part in phase.chain),
        final_loss=runs[chain[-1]].status["final_loss"],
        corpora=corpora,
        initialisation_seed=None if phase.chain[0].weights else phase.seed_of_parameters,
        order_seed=phase.seed,
        seedless=identity(plain_for_configuration(_without_seeds(phase))),
    )


def _without_seeds(phase: Phase) -> Phase:
    parent = _without_seeds(phase.parent) if phase.parent else None
    return dataclasses.replace(phase, seed=0, initialisation_seed=None, parent=parent)


def realised_shares(
    corpora: Mapping[str, CorpusUse], groups: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """Share of the tokens that came from each group of corpora, 0 to 1."""
    tokens = sum(use.tokens for use in corpora.values())
    return {
        name: sum(corpora[corpus].tokens for corpus in group if corpus in corpora) / tokens
        for name, group in groups.items()
    }


def _describe_phases(
    study: Study, graph: PhaseGraph, runs: Mapping[str, RunDirectory]
) -> dict[str, PhaseRecord]:
    sizes, groups = phase_sizes(graph), study.share_groups
    return {
        name: PhaseRecord(
            name=phase.name,
            mixture=str(phase.mixture),
            shares={group: phase.mixture.share_of(corpora) for group, corpora in groups.items()},
            size=sizes[name],
            tokens=phase.realised_tokens,
            seconds=runs[name].status["seconds"],
            flops=training_flops(phase),
            arms=len(graph.users[name]),
            parent=graph.parents[name],
            commits=runs[name].config["commits"],
        )
        for name, phase in graph.phases.items()
    }


def _describe_tasks(results: Iterable[SuiteResult]) -> dict[str, TaskRecord]:
    """What the suite says about each task, with the notes on every arm's scores."""
    tasks: dict[str, TaskRecord] = {}
    known = set(TaskRecord.__dataclass_fields__)
    notes: dict[str, dict[str, None]] = {}
    metrics: dict[str, tuple[str, ...]] = {}
    identities: dict[str, set[str]] = {}
    for result in results:
        for name, facts in result.tasks.items():
            identities.setdefault(name, set()).add(facts["identity"])
            notes.setdefault(name, {}).update(dict.fromkeys(facts.get("notes", ())))
            of_arm = tuple(facts.get("own_metrics", ()))
            metrics[name] = tuple(m for m in metrics.get(name, of_arm) if m in of_arm)
            fields = {key: value for key, value in facts.items() if key in known}
            fields |= {"name": name, "notes": tuple(notes[name]), "own_metrics": metrics[name]}
            fields["identities"] = tuple(sorted(identities[name]))
            tasks[name] = TaskRecord(**fields)
    return tasks


def _describe_store(store: TokenStore) -> StoreRecord:
    manifest, found = store.manifest, contamination_record.read(store)
    tasks = tuple(found.tasks) if found else ()
    items = {task: tuple(sorted(found.items_found(task))) for task in tasks} if found else {}
    train_split, validation = manifest.splits["train"], manifest.splits["validation"]
    return StoreRecord(
        identity=manifest.identity,
        documents=train_split["documents"],
        bytes=train_split["bytes"],
        tokens=train_split["tokens"],
        validation_documents=validation["documents"],
        funnel=funnel(manifest),
        searched_tasks=tasks,
        contaminated={task: names for task, names in items.items() if names},
    )
