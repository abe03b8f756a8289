"""The report of several studies: one HTML file, made of the templates of a single study's.

    studies = load_several(["runs/study-a", "runs/study-b"])
    write_joint_report(studies, arm_rows(studies), "together.html")

Each study is judged by itself, against its own baseline: nothing is tested across studies. What
they share and what differs between them is said, and their arms stand in one figure and one table.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.analysis.report.content import make_report
from code_ablate.analysis.report.data_files import write_data
from code_ablate.analysis.report.phrases import counted, joined
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.report.sections import joint_sections
from code_ablate.analysis.results.several import SeveralStudies
from code_ablate.errors import UserError


def write_joint_report(
    studies: SeveralStudies, rows: Sequence[Mapping[str, Any]], out_path: epath.PathLike
) -> epath.Path:
    """Writes the page, and beside it a folder, NAME_data, with the arms as CSV and Parquet.

    `rows`: those of `arm_rows`. Returns the page. Raises UserError if it cannot be
    written, or as `make_report` does.
    """
    path = epath.Path(out_path)
    data = path.parent / f"{path.stem}_data"
    page = render_joint_report(studies, rows, data.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.replace(path, page)
        write_data({"arms": rows}, data)
    except OSError as error:
        raise UserError(f"cannot write the report to {path}: {error}.") from error
    return path


def render_joint_report(
    studies: SeveralStudies, rows: Sequence[Mapping[str, Any]], data: str = ""
) -> str:
    """The whole page. `data`: name of the folder beside it that holds `rows`, the table of arms."""
    reports = {name: make_report(results) for name, results in studies.results.items()}
    return render(
        "page.html",
        title=f"{joined(studies.results)}: {counted(len(reports), 'study', 'studies')} together",
        subtitle=f"{counted(len(studies.tasks), 'common task')}; "
        f"{counted(len({(r['study'], r['recipe']) for r in rows}), 'recipe')}",
        sections=[
            joint_sections.question(studies),
            joint_sections.answers(reports),
            joint_sections.shared(studies),
            joint_sections.main_section(studies, rows),
            joint_sections.change_section(reports),
            joint_sections.score_section(studies, rows),
            joint_sections.provenance(studies, data),
            joint_sections.limit_section(studies),
        ],
    )
