"""Which way the arrows of analysis/ point."""

import subprocess
import sys
from pathlib import Path

import pytest

import code_ablate.analysis
from tests.test_imports import run

FORBIDDEN = ("jax", "tensorflow", "seqio", "flax", "gin")
ROOMS = ("code_ablate.training", "code_ablate.study", "code_ablate.jobs", "code_ablate.model")


def test_the_report_loads_neither_accelerators_nor_the_rooms_above_it():
    code = (
        "import sys, code_ablate.analysis.report.page, code_ablate.analysis.report.judging_tables;"
        f"print([m for m in sys.modules if m in {FORBIDDEN} or m.startswith({ROOMS})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_report_is_written_where_none_of_them_is_installed(study_dir, tmp_path):
    """Nor pandas: it takes longer to import than all of the report."""
    code = f"""
        from code_ablate.jobs.report import write_study_report
        print(write_study_report({str(study_dir)!r}, {str(tmp_path / "r.html")!r}))
    """
    done = run(code, *FORBIDDEN, "t5", "tensorflow_datasets", "pandas", "sklearn")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "r.html").stat().st_size > 100_000


@pytest.mark.parametrize("room", ["estimation", "laws"])
def test_estimation_and_laws_know_no_study(room):
    files = sorted((Path(code_ablate.analysis.__path__[0]) / room).glob("*.py"))
    assert files
    for file in files:
        for other in ("results", "report", "kinds"):
            assert f"code_ablate.analysis.{other}" not in file.read_text(), file
