"""Judges in a row, over several corpora."""

from dataclasses import dataclass

import numpy as np

from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.verdicts import Verdicts, judge


@dataclass(frozen=True)
class Shared:
    """Drops documents whose bytes stand in an earlier corpus: a judge that compares corpora."""

    signatures = ()

    def judge(self, corpora, group):
        seen: set[int] = set()
        verdicts = []
        for documents in corpora:
            sizes = documents.rows_N["bytes"].tolist()
            drop_N = np.array([size in seen for size in sizes], bool)
            verdicts.append(Verdicts.of({"shared": drop_N}, len(sizes)))
            seen |= set(sizes)
        return verdicts


@dataclass(frozen=True)
class Over:
    """Drops documents above a size."""

    limit: int
    signatures = ()

    def judge(self, corpora, group):
        return [
            Verdicts.of({"over": d.rows_N["bytes"] > self.limit}, len(d.rows_N)) for d in corpora
        ]


def documents(corpus: str, *sizes: int) -> Documents:
    rows = np.zeros(len(sizes), [("bytes", "<i8")])
    rows["bytes"] = sizes
    return Documents(corpus, rows, np.zeros(len(sizes), bool))


def test_each_judge_sees_what_those_before_it_have_kept():
    corpora = [documents("a", 1, 9, 2), documents("b", 9, 2, 3)]
    first, second = judge(corpora, [Over(5), Shared()])
    assert [first[i] for i in range(3)] == [None, "over", None]
    assert [second[i] for i in range(3)] == ["over", "shared", None]
    assert second.kept_N.tolist() == [False, False, True]
    # In the other order the document of size 9 in b is shared, and never reaches the second judge.
    first, second = judge(corpora, [Shared(), Over(5)])
    assert [first[i] for i in range(3)] == [None, "over", None]
    assert [second[i] for i in range(3)] == ["shared", "shared", None]


def test_the_first_of_several_reasons_counts():
    yes, no = np.array([True, True, False]), np.array([False, True, False])
    verdicts = Verdicts.of({"one": no, "two": yes}, 3)
    assert [verdicts[i] for i in range(3)] == ["two", "one", None]
    assert {reason: mask.tolist() for reason, mask in verdicts.dropped.items()} == {
        "one": [False, True, False],
        "two": [True, False, False],
    }


def test_without_judges_all_stay():
    (verdicts,) = judge([documents("a", 1, 2)], [])
    assert verdicts.kept_N.all() and verdicts.dropped == {}
