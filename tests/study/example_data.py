"""A user's own module: registers corpora and tasks from files in the current folder."""

import seqio
import tensorflow as tf

from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from code_ablate.evaluation.kinds import answers, programs
from code_ablate.evaluation.kinds.ranked import add_task
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.source import EvaluationSet

for corpus in ("prose", "program"):
    seqio.TaskRegistry.add(
        f"example.{corpus}",
        source=Files(f"{corpus}.jsonl"),
        preprocessors=documents.TOKENIZE,
        output_features=documents.FEATURES,
    )
add_task(
    "example.quiz",
    EvaluationSet("example_quiz", file="quiz.jsonl", fields=("question",)),
    lambda row: (row["question"], tf.strings.join([" ", row["choices"]])),
    category="reasoning",
)
add_task(
    "example.elsewhere",
    EvaluationSet("storycloze", origin="files"),
    lambda row: (row["context"], row["choices"]),
    category="reasoning",
)
answers.add_task(
    "example.recall",
    EvaluationSet("example_recall", file="recall.jsonl", fields=("question",), form="answers"),
    lambda row: row["question"],
    category="world_knowledge",
    metric=answers.exact,
    sampling=Sampling(max_tokens=12, stop=(".",)),
)
programs.add_task(
    "example.programs",
    EvaluationSet(
        "example_programs", file="programs.jsonl", fields=("prompt", "tests"), form="text"
    ),
    lambda row: row["prompt"],
    lambda row: programs.Problem(
        row["id"], row["tests"], (f"f{row['id']}",), beginning=row["prompt"]
    ),
    category="code",
    sampling=Sampling(max_tokens=8, stop=("\n",)),
)
