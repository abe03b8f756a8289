"""A user's own module: registers corpora and a task from files in the current folder."""

import seqio
import tensorflow as tf

from code_ablate.data import documents
from code_ablate.data.benchmarks import Benchmark
from code_ablate.data.files import Files
from code_ablate.evaluation.rank_classification import add_task

for corpus in ("prose", "program"):
    seqio.TaskRegistry.add(
        f"example.{corpus}",
        source=Files(f"{corpus}.jsonl"),
        preprocessors=documents.TOKENIZE,
        output_features=documents.FEATURES,
    )
add_task(
    "example.quiz",
    Benchmark("example_quiz", file="quiz.jsonl", fields=("question",)),
    lambda row: (row["question"], tf.strings.join([" ", row["choices"]])),
    category="example",
)
