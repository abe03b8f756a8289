r"""BIG-bench Hard, zero-shot, by generated answers; the files are the user's.

    CODE_ABLATE_EVALUATION_SETS=~/sets code-ablate ...     # with the owners' folder bbh in ~/sets

The prompt is "Q: ...", "A:", as in lm-eval's zero-shot form, and an answer is right when it equals
the target. Its 27 tasks are one Task here; an item's id begins with the name of its task.

A made-up row of `bbh`:

    'Q: not True is\nA:'
        right: 'False'
"""

import tensorflow as tf

from code_ablate.evaluation.kinds.answers import add_task, exact
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.source import EvaluationSet


def asked(row):
    """The question alone."""
    return tf.strings.join(["Q: ", row["question"], "\nA:"])


add_task(
    "bbh",
    EvaluationSet("bbh"),
    asked,
    category="reasoning_beyond",
    metric=exact,
    sampling=Sampling(max_tokens=64, stop=("\n", "Q:")),
    convention="lm-eval, zero-shot; exact match",
)
