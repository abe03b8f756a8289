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
        identity = "store-0"

    class Store:
        manifest = Manifest()
        def num_documents(self, split):
            return 2
        def read_document(self, index, split):
            return np.array([5, 6, 7, 1], np.int32)
        def document_bytes(self, split):
            return np.array([3, 3])

    class Vocabulary:
        digest, eos_id = "d", 1
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
