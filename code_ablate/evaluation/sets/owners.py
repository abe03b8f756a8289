"""Evaluation sets as their owners distribute them, for those that cannot be installed.

quac("val_v0.2.json")                                  # rows in our form
storycloze("cloze_test_val__spring2016.csv")
bbh("BIG-Bench-Hard/bbh")                              # a folder of JSON files
"""

import csv
import json
from pathlib import Path

from code_ablate.errors import UserError
from code_ablate.evaluation.sets.origins import Row

UNANSWERABLE = "CANNOTANSWER"
"""What QuAC gives as the answer to a question that the text does not answer."""


def quac(path: str) -> list[Row]:
    """One row per question of QuAC's dialogues (val_v0.2.json), by the order of the file.

    QuAC asks for a span of text and has no choices. Ours are the first annotator's answers to all
    questions of the same dialogue, each once, in the order in which they appear; the gold one is
    that to the question itself. The history holds the questions before it with their answers. A
    dialogue in which all answers are the same gives no choice, and its questions are left out.
    """
    rows = []
    for article in _json(path)["data"]:
        for paragraph in article["paragraphs"]:
            turns = paragraph["qas"]
            answers = [turn["orig_answer"]["text"] for turn in turns]
            choices = list(dict.fromkeys(answers))
            if len(choices) < 2:
                continue
            history = ""
            for turn, answer in zip(turns, answers, strict=True):
                rows.append(
                    {
                        "id": turn["id"],
                        "title": article["title"],
                        "section": article["section_title"],
                        "context": paragraph["context"].removesuffix(UNANSWERABLE).rstrip(),
                        "history": history,
                        "question": turn["question"],
                        "choices": choices,
                        "gold": choices.index(answer),
                    }
                )
                history += f"Question: {turn['question']}\nAnswer: {answer}\n"
    return rows


def storycloze(path: str) -> list[Row]:
    """StoryCloze's stories of four sentences with two endings, from the owners' CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        stories = list(csv.DictReader(file))
    columns = [*_SENTENCES, *_ENDINGS, "AnswerRightEnding"]
    missing = [name for name in columns if not stories or name not in stories[0]]
    if missing:
        raise UserError(f"{path!r} has no column {', '.join(missing)}: it is not StoryCloze's CSV.")
    return [
        storycloze_row(
            {
                "context": " ".join(story[name] for name in _SENTENCES),
                "endings": [story[name] for name in _ENDINGS],
                "label": int(story["AnswerRightEnding"]),
            }
        )
        for story in stories
    ]


_SENTENCES = [f"InputSentence{number}" for number in range(1, 5)]
_ENDINGS = ["RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2"]


def storycloze_row(row: Row) -> Row:
    """A row in our form, from one as TFDS has it; the endings count from 1."""
    return {
        "context": row["context"],
        "choices": list(row["endings"]),
        "gold": row["label"] - 1,
    }


def bbh(path: str) -> list[Row]:
    """All examples of BIG-bench Hard's folder of JSON files; an id begins with the file's name."""
    files = sorted(Path(path).glob("*.json"))
    if not files:
        raise UserError(f"no JSON files in {path!r}: it should be BIG-bench Hard's folder bbh.")
    return [
        {
            "id": f"{file.stem}/{number:03d}",
            "question": example["input"],
            "answers": [example["target"]],
        }
        for file in files
        for number, example in enumerate(_json(str(file))["examples"])
    ]


def _json(path: str) -> Row:
    if not Path(path).is_file():
        raise UserError(f"no file {path!r} with evaluation rows.")
    return json.loads(Path(path).read_text(encoding="utf-8"))
