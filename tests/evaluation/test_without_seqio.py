"""Domains are evaluated where neither TensorFlow nor SeqIO is installed."""

import json

from tests.test_imports import run

DATA = ("tensorflow", "seqio", "t5", "tensorflow_datasets")

EVALUATE = """
    import json
    import numpy as np
    from code_ablate.errors import UserError
    from code_ablate.evaluation.measure import Engine
    from code_ablate.evaluation.suite import Suite
    from code_ablate.evaluation.suite_config import SuiteConfig

    class Manifest:
        identity, returned_share = "store-0", None

    class Store:
        manifest = Manifest()
        def num_documents(self, split):
            return 2
        def read_document(self, index, split):
            return np.array([5, 6, 7, 1], np.int32)
        def document_bytes(self, split):
            return np.array([3, 3])
        def document_ends(self, split):
            return np.array([4, 8])

    class Vocabulary:
        digest, eos_id, lossless = "d", 1, True
        def decode(self, ids):
            raise ImportError("no tokenizer", name="sentencepiece")

    class Scorer:
        def score(self, requests, advance):
            return np.full(len(requests), -3 * np.log(2))

    def evaluate(**settings):
        config = SuiteConfig(domains=("a",), **settings)
        suite = Suite.of(config, Vocabulary(), {"a": Store()}, seq_len=8).prepared([])
        (part,) = suite.parts
        return suite, part.evaluate(Engine(Scorer(), None), lambda done: None)[1]
"""


def test_domains_are_scored_and_tasks_are_missing_with_the_reason():
    done = run(
        EVALUATE
        + """
    suite, items = evaluate(tasks=("arc_easy",))
    print(json.dumps([dict(suite.missing), list(items["bits"]), list(items["bytes"])]))
    """,
        *DATA,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    missing, bits, size = json.loads(done.stdout)
    assert "pip install code-ablate[data]" in missing["arc_easy"]
    assert bits == [3, 3] and size == [3, 3]


def test_tasks_that_are_required_are_an_error():
    done = run(
        EVALUATE
        + """
    try:
        evaluate(tasks=("arc_easy",), require_all=True)
    except UserError as error:
        print(error)
    """,
        *DATA,
    )
    assert "require_all" in done.stdout and "pip install code-ablate[data]" in done.stdout


def test_a_cropped_document_needs_the_tokenizer():
    done = run(
        EVALUATE
        + """
    try:
        evaluate(max_document_tokens=2)
    except UserError as error:
        print(error)
    """,
        *DATA,
    )
    assert "`pip install sentencepiece`, or raise SuiteConfig.max_document_tokens" in done.stdout


def test_only_tasks_that_use_t5_are_missing_where_it_is_not_installed(tmp_path):
    rows = [{"id": str(n), "question": f"{n} + 1 =", "answer": f" {n + 1}"} for n in range(3)]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ranked = tmp_path / "ranked.jsonl"
    with ranked.open("w") as out:
        for row in rows:
            choices = {"choices": [row["answer"], " 9"], "gold": 0}
            out.write(json.dumps({"id": row["id"], "question": row["question"], **choices}) + "\n")
    done = run(
        f"""
    import json
    import seqio as seqio_library
    from etils import epath
    from code_ablate.evaluation.kinds import gold, ranked
    from code_ablate.evaluation.records import Records
    from code_ablate.evaluation.sets.source import EvaluationSet
    from code_ablate.evaluation.suite import Suite
    from code_ablate.evaluation.suite_config import SuiteConfig

    class Bytes:
        digest, eos_id, seqio = "bytes", 1, seqio_library.ByteVocabulary()

    rows = EvaluationSet("a", file={str(file)!r}, fields=("question", "answer"), form="text")
    gold.add_task("t5.not", rows, lambda row: (row["question"], row["answer"]), category="c")
    rows = EvaluationSet("b", file={str(ranked)!r}, fields=("question",))
    ranked.add_task(
        "t5.used", rows, lambda row: (row["question"], row["choices"]), category="c"
    )
    suite = Suite.of(SuiteConfig(tasks=("t5.not", "t5.used")), Bytes(), {{}}, seq_len=64)
    suite = suite.prepared([Records(epath.Path({str(tmp_path)!r}))])
    print(json.dumps([[part.key.name for part in suite.parts], dict(suite.missing)]))
    """,
        "t5",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    parts, missing = json.loads(done.stdout.splitlines()[-1])
    assert parts == ["t5.not"]
    assert list(missing) == ["t5.used"] and "`pip install --no-deps t5`" in missing["t5.used"]
