from pathlib import Path

import pytest
import seqio

import tasks  # noqa: F401
from code_ablate import config
from code_ablate.evaluation import declarations, kinds

SUITES = sorted(file.stem for file in Path(config.GIN_DIRECTORY, "suites").glob("*.gin"))


@pytest.fixture(autouse=True)
def clean_gin():
    yield
    config.load([])


def read(name):
    config.load([config.find_gin_file(name, "suites")])
    return config.make("SuiteConfig")


def test_the_suites():
    assert SUITES == ["demo", "extended", "paper", "small_models"]


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_names_registered_tasks_of_which_something_is_known(name):
    suite = read(name)
    known = seqio.TaskRegistry.names()
    assert not [task for task in (*suite.tasks, *suite.domains) if task not in known]
    assert all(declarations.info(task) for task in suite.tasks)


def test_the_papers_suite_has_its_categories_and_the_extended_one_all_of_it():
    paper, extended = read("paper").tasks, read("extended").tasks
    categories = [declarations.info(task).category for task in paper]
    assert {name: categories.count(name) for name in categories} == {
        "reasoning": 11,
        "world_knowledge": 2,
        "code": 2,
        "open_ended": 1,
    }
    assert set(paper) < set(extended)
    # No task of another kind in a category of the paper's.
    beyond = {declarations.info(task).category for task in set(extended) - set(paper)}
    assert beyond & set(categories) <= {"open_ended"}


def test_small_models_are_asked_for_nothing_that_they_must_generate():
    used = {declarations.info(task).kind.name for task in read("small_models").tasks}
    assert used == {kinds.RANKED, kinds.GOLD}
