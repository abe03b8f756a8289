"""Suites: what is named, loaded, kept and missing, and what a checkpoint's records say."""

import numpy as np
import pytest
import seqio
import tensorflow as tf
from etils import epath

from code_ablate import distributed
from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.kinds import programs
from code_ablate.evaluation.kinds.ranked import add_task
from code_ablate.evaluation.measure import Engine
from code_ablate.evaluation.records import Records
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sandbox import Outcome as Ran
from code_ablate.evaluation.sets.source import EvaluationSet
from code_ablate.evaluation.suite import COLUMNS, Suite
from code_ablate.evaluation.suite_config import SuiteConfig
from tests.evaluation.sets.written import write
from tests.evaluation.test_downstream import Bytes, Script, Table, register_generation


class Rows(seqio.DataSource):
    """Three items with two choices each; counts how often it is read."""

    def __init__(self, word="blue"):
        super().__init__(splits=("validation",))
        self.word, self.reads, self.here = word, 0, True

    supports_arbitrary_sharding = True

    def list_shards(self, split):
        return [split]

    def digest(self):
        if not self.here:
            raise MissingData("the rows are elsewhere: bring them.")
        return self.word

    def get_dataset(self, split="validation", shuffle=False, seed=None, **kwargs):
        self.reads += 1
        return tf.data.Dataset.from_tensor_slices(
            {
                "id": ["a", "b", "c"],
                "question": ["the sky is", "grass is", "snow is"],
                "choices": [[f" {self.word}", " green"], [" red", " green"], [" white", " black"]],
                "gold": [0, 1, 0],
            }
        )


@pytest.fixture
def tasks():
    """Two ranked tasks and a generated one; the sources of the first two."""
    sources = {}
    for name in ("suite.one", "suite.two"):
        sources[name] = Rows()
        add_task(
            name, sources[name], lambda row: (row["question"], row["choices"]), category="colours"
        )
    register_generation("suite.three")
    yield sources
    for name in (*sources, "suite.three"):
        seqio.TaskRegistry.remove(name)
        declarations.forget(name)


NAMES = ("suite.one", "suite.two", "suite.three")
ANSWERS = {"the sky is": "blue", "grass is": "green", "snow is": "white"}


class ByteVocabulary(Bytes):
    digest = "bytes"


def suite_of(names=NAMES, seq_len=63, **settings):
    return Suite.of(SuiteConfig(tasks=names, **settings), ByteVocabulary(), {}, seq_len)


def identities(suite):
    return {part.key.name: part.key.identity for part in suite.parts}


def evaluate(suite, records):
    engine = Engine(Table(), Script(ANSWERS))
    done = []
    for part in suite.todo(records):
        records.save(part.key, *part.evaluate(engine, lambda done: None))
        done.append(part.key.name)
    return done


@pytest.fixture
def records(tmp_path):
    return Records(epath.Path(tmp_path) / "eval" / "100")


def test_a_task_is_known_by_what_is_asked_of_it_and_not_by_its_company(tasks):
    base = identities(suite_of())
    assert identities(suite_of(("suite.two",)))["suite.two"] == base["suite.two"]
    for settings in ({"max_items": 2}, {"seq_len": 64}):
        changed = identities(suite_of(**settings))
        assert all(changed[name] != base[name] for name in NAMES), settings
    tasks["suite.one"].word = "azure"
    changed = identities(suite_of())
    assert [name for name in NAMES if changed[name] != base[name]] == ["suite.one"]
    declarations.declare(
        "suite.three",
        declarations.TaskInfo("x", kinds.answers.KIND, sampling=Sampling(max_tokens=5)),
    )
    changed = identities(suite_of())
    assert changed["suite.three"] != base["suite.three"]
    assert suite_of().identity != suite_of(("suite.two",)).identity


def test_a_kill_loses_the_task_under_way_and_no_other(tasks, records):
    suite = suite_of().prepared([records])
    engine = Engine(Table(), None)  # has no generator: the third task breaks off
    for part in suite.todo(records)[:2]:
        records.save(part.key, *part.evaluate(engine, lambda done: None))
    assert suite.result(records) is None
    again = suite_of().prepared([records])
    assert evaluate(again, records) == ["suite.three"]
    assert evaluate(again, records) == []


