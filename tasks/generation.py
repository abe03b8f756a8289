r"""Open-ended generation, for a judge (`code-ablate judge`).

    seqio.TaskRegistry.get("open_prompts")            # 200 prompts, written for this project
    seqio.TaskRegistry.get("dolly_200")               # the reference study's, from your own file

`dolly_200` reads `dolly_200.jsonl` in the folder that CODE_ABLATE_EVALUATION_SETS names: rows in
the form of databricks-dolly, with "instruction" and "context". `open_prompts.jsonl` beside this
module has 20 prompts in each of ten categories.

A made-up row of `open_prompts`:

    'Instruction: Sum this up.\n\nBees make honey.\nResponse:'
"""

from pathlib import Path

import tensorflow as tf

from code_ablate.evaluation.kinds.open_ended import add_task
from code_ablate.evaluation.sets.source import EvaluationSet

OPEN_PROMPTS = Path(__file__).with_name("open_prompts.jsonl")


def with_context(request: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
    """The request, and below it the text that it is about, where there is one."""
    both = tf.strings.join([request, "\n\n", context])
    return tf.where(tf.equal(context, ""), request, both)


add_task(
    "open_prompts",
    EvaluationSet(
        "open_prompts",
        file=str(OPEN_PROMPTS),
        fields=("prompt", "context", "category"),
        form="text",
    ),
    lambda row: with_context(row["prompt"], row["context"]),
    category="open_ended",
    group=lambda row: row["category"],
    convention="our own prompts",
)
add_task(
    "dolly_200",
    EvaluationSet("dolly_200"),
    lambda row: with_context(row["instruction"], row["context"]),
    category="open_ended",
    convention="arXiv 2408.10914",
)
