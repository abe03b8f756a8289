"""Runs a study: prepares, trains each distinct phase once, evaluates, and writes the results table.

    outcome = run_study(study, workspace, hardware, execution=Execution())
    outcome / "results.parquet"; outcome / "study.json"

Everything that is finished is kept and found again by its identity, so the same call goes on where
an interrupted one stopped.
"""

import datetime
import json
import os
import platform
from collections.abc import Mapping

import jax
import pandas as pd
from etils import epath

import code_ablate
from code_ablate import distributed, storage
from code_ablate.data.registry import resolve_mixture
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation.declarations import category_of
from code_ablate.evaluation.suite import Suite, SuiteResult
from code_ablate.identity import to_plain
from code_ablate.jobs.evaluate import evaluate_checkpoint, records_of
from code_ablate.jobs.workspace import Workspace
from code_ablate.model.flops import count_parameters
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.plan import Hardware, make_plan, realised_share, requested_share
from code_ablate.training.execution import Execution
from code_ablate.training.loop import train
from code_ablate.training.phase import corpus_usage
from code_ablate.training.rundir import RunDirectory


def run_study(
    study: Study,
    workspace: Workspace,
    hardware: Hardware,
    *,
    execution: Execution,
    operative_gin: str = "",
) -> epath.Path:
    """Returns the folder with study.json and results.parquet. Raises UserError, Interrupted."""
    # Everything that can be wrong is found before the first step of training.
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(study.corpora, vocabulary, study.prepare)
    plan = make_plan(study, stores, hardware, workspace.paths.runs)
    if distributed.is_first():
        print(plan, flush=True)
    plan.refuse_if_impossible()
    suite = Suite.of(study.suite, vocabulary, stores, study.setting.seq_len)
    graph = PhaseGraph.of(study, {name: s.manifest.identity for name, s in stores.items()})
    runs = {
        identity: RunDirectory.of(workspace.paths.runs, phase, identity)
        for identity, phase in graph.phases.items()
    }
    suite = suite.prepared(
        [records_of(runs[identity], phase.steps) for identity, phase in graph.evaluated.items()]
    )
    if distributed.is_first():
        for task, reason in suite.missing.items():
            print(f"missing: {task}: {reason}", flush=True)
    for number, (identity, phase) in enumerate(graph.phases.items(), 1):
        label = f"[{number}/{len(runs)}] {phase.name} {phase.mixture} seed {phase.seed}"
        parent = graph.parents[identity]
        train(
            phase,
            stores,
            runs[identity],
            parent=runs[parent] if parent else None,
            execution=execution,
            operative_gin=operative_gin,
            label=label,
        )
        if identity in graph.evaluated:
            progress = f"[{number}/{len(runs)}]"
            evaluate_checkpoint(runs[identity], suite, execution.mesh, phase.steps, progress)
    if distributed.is_first():
        write_results(study, graph, runs, suite, stores, vocabulary, workspace)
    return workspace.paths.study(study.name)


def write_results(
    study: Study,
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    suite: Suite,
    stores: Mapping[str, TokenStore],
    vocabulary: Vocabulary,
    workspace: Workspace,
) -> epath.Path:
    """Joins the scores of all arms into one tidy table, and writes what is needed to read it."""
    directory = workspace.paths.study(study.name)
    directory.mkdir(parents=True, exist_ok=True)
    results, tables = [], []
    for arm in graph.arms:
        result = suite.result(records_of(runs[arm.identity], arm.phase.steps))
        if result is None:
            raise UserError(f"phase {arm.identity} is not evaluated yet: run the study.")
        keys = {"recipe": arm.recipe, "seed": arm.seed, "stage": arm.stage, "phase": arm.identity}
        results.append(result)
        tables.append(result.items.assign(**keys))
    table = pd.concat(tables, ignore_index=True)
    description = {
        **_describe(study, graph, runs, stores, vocabulary),
        "suite": suite.identity,
        "tasks": _describe_tasks(results),
        "missing": [
            {"task": name, "category": category_of(name), "reason": reason}
            for name, reason in suite.missing.items()
        ],
    }
    # The description goes first and comes last: a kill in between leaves none that does not fit.
    (directory / "study.json").unlink(missing_ok=True)
    storage.replace(directory / "results.parquet", table.to_parquet(index=False))
    storage.replace(directory / "study.json", json.dumps(description, indent=1))
    return directory


