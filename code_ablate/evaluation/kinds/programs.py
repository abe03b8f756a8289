"""Generated programs that are run against tests: pass@k.

    rows = EvaluationSet("puzzles", file="puzzles.jsonl", fields=("prompt", "tests"), form="text")
    add_task("my.puzzles", rows, lambda row: row["prompt"], problem, category="code",
             sampling=Sampling(max_tokens=512, stop=("\\nclass",)))
    with Sandbox() as sandbox:
        items = score_items(problems, samples, sandbox)    # one row per item
    means(items)["pass@1"]

`prompt` and `problem` map a row to the text before the generated one, and to a `Problem`. A Task's
targets are its problems; what the model writes is put together with them and run in the sandbox.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from etils import epy

from code_ablate import distributed
from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation import few_shot
from code_ablate.evaluation.declarations import TaskInfo, declare, sampling_settings
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Kind, Outcome
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sandbox import SEMANTICS, STATUSES, Limits, Program, Sandbox
from code_ablate.identity import to_plain

with epy.lazy_imports():  # facts of the kinds are read where these are not installed
    import pandas as pd
    import seqio
    import tensorflow as tf

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask
    from code_ablate.evaluation.suite_config import SuiteConfig

REPORTED = (10, 100)
"""The k of pass@k that are given beside pass@1, as far as there are samples."""


@dataclass(frozen=True)
class Problem:
    """One item: what a completion needs around it to be run and judged."""

    item: str
    """Id of the item."""

    tests: str
    """Python statements that raise where the code is wrong, see `sandbox.Program`."""

    functions: tuple[str, ...]
    """Names in the program that the tests use."""

    setup: str = ""
    """Trusted code that is run before the tests, for what else they call."""

    beginning: str = ""
    """Code before the completion: the prompt, where the completion goes on with a function."""

    solution: str = ""
    """A completion that should pass; "" if none is known. What operators its classes define is what
    the tests may use between a program's objects and plain values."""

    def __post_init__(self):
        self.program("")  # refuses tests that cannot be run before a model writes anything

    def program(self, completion: str) -> Program:
        """The completion, with what belongs to it."""
        return Program(
            code=self.beginning + completion,
            tests=self.tests,
            functions=self.functions,
            setup=self.setup,
            operators=defined_operators(self.beginning + self.solution) if self.solution else (),
        )


Prompt = Callable[[Mapping[str, str]], str]
MakeProblem = Callable[[Mapping[str, str]], Problem]


def used_functions(tests: str, solution: str) -> tuple[str, ...]:
    """The names that the tests use and a solution defines, in alphabetical order.

    So a solution's `sum` is called where the tests say `sum`, but their `set` is Python's own. A
    global that the tests assign is the solution's if one of its functions refers to it.
    """
    used: set[str] = set()
    own: set[str] = set()
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
    defined, state = _defined_names(solution)
    return tuple(sorted((used - own) & defined | own & state))


