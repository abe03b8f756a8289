import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.laws.mixture_records import Scaling
from code_ablate.analysis.laws.read_records import read_records
from code_ablate.analysis.laws.stack import fit_stack
from code_ablate.errors import UserError
from tests.analysis.laws.conftest import CORPORA, TARGETS, make_records, mixtures
from tests.tolerance import assert_close


def write(tmp_path, text: str, name: str = "runs.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_shares_are_found_by_their_sum_and_the_rest_are_targets(tmp_path):
    records = read_records(
        write(
            tmp_path,
            "run,seed x,a,b,unused,loss,acc\nr1,3,0.2,0.8,0,2.5,0.4\nr2,4,0.7,0.3,0,2.25,\n",
        ),
        higher_is_better=["acc"],
    )
    assert records.corpora == ("a", "b", "unused")
    assert records.targets == ("seed x", "loss", "acc")
    assert records.runs == ("r1", "r2")
    assert records.higher_is_better == {"acc"}
    np.testing.assert_array_equal(records.rates_NC, [[0.2, 0.8, 0], [0.7, 0.3, 0]])
    np.testing.assert_array_equal(records.values_NT, [[3, 2.5, 0.4], [4, 2.25, np.nan]])


def test_percent_are_divided_and_rounded_shares_rescaled(tmp_path):
    records = read_records(write(tmp_path, "a,b,loss\n20,80,2\n49.6,50,3\n"))
    np.testing.assert_allclose(records.rates_NC, [[0.2, 0.8], [49.6 / 99.6, 50 / 99.6]])


def test_two_files_are_joined_by_what_names_runs_in_any_order(tmp_path):
    shares = write(tmp_path, ",run,index,a,b\n0,x,0,0.5,0.5\n1,y,1,0.1,0.9\n")
    losses = write(tmp_path, ",run,index,loss\n0,y,1,3\n1,x,0,2\n", "losses.csv")
    records = read_records(shares, losses)
    assert (records.targets, records.runs) == (("loss",), ("x", "y"))
    np.testing.assert_array_equal(records.values_NT[:, 0], [2, 3])


def test_sizes_and_tokens_are_known_by_their_names(tmp_path):
    text = "a,b,Parameters,tokens,loss\n0.5,0.5,1e6,1e9,2\n0.1,0.9,6e7,1e9,3\n"
    records = read_records(write(tmp_path, text))
    assert records.targets == ("loss",)
    assert list(records.covariates) == ["size"]  # all had as many tokens
    assert records.sizes_N.tolist() == [1e6, 6e7]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b,loss,loss\n0.5,0.5,1,2\n0.1,0.9,1,2\n", {}, "two columns 'loss'"),
        (
            "id,a,b,loss\nr,0.5,0.5,1\nr,0.1,0.9,2\n",
            {"run": "id"},
            "column 'id' names 'r' twice: --run-column takes",
        ),
        ("a,b,loss\n0.5,0.4,2\n", {}, "no columns beside each other sum to 1"),
        ("a,b,loss\n0.5,0.4,2\n", {"corpora": ["a", "b"]}, "sum that is not 1 (here 0.9)"),
        ("a,b,loss\n-0.5,1.5,2\n", {"corpora": ["a", "b"]}, "below 0"),
        ("a,b,loss\n,1,2\n", {"corpora": ["a", "b"]}, "missing"),
        ("a,b,loss\n0.5,0.5,inf\n", {}, "is infinite"),
        ("a,b,loss\n0.5,0.5,2\n", {"corpora": ["c"]}, "no corpus named 'c'"),
        ("a,b,loss\n0.5,0.5,2\n", {"targets": ["lose"]}, "did you mean 'loss'?"),
        ("a,b,loss\n0.5,0.5,bad\n", {"targets": ["loss"]}, "'bad', which is no number"),
        ("a,b\n0.5,0.5\n", {}, "no column of measurements"),
        ("a,b,loss\n", {}, "has no rows"),
        ("a,b,loss\n0.5,0.5,2\n", {"run": "ran"}, "no column named 'ran'"),
        ("", {}, "cannot be read as CSV"),
        ("loss\n2\n3\n", {}, "sum to 1"),
    ],
)
def test_what_is_no_table_of_runs_is_refused_in_one_message(tmp_path, text, options, said):
    with pytest.raises(UserError) as error:
        read_records(write(tmp_path, text), **options)
    assert said in str(error.value)


def test_each_run_has_one_name():
    with pytest.raises(UserError, match="2 names for 12 runs"):
        replace(make_records(12), runs=("a", "b"))


def test_runs_in_only_one_of_two_files_are_refused(tmp_path):
    shares = write(tmp_path, "run,a,b\nx,0.5,0.5\ny,0.1,0.9\n")
    losses = write(tmp_path, "run,loss\nx,2\nz,3\n", "losses.csv")
    with pytest.raises(UserError, match="2 runs are in only one of the two files"):
        read_records(shares, losses)
    twice = write(tmp_path, "run,loss\nx,2\nx,3\n", "losses.csv")
    with pytest.raises(UserError, match="does not name each run once"):
        read_records(shares, twice, run="run")
    with pytest.raises(UserError, match="share no column"):
        read_records(shares, twice)


def test_a_law_is_refused_where_there_is_nothing_to_learn():
    one = np.zeros((20, len(CORPORA)))
    one[:, 0] = 1
    for records, said in (
        (make_records(20, rates_NC=one), "one corpus alone"),
        (make_records(7), "on 7 different mixtures"),
        (make_records(20, values_NT=np.ones((20, 3))), "the same in every run"),
        (make_records(20, rates_NC=np.repeat(mixtures(4, 0), 5, 0)), "on 4 different mixtures"),
    ):
        with pytest.raises(UserError) as error:
            fit_stack(records)
        assert said in str(error.value)


def test_targets_of_which_more_is_better_are_turned_and_turned_back():
    records = make_records(20)
    turned = make_records(20, values_NT=-records.values_NT, higher_is_better=frozenset(TARGETS))
    a = Scaling.of(records).observations(records)
    b = Scaling.of(turned).observations(turned)
    assert_close(a.values_NT, b.values_NT, share=1e-12)


def test_the_order_of_rows_and_a_round_trip_through_csv_change_nothing(tmp_path):
    records = make_records(12)
    frame = pd.DataFrame(records.rates_NC, columns=list(CORPORA))
    frame = frame.assign(**dict(zip(TARGETS, records.values_NT.T, strict=True)))
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False)
    back = read_records(write(tmp_path, buffer.getvalue()))
    assert (back.corpora, back.targets) == (CORPORA, TARGETS)
    np.testing.assert_allclose(back.rates_NC, records.rates_NC, rtol=1e-12)