def _describe(study: Study, graph, runs, stores, vocabulary) -> dict:
    """study.json: everything that the report says besides the scores."""
    setting, parameters = study.setting, count_parameters(study.setting.model)
    code = tuple(resolve_mixture(setting.code).active)
    windows = {corpus: store.num_windows(setting.seq_len) for corpus, store in stores.items()}
    recipes = study.recipes_of(study.seeds[0])
    now = datetime.datetime.now(datetime.UTC)
    return {
        "name": study.name,
        "configuration": study.configuration,
        "baseline": study.baseline,
        "version": code_ablate.__version__,
        "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": {
            "device": jax.devices()[0].device_kind,
            "devices": jax.device_count(),
            "cores": os.cpu_count(),
            "jax": jax.__version__,
            "python": platform.python_version(),
        },
        "model": {
            "parameters": parameters.total,
            "embedding_parameters": parameters.embedding,
            "config": to_plain(setting.model),
        },
        "vocabulary": vocabulary.info,
        "seq_len": setting.seq_len,
        "tokens": setting.tokens,
        "cooldown_tokens": setting.cooldown_tokens,
        "seeds": list(study.seeds),
        "code_corpora": list(code),
        "recipes": [
            {
                "name": recipe.name,
                "doc": (make.__doc__ or "").partition("\n")[0],
                "sweep": recipe.pretrained.parent is None,
                "requested_code_share": requested_share(recipe.pretrained, code),
            }
            for make, recipe in zip(study.recipes, recipes, strict=True)
        ],
        "arms": [_describe_arm(arm, graph, runs, windows, code) for arm in graph.arms],
        "phases": {
            identity: {
                "name": phase.name,
                "mixture": str(phase.mixture),
                "tokens": phase.realised_tokens,
                "seconds": runs[identity].status["seconds"],
                "arms": len(graph.users(identity)),
                "parent": graph.parents[identity],
            }
            for identity, phase in graph.phases.items()
        },
        "stores": {corpus: _describe_store(store) for corpus, store in stores.items()},
    }


def _describe_tasks(results: list[SuiteResult]) -> dict:
    """What the suite says about each task, with the notes on every arm's scores."""
    tasks = {}
    for name, about in results[0].tasks.items():
        notes = [note for result in results for note in result.tasks[name].get("notes", ())]
        tasks[name] = {**about, "notes": list(dict.fromkeys(notes))}
    return tasks


def _describe_arm(arm, graph: PhaseGraph, runs, windows, code: tuple[str, ...]) -> dict:
    chain: list[str] = []
    identity: str | None = arm.identity
    while identity is not None:
        chain.insert(0, identity)
        identity = graph.parents[identity]
    return {
        "recipe": arm.recipe,
        "seed": arm.seed,
        "stage": arm.stage,
        "phase": arm.identity,
        "phases": chain,
        "code_share": realised_share(arm.phase, windows, code),
        "tokens": sum(phase.realised_tokens for phase in arm.phase.chain),
        "seconds": sum(runs[name].status["seconds"] for name in chain),
        "final_loss": runs[arm.identity].status["final_loss"],
        "corpora": corpus_usage(arm.phase, windows),
    }


def _describe_store(store: TokenStore) -> dict:
    manifest = store.manifest
    train_split, validation = manifest.splits["train"], manifest.splits["validation"]
    return {
        "identity": manifest.identity,
        "documents": train_split["documents"],
        "bytes": train_split["bytes"],
        "tokens": train_split["tokens"],
        "validation_documents": validation["documents"],
        "dropped": dict(manifest.dropped),
    }
