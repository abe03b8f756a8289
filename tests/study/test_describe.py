"""study.json says of every arm what its own phases did."""

import dataclasses

import pytest

from code_ablate.analysis.results.arm import Arm
from code_ablate.data.preparing import contamination_record
from code_ablate.data.preparing.contamination_record import Contamination, FoundItem
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation.suite import SuiteResult
from code_ablate.model.flops import count_parameters, flops_per_token
from code_ablate.study.describe import describe_study
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.recipes import text_only
from tests.study.conftest import MODEL
from tests.study.test_graph import larger, quality, three_stages

SPLIT = {"documents": 3, "bytes": 100, "tokens": 50}
READ = {"documents": 9, "bytes": 300}
WENT = {
    "longest_line_over_1000": {"documents": 2, "bytes": 90},
    "exact_duplicate": {"documents": 1, "bytes": 10},
}


class FinishedRun:
    """A run that took two seconds."""

    def __init__(self):
        self.status = {"seconds": 2.0, "final_loss": 1.5}
        self.config = {"commits": ("c0ffee",)}


@pytest.fixture
def described(study, many_stores):
    for store in many_stores.values():
        splits = {"train": SPLIT, "validation": SPLIT}
        fields = [(f.name, f.type) for f in dataclasses.fields(store.manifest)]
        more = [("splits", dict), ("read", dict), ("dropped", dict), ("added", dict)]
        more.append(("contamination", dict))
        manifest = dataclasses.make_dataclass("Manifest", [*fields, *more])
        known = {name: getattr(store.manifest, name) for name, _ in fields}
        store.manifest = manifest(
            **known, splits=splits, read=READ, dropped=WENT, added={}, contamination={}
        )

    def describe(arguments=(), **changes):
        changed = dataclasses.replace(study, **changes)
        graph = PhaseGraph.of(changed, many_stores.identities)
        runs = dict.fromkeys(graph.phases, FinishedRun())
        task = {"category": "c", "kind": "exact_match", "chance": None, "items": 4, "available": 9}
        results = [
            SuiteResult(None, {"t": {**task, "identity": f"asked-{phase.seq_len}"}}, {})
            for phase in graph.arms.values()
        ]
        vocabulary = Vocabulary("v", "v.model", 300, "digest", eos_id=1)
        made = (runs, many_stores, vocabulary, [], results, "abc", arguments)
        return describe_study(changed, graph, *made)

    return describe


def test_what_was_asked_is_recorded_for_each_length_of_context(described, study):
    (setting,) = study.settings
    wide = dataclasses.replace(MODEL, d_model=64, layers=4)
    longer = dataclasses.replace(setting, model=wide, seq_len=2 * setting.seq_len)
    lengths = sorted(f"asked-{length}" for length in (setting.seq_len, 2 * setting.seq_len))
    assert described().tasks["t"].identities == (f"asked-{setting.seq_len}",)
    assert described(settings=(setting, longer)).tasks["t"].identities == tuple(lengths)


def arms_of(record):
    return {row.arm: row for row in record.arms}


def test_margins_are_recorded_and_make_no_other_configuration(described):
    plain = described()
    named = described(margin=0.01, margins={"accuracy/reasoning": 0.02})
    assert (plain.margin, plain.margins) == (0.0, {})
    assert (named.margin, named.margins) == (0.01, {"accuracy/reasoning": 0.02})
    assert named.configuration == plain.configuration  # verdicts change, and no result does


def test_the_command_is_recorded_and_makes_no_other_configuration(described):
    record = described(("demo", "--scale=small"))
    assert record.arguments == ("demo", "--scale=small")
    assert record.configuration == described().configuration


@pytest.mark.parametrize("wrong", [{"margin": -0.1}, {"margins": {"accuracy/reasoning": 0}}])
def test_a_margin_is_a_positive_number(study, wrong):
    with pytest.raises(UserError, match="margin"):
        dataclasses.replace(study, **wrong)


