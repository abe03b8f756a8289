import pytest

from code_ablate.training.clock import CATEGORIES, Clock


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


@pytest.fixture
def hands():
    return Hands()


def split(**seconds):
    return {**dict.fromkeys(CATEGORIES, 0.0), **seconds}


def test_what_is_not_a_named_wait_is_compute(hands):
    clock = Clock(now=hands)
    hands.time += 3
    with clock.waiting("data"):
        hands.time += 2
    hands.time += 1
    with clock.waiting("checkpoint"):
        hands.time += 5
    assert clock.take() == split(compute=4.0, data=2.0, checkpoint=5.0)


def test_take_gives_what_is_new_and_seconds_all_of_it(hands):
    clock = Clock(now=hands)
    clock.carry(100.0)
    hands.time += 1
    clock.take()
    with clock.waiting("data"):
        hands.time += 2
    assert clock.take() == split(data=2.0)
    assert clock.take() == split()
    assert clock.seconds == 103.0
    assert clock.split == split(compute=1.0, data=2.0)


def test_a_wait_within_a_wait_is_counted_once(hands):
    clock = Clock(now=hands)
    with clock.waiting("evaluation"):
        hands.time += 1
        with clock.waiting("checkpoint"):
            hands.time += 2
        hands.time += 4
    assert clock.take() == split(evaluation=5.0, checkpoint=2.0)


def test_take_in_the_middle_of_a_wait_splits_it(hands):
    clock = Clock(now=hands)
    with clock.waiting("startup"):
        hands.time += 7
        assert clock.take() == split(startup=7.0)
        hands.time += 1
    assert clock.take() == split(startup=1.0)


def test_an_exception_ends_the_wait(hands):
    clock = Clock(now=hands)
    with pytest.raises(OSError), clock.waiting("checkpoint"):
        hands.time += 2
        raise OSError("disk full")
    hands.time += 1
    assert clock.take() == split(checkpoint=2.0, compute=1.0)


def test_an_unknown_category_is_refused(hands):
    with pytest.raises(ValueError, match="no category 'dta'"), Clock(now=hands).waiting("dta"):
        pass


def test_what_is_done_until_the_switch(hands):
    clock = Clock(begin="startup", now=hands)
    hands.time += 5
    with clock.waiting("data"):
        hands.time += 1
    clock.switch("compute")
    hands.time += 2
    assert clock.take() == split(startup=5.0, data=1.0, compute=2.0)
