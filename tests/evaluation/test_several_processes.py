"""A checkpoint that several processes evaluate together, against one process."""

import json
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest

from code_ablate.data.vocabulary import load_vocabulary
from code_ablate.evaluation.measure import Outcome
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.records import Key
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.suite import Part, Suite
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.jobs.evaluate import asked_steps, evaluate_checkpoint, follow, records_of
from code_ablate.model.config import MeshConfig
from code_ablate.training.rundir import RunDirectory
from tests.tolerance import assert_close
from tests.trained_run import SENTENCES, make_run, make_vocabulary
from tests.training.jobs import complete_job

pytestmark = pytest.mark.slow

JOB = "tests.evaluation.test_several_processes:job"
STEPS = 60
KEY = Key("everything", "0" * 16)


class Everything:
    """A measure that scores options with a common start and long texts, and that generates."""

    work = 1

    def __init__(self, vocabulary):
        self._vocabulary = vocabulary

    def describe(self):
        return {}

    def evaluate(self, engine, advance):
        """Leaves a row per text; what was answered is among the metrics."""
        texts = [
            f"{start} {end}\n" * repeats
            for start in SENTENCES
            for end in SENTENCES.values()
            for repeats in (1, 7)
        ]
        requests = [Request(ids, first=2) for ids in self._tokens(texts)]
        log_p, greedy = engine.scorer.score_greedy(requests, advance)
        answers = [
            completion.text
            for sampling in (Sampling(12), Sampling(12, temperature=1.0, top_p=0.9, samples=2))
            for samples in engine.generator.generate(
                self._tokens(SENTENCES), sampling, list(SENTENCES), advance
            )
            for completion in samples
        ]
        items = pd.DataFrame({"text": texts, "log_p": log_p, "greedy": greedy})
        return Outcome(items, {"answers": answers})

    def _tokens(self, texts):
        ends = self._vocabulary.eos_id
        return [np.array([ends, *ids], np.int32) for ids in self._vocabulary.encode(list(texts))]


def suite_of(vocabulary_file):
    vocabulary = load_vocabulary(vocabulary_file)
    part = Part(KEY, "domains", None, lambda: Everything(vocabulary))
    return Suite(SuiteConfig(tasks=(KEY.name,)), vocabulary, (part,), {})


def job(run, vocabulary_file, out, mesh):
    """Evaluates the run, and leaves what this process came to."""
    evaluate = Part.evaluate

    def noting(part, engine, advance):
        about, items = evaluate(part, engine, advance)
        file = Path(out) / f"{jax.process_index()}.json"
        file.write_text(json.dumps([items.to_dict("list"), about["metrics"]["answers"]]))
        return about, items

    Part.evaluate = noting
    run, suite = RunDirectory.open(run), suite_of(vocabulary_file)
    assert asked_steps(run, suite, []) == [STEPS]

    def evaluate_step(step):
        evaluate_checkpoint(run, suite, MeshConfig(**mesh), step)

    assert follow(run, evaluate_step, wait=print) == {}


def test_every_process_comes_to_the_scores_of_one_alone(tmp_path):
    run = make_run(tmp_path / "runs", make_vocabulary(tmp_path), STEPS)
    (vocabulary,) = map(str, tmp_path.glob("vocabularies/*.model"))
    records = records_of(run, STEPS)
    evaluate_checkpoint(run, suite_of(vocabulary), MeshConfig(), STEPS)
    items, about = records.load(KEY)
    answers = about["metrics"]["answers"]
    assert items.greedy.any() and len(set(answers)) > len(SENTENCES)
    for file in records.directory.iterdir():
        file.unlink()

    # Rows and parameters are divided between the processes, matrices within each.
    mesh = {"data": 1, "fsdp": 2, "tensor": 2}
    asked = {"run": str(run.path), "vocabulary_file": vocabulary, "out": str(tmp_path)}
    complete_job(JOB, asked | {"mesh": mesh}, processes=2, devices=2)
    for process in range(2):
        found, said = json.loads((tmp_path / f"{process}.json").read_text())
        assert_close(found["log_p"], items.log_p, share=1e-5)
        assert found["greedy"] == items.greedy.tolist() and said == answers
    kept, about = records.load(KEY)
    assert kept.to_dict("list") == found and about["metrics"]["answers"] == answers
