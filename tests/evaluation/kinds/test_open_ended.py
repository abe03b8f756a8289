import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import seqio

import tasks  # noqa: F401
from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.kinds import open_ended
from code_ablate.evaluation.sampling import Completion
from code_ablate.evaluation.sets.source import FOLDER_VARIABLE, EvaluationSet
from tasks.generation import OPEN_PROMPTS

ROWS = [
    {"id": "a", "prompt": "Why is there Ärger?"},
    {"id": "b", "prompt": "Two\nlines"},
]


@pytest.fixture
def task(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    source = EvaluationSet("mine", file=str(file), fields=("prompt",), form="text")
    yield open_ended.add_task("test.mine", source, lambda row: row["prompt"], category="open_ended")
    seqio.TaskRegistry.remove("test.mine")
    declarations.forget("test.mine")


def examples(name):
    task = seqio.TaskRegistry.get(name)
    dataset = task.get_dataset(sequence_length=None, split="validation", shuffle=False)
    return list(dataset.as_numpy_iterator())


def targets(name):
    task = seqio.TaskRegistry.get(name)
    return [
        task.postprocess_fn(example["targets"], example=example, is_target=True)
        for example in examples(name)
    ]


def test_a_request_that_is_no_text_is_refused():
    example = {"item": b"a", "prompt": b"\xff", "inputs_pretokenized": b"", "group": b""}
    with pytest.raises(UserError, match=r"item 'a' .* is not UTF-8"):
        open_ended.postprocess(b"", example=example, is_target=True)


def test_a_request_is_put_in_a_frame_and_has_no_target(task):
    first, second = examples("test.mine")
    text = "Instruction: Why is there Ärger?\nResponse:"
    np.testing.assert_array_equal(first["inputs"], np.array([*text.encode()]) + 3)
    assert first["targets"].size == second["targets"].size == 0
    assert targets("test.mine")[1] == open_ended.Asked(
        "b", "Two\nlines", "Instruction: Two\nlines\nResponse:", ""
    )


def test_the_suite_is_told_how_to_ask(task):
    info = declarations.info("test.mine")
    assert info.kind == kinds.open_ended.KIND and info.chance is None
    assert info.sampling.temperature == 0 and info.sampling.stop == ("\nInstruction:",)


def test_a_row_per_item_keeps_the_answer_as_generated(task):
    completions = [Completion(" yes\n", 3, "stop"), Completion("", 1, "eos")]
    expected = pd.DataFrame(
        {
            "item": ["a", "b"],
            "prompt": [row["prompt"] for row in ROWS],
            "input": [f"Instruction: {row['prompt']}\nResponse:" for row in ROWS],
            "group": ["", ""],
            "prediction": [" yes\n", ""],
            "generated_tokens": [3, 1],
            "ended_by": ["stop", "eos"],
        }
    )
    pd.testing.assert_frame_equal(
        open_ended.score_items(targets("test.mine"), completions), expected
    )
    with pytest.raises(ValueError, match="shorter"):
        open_ended.score_items(targets("test.mine"), completions[:1])


def test_seqio_evaluates_it(task):
    evaluator = seqio.Evaluator(
        "test.mine",
        feature_converter=seqio.PrefixLMFeatureConverter(pack=False),
        async_compute_metrics=False,
    )
    metrics, _ = evaluator.evaluate(
        compute_metrics=True,
        predict_fn=lambda dataset, shapes=None: [
            (number, np.array([*text]) + 3) for number, text in enumerate((b"four", b"    "))
        ],
    )
    assert metrics.result()["test.mine"] == {"characters": 2.0, "empty": 0.5}


def test_there_are_200_different_prompts_in_ten_categories():
    rows = [json.loads(line) for line in OPEN_PROMPTS.read_text().splitlines()]
    assert len(rows) == 200
    assert set(Counter(row["category"] for row in rows).values()) == {20}
    assert len({row["id"] for row in rows}) == 200
    plain = {"".join(c for c in row["prompt"].lower() if c.isalnum()) for row in rows}
    contexts = [row["context"] for row in rows if row["context"]]
    # Several closed questions could be worded alike, but each has a text of its own.
    assert len(plain) == 200 and len(set(contexts)) == len(contexts) == 60
    for row in rows:
        assert row["prompt"] == row["prompt"].strip() and 15 < len(row["prompt"]) < 400, row
        needs = row["category"] in ("closed_qa", "summarisation", "information_extraction")
        assert bool(row["context"]) == needs, row["id"]


def test_the_prompts_are_registered_with_their_texts():
    by_item = {target.item: target for target in targets("open_prompts")}
    assert len(by_item) == 200
    question, passage = by_item["closed_qa-01"].prompt.split("\n\n")
    assert question.startswith("When does the night ferry") and "Old Margit" in passage
    assert "\n\n" not in by_item["open_qa-01"].prompt
    assert all(item.startswith(f"{target.group}-") for item, target in by_item.items())


def test_dolly_is_read_from_the_users_file(tmp_path, monkeypatch):
    rows = [
        {"instruction": "Name a bird.", "context": "", "response": "Wren.", "category": "open_qa"},
        {"instruction": "Sum up.", "context": "Long.", "response": "L.", "category": "closed_qa"},
    ]
    (tmp_path / "dolly_200.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    source = EvaluationSet("dolly_200")
    assert len({row["id"] for row in source.rows}) == 2
    assert {row["instruction"] for row in source.rows} == {"Name a bird.", "Sum up."}
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "elsewhere"))
    with pytest.raises(MissingData, match=r"dolly_200\.jsonl"):
        _ = EvaluationSet("dolly_200").rows


def test_dolly_prompts_hold_the_context(tmp_path, monkeypatch):
    row = {"instruction": "Sum up.", "context": "Long.", "response": "L.", "category": "closed_qa"}
    (tmp_path / "dolly_200.jsonl").write_text(json.dumps(row))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    task = seqio.TaskRegistry.get("dolly_200")
    # A source of its own: that of the registered Task remembers what it has found.
    fresh = task.replace(name="test.dolly", source=EvaluationSet("dolly_200"))
    dataset = fresh.get_dataset(sequence_length=None, split="validation", shuffle=False)
    (example,) = dataset.as_numpy_iterator()
    assert example["prompt"].decode() == "Sum up.\n\nLong."