def test_what_is_on_record_everywhere_is_not_read(tasks, records, tmp_path):
    other = Records(epath.Path(tmp_path) / "eval" / "200")
    both = suite_of(("suite.one",))
    evaluate(both.prepared([records]), records)
    evaluate(both.prepared([records, other]), other)
    before = {name: source.reads for name, source in tasks.items()}
    assert before["suite.one"] > 0
    suite = suite_of(("suite.one", "suite.two")).prepared([records, other])
    assert tasks["suite.one"].reads == before["suite.one"]
    assert tasks["suite.two"].reads > before["suite.two"]
    assert [part.key.name for part in suite.todo(records)] == ["suite.two"]


def test_the_table_has_a_row_per_item_and_the_columns_of_all_kinds(tasks, records):
    suite = suite_of().prepared([records])
    evaluate(suite, records)
    result = suite.result(records)
    own = ("metric/em", "metric/f1")  # of the generated task
    assert tuple(result.items.columns) == (*COLUMNS, *own)
    assert result.tasks["suite.three"]["own_metrics"] == ["em", "f1"]
    assert result.items.groupby("task").size().to_dict() == dict.fromkeys(NAMES, 3)
    rows = result.items.set_index(["task", "item"])
    assert rows.loc[("suite.one", "c"), "correct"] == 0  # " black" is before " white"
    assert rows.loc[("suite.three", "0"), "prediction"] == "blue"
    assert np.isnan(rows.loc[("suite.three", "0"), "bits"])
    assert result.tasks["suite.one"]["category"] == "colours"
    assert result.tasks["suite.three"]["kind"] == kinds.ANSWERS
    assert result.metrics["suite.three"] == {"em": 100.0, "f1": 100.0}


def test_a_category_may_change_without_evaluating_again(tasks, records):
    evaluate(suite_of().prepared([records]), records)
    declarations.declare("suite.one", declarations.TaskInfo("paint", kinds.ranked.KIND))
    suite = suite_of()
    assert suite.todo(records) == []
    assert suite.result(records).tasks["suite.one"]["category"] == "paint"


def test_what_items_share_is_a_column_and_asks_for_no_other_scores(tmp_path, records):
    rows = [
        {"id": id, "question": question, "choices": [" blue", " green"], "gold": 0}
        for id, question in zip("abc", ANSWERS, strict=True)
    ]
    passages = {"a": "sky", "b": "earth", "c": "earth"}
    plain = write(tmp_path / "plain.jsonl", rows)
    shared = write(
        tmp_path / "shared.jsonl", [{**row, "cluster": passages[row["id"]]} for row in rows]
    )
    name, found = "suite.passages", {}
    for file in (plain, shared):
        source = EvaluationSet("mine", file=file, fields=("question",))
        add_task(name, source, lambda row: (row["question"], row["choices"]), category="c")
        try:
            suite = suite_of((name,)).prepared([records])
            found[file] = evaluate(suite, records)
            items = suite.result(records).items
        finally:
            seqio.TaskRegistry.remove(name)
            declarations.forget(name)
        if file == plain:
            assert "cluster" not in items
    assert dict(zip(items["item"], items["cluster"], strict=True)) == passages
    assert found == {plain: [name], shared: []}  # the scores of the first serve the second


def test_missing_data_are_listed_and_not_kept(tasks, records):
    tasks["suite.two"].here = False
    suite = suite_of().prepared([records])
    assert suite.missing == {"suite.two": "the rows are elsewhere: bring them."}
    assert evaluate(suite, records) == ["suite.one", "suite.three"]
    assert set(suite.result(records).tasks) == {"suite.one", "suite.three"}
    tasks["suite.two"].here = True
    found = suite_of().prepared([records])
    assert not found.missing and evaluate(found, records) == ["suite.two"]


def test_hosts_with_other_rows_are_told_so(tasks, monkeypatch):
    def other_host(make):
        return {**make(), "suite.two": "0f3c"}

    monkeypatch.setattr(distributed, "from_first", other_host)
    with pytest.raises(UserError, match=r"different evaluation data for suite\.two: install"):
        suite_of()


