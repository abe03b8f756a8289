r"""Programs that the model writes, by pass@k: HumanEval and MBPP, zero-shot.

    seqio.TaskRegistry.get("humaneval")               # split "validation", one example per problem

HumanEval follows Chen et al. 2021 (arXiv 2107.03374): the prompt is the file up to the docstring of
the function, and the answer ends with the function. MBPP follows Fried et al. 2022 (InCoder, arXiv
2204.05999), as the bigcode-evaluation-harness has it: the prompt is a docstring with the task and
its first test. One greedy answer each, which is pass@1; for other k see docs/evaluation.md.

A made-up row of `humaneval`:

    "def twice(x):\n    'Double x.'\n"
        right: '    return 2 * x\n'
"""

import json
from collections.abc import Mapping

from code_ablate.evaluation.kinds.programs import Problem, add_task, used_functions
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.source import EvaluationSet

HUMANEVAL_STOP = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
MBPP_STOP = ("\nclass", "\nassert", '\n"""', "\nprint", "\nif", "\n<|/", "\n```")


def humaneval(row: Mapping[str, str]) -> Problem:
    """The prompt also defines what some tests call beside the function: `poly`, `encode_shift`."""
    return Problem(
        item=row["id"],
        tests=f"{row['test']}\ncheck({row['entry_point']})",
        functions=(row["entry_point"],),
        setup=row["prompt"],
        beginning=row["prompt"],
        solution=row["canonical_solution"],
    )


def mbpp(row: Mapping[str, str]) -> Problem:
    """Three tests, one of which the prompt shows; the challenge tests are not used."""
    tests = "\n".join([row["test_setup_code"], *json.loads(row["test_list"])])
    return Problem(
        item=row["id"],
        tests=tests,
        functions=used_functions(tests, row["code"]),
        solution=row["code"],
    )


def mbpp_prompt(row: Mapping[str, str]) -> str:
    """A docstring, as at the head of a file."""
    return f'"""\n{row["text"]}\n{json.loads(row["test_list"])[0]}\n"""\n'


add_task(
    "humaneval",
    EvaluationSet("humaneval"),
    lambda row: row["prompt"],
    humaneval,
    category="code",
    sampling=Sampling(max_tokens=512, stop=HUMANEVAL_STOP),
    convention="Chen et al. 2021",
)
add_task(
    "mbpp",
    EvaluationSet("mbpp"),
    mbpp_prompt,
    mbpp,
    category="code",
    sampling=Sampling(max_tokens=512, stop=MBPP_STOP),
    convention="Fried et al. 2022, one test in the prompt",
)