def _defined_names(solution: str) -> tuple[set[str], set[str]]:
    """The global names of a solution; and those among them that hold a value which its functions
    refer to."""
    defined: set[str] = set()
    values: set[str] = set()
    referred: set[str] = set()
    for statement in ast.parse(solution).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(statement.name)
            inner = list(ast.walk(statement))
            referred |= {node.id for node in inner if isinstance(node, ast.Name)}
            values |= {n for node in inner if isinstance(node, ast.Global) for n in node.names}
        else:
            nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            values |= {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return defined | values, values & referred


@functools.lru_cache(maxsize=4096)
def defined_operators(solution: str) -> tuple[str, ...]:
    """The special methods that the classes of a solution define, in alphabetical order.

    Raises UserError for a solution that is no Python.
    """
    try:
        tree = ast.parse(solution)
    except SyntaxError as error:
        raise UserError(f"this solution is no Python ({error}):\n{solution[:500]}") from None
    names: set[str] = set()
    for node in ast.walk(tree):
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(statement, ast.FunctionDef):
                names.add(statement.name)
            elif isinstance(statement, ast.Assign):
                names |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
    return tuple(sorted(name for name in names if re.fullmatch("__[a-z]+__", name)))


def add_task(
    name: str,
    source: seqio.DataSource,
    prompt: Prompt,
    problem: MakeProblem,
    *,
    category: str,
    sampling: Sampling,
    convention: str = "",
) -> seqio.Task:
    """Registers a Task with SeqIO, and what the suite has to know about it.

    Its rows have strings alone; `prompt` and `problem` are called on them in Python.
    """

    def texts(dataset: tf.data.Dataset) -> tf.data.Dataset:
        def formatted(row):
            names = sorted(row)

            def in_python(*values):
                row = {name: value.decode() for name, value in zip(names, values, strict=True)}
                return prompt(row), problem(row).solution

            both = tf.numpy_function(in_python, [row[name] for name in names], [tf.string] * 2)
            inputs, targets = (tf.ensure_shape(text, []) for text in both)
            return {
                **{f"row/{name}": row[name] for name in names},
                "inputs": inputs,
                "targets": targets,
            }

        return dataset.map(formatted)

    def postprocess(target: Any, example: Mapping[str, Any] | None = None, is_target=False) -> Any:
        """The `Problem` of an example; what was generated passes."""
        if not is_target or example is None:
            return target
        row = {
            key.removeprefix("row/"): bytes(value).decode()
            for key, value in example.items()
            if key.startswith("row/")
        }
        return problem(row)

    declare(name, TaskInfo(category, KIND, convention=convention, sampling=sampling))
    return seqio.TaskRegistry.add(
        name,
        source=source,
        preprocessors=(texts, seqio.preprocessors.tokenize),
        output_features=few_shot.evaluation_features(),
        postprocess_fn=postprocess,
        metric_fns=[pass_at_1],
    )


def pass_at_k(samples: int, passed: int, k: int) -> float:
    """The unbiased estimate of the probability that one of k samples passes.

    1 - C(n-c, k) / C(n, k) with n samples of which c passed: Chen et al. 2021 (arXiv 2107.03374),
    section 2.1. Raises UserError for k > n, of which nothing can be said.
    """
    if not 0 <= passed <= samples:
        raise ValueError(f"{passed} of {samples} samples passed?")
    if not 1 <= k <= samples:
        raise UserError(
            f"pass@{k} cannot be estimated from {samples} samples per item: draw {k} or more "
            "(Sampling.samples), or ask for a k of 1 or more that is not greater."
        )
    # The product runs over the denominators n-c+1 .. n; it is empty, and pass@k 0, where c is 0.
    return float(1 - np.prod(1 - k / np.arange(samples - passed + 1, samples + 1)))


def score_items(
    problems: Sequence[Problem],
    samples: Sequence[Sequence[str]],
    sandbox: Sandbox,
    advance: Callable[[int], object] = lambda n: None,
) -> pd.DataFrame:
    """Runs all samples; one row per item, in the order of the problems.

    Columns: item; correct (the share of the samples that passed: pass@1); pass@10 and pass@100, if
    every item has that many samples; samples; one column for each of `sandbox.STATUSES` with the
    number of samples that had it; prediction (the first sample); isolation (what isolated the
    programs). `advance` is called with the number of samples that were done.
    """
    if len(problems) != len(samples):
        raise ValueError(f"{len(problems)} problems, but samples for {len(samples)}.")
    for problem, texts in zip(problems, samples, strict=True):
        if not texts:
            raise ValueError(f"item {problem.item!r} has no samples.")
    programs = [
        problem.program(text)
        for problem, texts in zip(problems, samples, strict=True)
        for text in texts
    ]
    fewest = min(map(len, samples), default=0)
    outcomes = iter(sandbox.run(programs, advance))
    rows = []
    for problem, texts in zip(problems, samples, strict=True):
        mine = [next(outcomes) for _ in texts]
        counts = {name: sum(outcome.status == name for outcome in mine) for name in STATUSES}
        rows.append(
            {
                "item": problem.item,
                "correct": counts["passed"] / len(mine),
                **{
                    f"pass@{k}": pass_at_k(len(mine), counts["passed"], k)
                    for k in REPORTED
                    if k <= fewest
                },
                "samples": len(mine),
                **counts,
                "prediction": texts[0],
                "isolation": mine[0].isolation,
            }
        )
    return pd.DataFrame(rows)


def means(items: pd.DataFrame) -> dict[str, float]:
    """pass@k over the items, as a fraction of 1: pass@1, and each other that the items have."""
    others = [column for column in items if column.startswith("pass@")]
    return {
        "pass@1": float(items["correct"].mean()),
        **{name: float(items[name].mean()) for name in others},
    }


def pass_at_1(targets: Sequence[Problem], predictions: Sequence[str]) -> dict[str, float]:
    """The SeqIO metric function: one prediction per problem, run in the sandbox."""
    with Sandbox() as sandbox:
        return means(score_items(targets, [[text] for text in predictions], sandbox))


class ProgramsMeasure:
    """A Task whose targets are problems, and whose answers are run."""

    def __init__(self, task: LoadedTask):
        """Has the sandbox prove itself. Raises MissingData where it cannot: nothing is run then."""
        self._task, self._prompts = task, Prompts(task)
        # One for all checkpoints: it proves itself once, and runs equal programs once.
        self._sandbox = Sandbox(Limits(), isolation=task.config.isolation)
        try:
            self._sandbox.prove()
        except UserError as error:
            raise MissingData(str(error)) from error

    @property
    def work(self) -> int:
        """Programs to generate, and to run."""
        return 2 * self._prompts.work

    def describe(self) -> dict:
        """Says whether the programs are isolated: else the report marks each of their scores."""
        return self._prompts.describe(KIND.name, isolated=self._task.config.isolation == "required")

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Generates the programs and runs them. `correct` is the share that passed.

        Of several processes the first one runs them; the others return no items.
        """
        answers = self._prompts.answer(engine, advance)
        if not distributed.is_first():
            return Outcome(pd.DataFrame(), {})
        texts = [[completion.text for completion in samples] for samples in answers]
        with self._sandbox as sandbox:
            items = score_items(self._task.targets, texts, sandbox, advance)
        lengths = self._prompts.table(answers).drop(columns=["prediction"])
        return Outcome(items.merge(lengths, on="item", validate="1:1"), means(items))


def _settings(name: str, config: SuiteConfig) -> dict[str, Any]:
    """How programs are generated, and under which limits they run."""
    return {
        **sampling_settings(name, config),
        "limits": to_plain(Limits()),
        "sandbox": SEMANTICS,
        "isolation": config.isolation,
    }


KIND = Kind(
    name="pass_at_k",
    title="pass@1",
    score="correct",
    columns=("correct",),
    generates=True,
    chance="",
    how="pass@1 = share of generated programs that pass their tests in the sandbox.",
    measure=ProgramsMeasure,
    settings=_settings,
)
