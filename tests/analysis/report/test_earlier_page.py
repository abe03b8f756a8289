"""Texts of a page take changes from the table beside an earlier one, and are refused without."""

import io

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from code_ablate.analysis.report.written_numbers import with_numbers
from code_ablate.errors import UserError

TABLE = """study,size,stage,recipe,metric,relative,relative_low,relative_high,seeds
ladder,291K,pretraining,half,accuracy/a,0.0853,0.0791,0.0917,5
ladder,639K,pretraining,half,accuracy/a,-0.0777,-0.0829,-0.0726,3
ladder,639K,cooldown,half,accuracy/a,0.0002,-0.01,0.01,3
other,291K,pretraining,half,accuracy/a,,,,3
twice,291K,pretraining,half,accuracy/a,0.1,0.0,0.2,3
twice,291K,pretraining,half,accuracy/a,0.2,0.1,0.3,3
"""


@pytest.fixture
def written(tmp_path):
    for folder, table in {"first": TABLE, "empty": TABLE.splitlines()[0] + "\n"}.items():
        (tmp_path / folder).mkdir()
        rows = pyarrow.csv.read_csv(io.BytesIO(table.encode()))
        pq.write_table(rows, tmp_path / folder / "changes.parquet")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "changes.parquet").write_text("PAR1")

    def fill(named):
        return with_numbers(f"{{{{ {named} }}}}", [], "second/words.md", tmp_path / "second")

    return fill


def test_a_change_is_written_as_its_own_page_has_it(written):
    first = "page('first')('ladder', 'half', 'accuracy/a', size=%r)"
    assert written(first % "291K") == "+8.5\u00a0% [+7.9, +9.2]"
    assert written(f"({first % '639K'}).brief") == "−7.8\u00a0%"
    assert written(f"({first % '291K'}).seeds") == "5"
    later = "page('first')('ladder', 'half', 'accuracy/a', size='639K', at='cooldown')"
    assert written(later) == "0.0\u00a0% [−1.0, +1.0]"
    only_size = "page('first')('ladder', 'half', 'accuracy/a', at='cooldown')"
    assert written(only_size) == written(later)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("page('none')('ladder', 'half', 'accuracy/a')", r"none.changes\.parquet does not exist"),
        (
            "page('first')('ladders', 'half', 'accuracy/a')",
            r"no study 'ladders' there; ladder, other",
        ),
        ("page('first')('ladder', 'half', 'accuracy/b')", r"no metric 'accuracy/b' there; acc"),
        ("page('first')('ladder', 'half', 'accuracy/a')", r"no size '' there; 291K and 639K"),
        ("page('first')('ladder', 'half', 'accuracy/a', at='end')", r"no stage 'end' there; pre"),
        ("page('first')('other', 'half', 'accuracy/a')", r"no change of half in percent"),
        ("page('first')('twice', 'half', 'accuracy/a')", r"has 2 changes of half by accuracy/a"),
        ("page('empty')('ladder', 'half', 'accuracy/a')", r"is no table of changes"),
        ("page('torn')('ladder', 'half', 'accuracy/a')", r"is not a readable Parquet file"),
        ("page('second')('ladder', 'half', 'accuracy/a')", r"second is this page itself"),
    ],
)
def test_what_is_not_there_is_refused_by_name(written, named, said):
    with pytest.raises(UserError, match=rf"second/words\.md: .*{said}"):
        written(named)
