"""Wall and CPU time of a study's training: phases one after another, and beside each other.

    python -m benchmarks.fleet                         # the demo's phases; minutes for each side
    python -m benchmarks.fleet --phases 6 --repeats 3

Both sides train the same phases, from initialisation to cooldown, on token stores of random
documents, in a new process without a compile cache: start, compilation, checkpoints and metrics are
in the time. They end with the same bits, or the benchmark ends with an error.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.stores import make_stores, open_stores
from code_ablate import config
from code_ablate.data.store import Stores
from code_ablate.errors import Failed
from code_ablate.study.executor import Trainer, execute
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.trainers import InProcesses, OneByOne
from code_ablate.training.execution import Execution
from code_ablate.training.member import Surroundings
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.workers import Workers, available_cores

CORPUS_TOKENS = 200_000


def main(argv: list[str] | None = None) -> None:
    """Runs both sides by turns, and reports their times."""
    flags = measure.parser(__doc__, repeats=3)
    flags.add_argument("--study", default="demo")
    flags.add_argument(
        "--phases", type=int, help="number of phases, the first ones of the study; default: all"
    )
    flags.add_argument("--members", type=int, help="default: one for each core")
    flags.add_argument("--bind", action="append", default=[], help="gin binding; again for more")
    options = flags.parse_args(argv)
    members = options.members or len(available_cores())

    with tempfile.TemporaryDirectory() as folder:
        sides = {"one_by_one": 1, "fleet": members}
        taken: dict[str, list[dict]] = {name: [] for name in sides}
        for repeat in range(options.repeats):
            for name, at_once in sides.items():
                arguments = {
                    "folder": folder,
                    "runs": f"{folder}/{name}-{repeat}",
                    "study": options.study,
                    "bindings": options.bind,
                    "phases": options.phases,
                    "members": at_once,
                }
                taken[name].append(_train(arguments))
                measure.say(f"{name}: {taken[name][-1]['seconds']}")
    first, *others = (side["fingerprints"] for turns in taken.values() for side in turns)
    if any(other != first for other in others):
        raise Failed("the two sides have not trained the same models.")
    figures = {}
    for part in ("seconds", "cpu_seconds"):
        one, fleet = ([side[part] for side in taken[name]] for name in sides)
        figures[part] = {"one_by_one": measure.spread(one), "fleet": measure.spread(fleet)}
        figures[f"{part}_ratio"] = measure.ratios(fleet, one)
    measure.report(
        "fleet",
        {
            "what": "training of a study's phases, one after another and beside each other",
            "study": options.study,
            "phases": len(first),
            "tokens": taken["fleet"][0]["tokens"],
            "members": members,
            **figures,
        },
        repeats=options.repeats,
    )


def _train(arguments: dict) -> dict:
    """What a process that trains has to say."""
    without_cache = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    command = [sys.executable, "-m", "benchmarks.child", "train_study", json.dumps(arguments)]
    child = subprocess.run(command, env=without_cache, capture_output=True, text=True)
    if child.returncode:
        raise Failed(f"a process that was to train has failed:\n{child.stderr[-2000:]}")
    return json.loads(child.stdout.splitlines()[-1])


def train_study(
    folder: str, runs: str, study: str, bindings: list[str], phases: int | None, members: int
) -> dict:
    """Trains the first phases of a study. In a new process: all that it does is in the times."""
    made = config.load_study(study, bindings=bindings, looks_only=True)
    stores = _stores(Path(folder) / "stores", made.corpora, made.vocabulary.size)
    whole = PhaseGraph.of(made, stores.identities, stores.tokens)
    kept = dict(list(whole.phases.items())[:phases])
    graph = PhaseGraph(kept, whole.parents, arms={}, identities={})
    directories = {name: RunDirectory.of(runs, phase, name) for name, phase in kept.items()}
    surroundings = Surroundings(stores, Execution(loop=config.make("LoopConfig")))

    begin, before = time.perf_counter(), sum(os.times()[:4])
    if members == 1:
        measure.train_on_cpu_as_the_commands_do()
        _execute(graph, OneByOne(directories, surroundings))
    else:
        with Workers(members, surroundings) as workers:
            _execute(graph, InProcesses(directories, workers, members))
    seconds, cpu_seconds = time.perf_counter() - begin, sum(os.times()[:4]) - before
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,  # of processes that have ended, too
        "tokens": sum(phase.realised_tokens for phase in kept.values()),
        "fingerprints": [run.status["fingerprint"] for run in directories.values()],
    }


def _execute(graph: PhaseGraph, trainer: Trainer) -> None:
    execute(graph, trainer, evaluate=lambda work: None)


def _stores(folder: Path, names: tuple[str, ...], vocabulary: int) -> Stores:
    """A store for each corpus; made by the first process that asks."""
    if not folder.exists():
        make_stores(folder, corpora=len(names), tokens=CORPUS_TOKENS, vocabulary=vocabulary)
    return Stores(dict(zip(names, open_stores(folder).values(), strict=True)))


if __name__ == "__main__":
    measure.command(main)
