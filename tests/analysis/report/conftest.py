"""The page of the synthetic study."""

import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.page import write_report


@pytest.fixture(scope="session")
def page(study_dir, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "sub" / "report.html"
    write_report(study_dir, path, Settings(), png=True)
    assert 0 < path.with_suffix(".png").stat().st_size < 200_000
    return path.read_text(encoding="utf-8")