def test_a_recipe_with_its_own_source_is_reported_with_its_true_share(described):
    groups = {"code": ("web", "markup", "synthetic"), "synthetic": ("synthetic",)}
    for named in ({}, groups):
        record = described(recipes=(text_only, quality), groups=named)
        row = arms_of(record)[Arm("quality", "9.97K", 0, "pretraining")]
        assert row.corpora["synthetic"].tokens == 200 * 64
        assert row.shares["code"] == pytest.approx(0.5) == row.requested_shares["code"]
        phase = record.phases[row.phase]
        assert phase.shares["code"] == pytest.approx(0.5)
    assert row.shares["synthetic"] == pytest.approx(0.5)


def test_a_recipe_of_another_model_is_described_with_its_own(described):
    record = described(recipes=(text_only, larger))
    wide = dataclasses.replace(MODEL, d_model=64, layers=4)
    assert [size.parameters for size in record.sizes] == [
        count_parameters(MODEL).total,
        count_parameters(wide).total,
    ]
    assert [size.parts for size in record.sizes] == [("9.97K",), ("60.5K",)]
    row = arms_of(record)[Arm("larger", "60.5K", 1, "pretraining")]
    assert row.flops == flops_per_token(wide, 16) * 400 * 64
    assert record.phases[row.phase].size == "60.5K"


def test_an_arm_counts_all_phases_up_to_its_stage(described):
    record = described(recipes=(text_only, three_stages))
    row = arms_of(record)[Arm("three", "9.97K", 0, "end")]
    assert row.tokens == (400 + 20 + 10) * 64 and len(row.phases) == 3
    assert row.seconds == 6.0 and row.final_loss == 1.5
    assert record.stages == ("pretraining", "cooldown", "half", "end")
    # Three stages share the pre-training with the recipe that has only that.
    assert record.phases[row.phases[0]].arms == 2


def test_the_record_is_read_as_it_was_written(described, tmp_path):
    record = described()
    (tmp_path / "study.json").write_text(record.to_json())
    assert type(record).read(tmp_path / "study.json") == record


def test_the_funnel_goes_from_the_source_to_the_store(described):
    for store in described().stores.values():
        steps = [(step.name, step.documents, step.bytes) for step in store.funnel]
        assert steps == [
            ("read", 9, 300),
            ("longest_line_over_1000", 7, 210),
            ("exact_duplicate", 6, 200),
        ]


def test_items_found_before_documents_left_are_told_for_each_task(described, monkeypatch):
    found = FoundItem("quiz", "7", "prompt", documents=2, share=1.0)
    tasks = {"quiz": "quiz", "quiz_5shot": "quiz", "other": "other"}
    record = Contamination("text", tasks, (), {}, (), (found,), {"quiz": 2})
    monkeypatch.setattr(contamination_record, "read", lambda store: record)
    (store, *_) = described().stores.values()
    assert store.searched_tasks == ("quiz", "quiz_5shot", "other")
    assert store.contaminated == {"quiz": ("7",), "quiz_5shot": ("7",)}


def test_arms_that_differ_in_seeds_alone_can_be_told(described, study):
    (setting,) = study.settings
    fixed = [
        dataclasses.replace(setting, initialisation_seed=seed, size=f"first weights {seed}")
        for seed in (0, 5)
    ]
    faster = dataclasses.replace(setting, z_loss=1e-4, size="faster")
    arms = arms_of(described(settings=(*fixed, faster)))
    for arm, row in arms.items():
        first = 5 if arm.size.endswith("5") else 0 if "weights" in arm.size else arm.seed
        assert (row.initialisation_seed, row.order_seed) == (first, arm.seed)
    same = {
        (arm.recipe, arm.stage): {
            row.seedless
            for other, row in arms.items()
            if (other.recipe, other.stage) == (arm.recipe, arm.stage) and other.size != "faster"
        }
        for arm in arms
    }
    assert all(len(found) == 1 for found in same.values())
    assert len(set.union(*same.values())) > 5
    assert not {r.seedless for a, r in arms.items() if a.size == "faster"} & set.union(
        *same.values()
    )
