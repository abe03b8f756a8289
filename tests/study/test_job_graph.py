"""Phases as jobs: which are one array, what waits for what, which are one tree."""

import dataclasses

import pytest

from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.launch.job_graph import JobGraph
from code_ablate.study.phase_keys import part_of, phase_key, unprepared_graph
from code_ablate.study.phase_order import Order
from code_ablate.study.plan import make_plan
from tests.study.test_plan import HARDWARE


@pytest.fixture
def jobs(study):
    return JobGraph.of(study, ("small.gin",))


def test_keys_are_what_the_plan_shows_before_anything_is_prepared(
    study, jobs, many_stores, tmp_path
):
    shown = [row.identity for row in make_plan(study, Stores({}), HARDWARE, tmp_path).phases]
    assert [job.key for job in jobs.phases] == shown
    prepared = PhaseGraph.of(study, many_stores.identities, many_stores.tokens)
    assert [phase_key(phase) for phase in prepared.phases.values()] == shown
    assert set(prepared.phases).isdisjoint(shown)


def test_every_phase_is_in_one_array_at_the_index_of_its_parent(jobs):
    arrays = {array.number: array for array in jobs.arrays(1000)}
    placed = [phase.key for array in arrays.values() for phase in array.phases.values()]
    assert sorted(placed) == sorted(phase.key for phase in jobs.phases)
    for array in arrays.values():
        assert len({phase.shape for phase in array.phases.values()}) == 1
        for index, phase in array.phases.items():
            if array.parent is None:
                assert phase.parent is None
            else:
                assert array.parent < array.number
                assert arrays[array.parent].phases[index].key == phase.parent
    assert max(len(array.phases) for array in arrays.values()) > 2


def test_arrays_are_no_longer_than_asked(jobs):
    arrays = jobs.arrays(3)
    assert max(len(array.phases) for array in arrays) == 3
    assert max(index for array in arrays for index in array.phases) == 2
    assert sum(len(array.phases) for array in arrays) == len(jobs.phases)


def test_several_children_of_one_phase_are_in_several_arrays(study):
    """Two ways to go on after one phase cannot both have its index."""
    jobs = JobGraph.of(study, ())
    parent = jobs.phases[0]
    twins = tuple(
        dataclasses.replace(parent, key=f"twin {number}", parent=parent.key) for number in (1, 2)
    )
    graph = dataclasses.replace(jobs, phases=(parent, *twins))
    first, *others = graph.arrays(1000)
    assert [list(array.phases.items()) for array in others] == [[(0, twin)] for twin in twins]
    assert {array.parent for array in others} == {first.number}


def test_a_tree_is_a_phase_with_all_that_follows(jobs):
    placed = [phase.key for tree in jobs.trees for phase in tree]
    assert sorted(placed) == sorted(phase.key for phase in jobs.phases)
    for tree in jobs.trees:
        assert tree[0].parent is None
        for number, phase in enumerate(tree[1:], 1):
            assert phase.parent in [earlier.key for earlier in tree[:number]]


def test_a_part_holds_what_is_named_by_key_or_identity(study, many_stores):
    whole = PhaseGraph.of(study, many_stores.identities, many_stores.tokens)
    child = next(name for name, parent in whole.parents.items() if parent)
    parent = whole.parents[child]
    part = part_of(whole, [child, phase_key(whole.phases[parent])])
    assert list(part.phases) == [parent, child]
    assert part.evaluated == {
        name: phase for name, phase in whole.evaluated.items() if name in (parent, child)
    }
    assert part_of(whole, whole.phases) == whole


def test_a_phase_alone_need_not_wait_for_a_parent_outside(study):
    whole = unprepared_graph(study)
    child = next(name for name, parent in whole.parents.items() if parent)
    order = Order.of(part_of(whole, [child]))
    assert [work.identity for work in order.take()] == [child]
    order = Order.of(part_of(whole, [child, whole.parents[child]]))
    assert [work.identity for work in order.take()] == [whole.parents[child]]
    assert order.take() == []


def test_a_job_of_another_configuration_is_refused(study, many_stores):
    whole = PhaseGraph.of(study, many_stores.identities)
    launched = phase_key(next(iter(whole.phases.values())))
    (setting,) = study.settings
    changed = dataclasses.replace(study, settings=(dataclasses.replace(setting, tokens=12_800),))
    now = PhaseGraph.of(changed, many_stores.identities)
    with pytest.raises(UserError, match=f"no phase {launched}.*have changed since"):
        part_of(now, [launched])