def test_data_that_are_found_to_be_missing_while_they_are_read_are_missing_too(tasks, records):
    def nowhere(split="validation", **kwargs):
        raise MissingData("only the list of the rows is here.")

    tasks["suite.one"].get_dataset = nowhere
    suite = suite_of(("suite.one", "suite.two")).prepared([records])
    assert list(suite.missing) == ["suite.one"]
    assert [part.key.name for part in suite.parts] == ["suite.two"]


def test_a_t5x_task_over_tfds_is_missing_and_not_downloaded(tasks):
    rows = seqio.TfdsDataSource("super_glue/copa:1.0.2", splits={"validation": "validation"})
    register_generation("suite.tfds", source=rows)
    try:
        suite = suite_of(("suite.one", "suite.tfds"))
        assert "`tfds build super_glue/copa/1.0.2`" in suite.missing["suite.tfds"]
    finally:
        seqio.TaskRegistry.remove("suite.tfds")


class Refusing:
    """A sandbox where the kernel gives no isolation."""

    def __init__(self, limits, isolation):
        self.isolation = isolation

    def prove(self):
        if self.isolation == "required":
            raise UserError("the kernel gives no namespaces.")

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    def run(self, programs, advance):
        advance(len(programs))
        return [Ran("passed" if "green" in p.code else "failed", "", "none") for p in programs]


@pytest.fixture
def code_task(monkeypatch):
    def problem(row):
        return programs.Problem(row["id"], "tests", ("f",), beginning=row["question"])

    class Strings(Rows):
        def get_dataset(self, **kwargs):
            rows = super().get_dataset(**kwargs)
            return rows.map(lambda row: {"id": row["id"], "question": row["question"]})

    programs.add_task(
        "suite.code", Strings(), lambda row: row["question"], problem, category="code",
        sampling=Sampling(max_tokens=9),
    )  # fmt: skip
    monkeypatch.setattr("code_ablate.evaluation.kinds.programs.Sandbox", Refusing)
    yield "suite.code"
    seqio.TaskRegistry.remove("suite.code")
    declarations.forget("suite.code")


def test_programs_are_missing_where_there_is_no_isolation_unless_told_otherwise(
    tasks, code_task, records
):
    names = ("suite.one", code_task)
    assert suite_of(names).prepared([records]).missing == {
        code_task: "the kernel gives no namespaces."
    }
    with pytest.raises(UserError, match="require_all"):
        suite_of(names, require_all=True).prepared([records])
    suite = suite_of(names, isolation="none").prepared([records])
    assert evaluate(suite, records) == list(names)
    result = suite.result(records)
    rows = result.items[result.items.task == code_task]
    assert rows.correct.tolist() == [0, 1, 0] and rows.passed.tolist() == [0, 1, 0]
    assert rows.generated_tokens.tolist() == [3, 3, 3] and set(rows.isolation) == {"none"}
    assert result.metrics[code_task] == {"pass@1": pytest.approx(1 / 3)}
    assert result.tasks[code_task]["isolated"] is False
    assert identities(suite)[code_task] != identities(suite_of(names))[code_task]


def test_programs_are_run_by_the_first_process_only(tasks, code_task, records, monkeypatch):
    (part,) = suite_of((code_task,), isolation="none").prepared([records]).parts
    monkeypatch.setattr(Refusing, "run", None)
    monkeypatch.setattr(distributed, "is_first", lambda: False)
    _, items = part.evaluate(Engine(Table(), Script(ANSWERS)), lambda done: None)
    assert items.empty


def test_mistakes_are_found_before_any_work(tasks):
    with pytest.raises(UserError, match=r"did you mean 'suite\.t"):
        suite_of(("suite.twoo",))
    with pytest.raises(UserError, match="each may occur once"):
        suite_of(("suite.two", "suite.two"))
    tasks["suite.two"].here = False
    with pytest.raises(UserError, match=r"require_all is True.*suite\.two: the rows are elsewhere"):
        suite_of(require_all=True)
    with pytest.raises(UserError, match="no part of the evaluation suite can be run"):
        suite_of(("suite.two",))
