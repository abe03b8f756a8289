"""Writes the report of studies that have run. Reads their results alone: no JAX, SeqIO or gin.

print(write_study_report("runs/study-demo"))
print(report_together(["runs/study-a", "runs/study-b"], out="together.html"))
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from etils import epath

from code_ablate import storage
from code_ablate.analysis.report.page import terminal_table, write_report
from code_ablate.analysis.results.study_record import FILE, StudyRecord
from code_ablate.errors import UserError
from code_ablate.evaluation.kinds import BITS_PER_BYTE

if TYPE_CHECKING:
    import pandas as pd

    from code_ablate.analysis.laws.optimum import Optimum


def is_results(path: epath.PathLike) -> bool:
    """Whether `path` is the folder of a finished study."""
    return (epath.Path(path) / FILE).exists()


def require_results(directory: epath.Path, configuration: str, again: str) -> None:
    """Raises UserError if a folder has no results, or those of another configuration.

    `configuration`: `Study.configuration`; `again`: the command that makes the results.
    """
    if not is_results(directory):
        raise UserError(f"no results in {directory}: run {again}.")
    if StudyRecord.read(directory / FILE).configuration != configuration:
        raise UserError(
            f"the results in {directory} were made with another configuration: run {again} with "
            f"the same scale, files and bindings, give Study.name another value, or report what is "
            f"there: code-ablate report {directory}."
        )


def write_study_report(
    directory: epath.PathLike,
    out: epath.PathLike | None = None,
    *,
    law: bool = False,
    png: bool = False,
) -> str:
    """Writes the HTML file and returns the table for the terminal, with the file's path.

    `out`: the file; None: report.html beside the results. `law`: fits the laws of the mixture to
    the study's bits per byte, for a section of the report. `png`: the main figures as a picture
    beside the file, too. Raises UserError if there are no results, or too few mixtures for a law.
    """
    path = epath.Path(out) if out else epath.Path(directory) / "report.html"
    optimum = _fitted_law(directory) if law else None
    report = write_report(directory, path, law=optimum, png=png)
    return f"{terminal_table(report)}\nreport: {path}"


def _fitted_law(directory: epath.PathLike) -> "Optimum":
    """The laws fitted to bits per byte: of these, each run has a value of each domain."""
    # Here: laws need pandas and scikit-learn, which other reports do not wait for.
    from code_ablate.jobs.mixture_law import read_runs, study_mixtures

    return study_mixtures(read_runs(directory, targets=[f"{BITS_PER_BYTE}/*"]))


def report_together(folders: Sequence[epath.PathLike], out: epath.PathLike | None = None) -> str:
    """The report of several studies; returns their arms in one table, for the terminal.

    `out`: the HTML file, or a CSV file for the table alone; None: NAME-and-NAME.html beside the
    first folder. Raises UserError if one is not finished, or their scores cannot stand in one
    table.
    """
    from code_ablate.analysis.report.joint_page import write_joint_report
    from code_ablate.analysis.report.several_studies import arm_rows, arms_text
    from code_ablate.analysis.results.several import load_several

    ending = epath.Path(out).suffix if out is not None else ".html"
    if ending not in (".html", ".csv"):
        raise UserError(
            f"several studies are written as a page or as a table: name a .html or a .csv file, "
            f"not {out}."
        )
    absent = [str(folder) for folder in folders if not is_results(folder)]
    if absent:
        raise UserError(
            f"no {FILE} in {', '.join(absent)}: several studies are named by the folders of their "
            "results."
        )
    studies = load_several(folders)
    rows = arm_rows(studies)
    text = arms_text(studies, rows)
    if ending == ".csv":
        import pandas as pd

        return f"{text}\ntable: {save_table(pd.DataFrame(rows), out)}"
    if out is None:
        paths = [epath.Path(folder).resolve() for folder in folders]
        out = paths[0].parent / f"{'-and-'.join(path.name for path in paths)}.html"
    return f"{text}\nreport: {write_joint_report(studies, rows, out)}"


def save_table(table: "pd.DataFrame", path: epath.PathLike) -> epath.Path:
    """Writes a table as CSV, and makes its folder. Raises UserError if that is not possible."""
    return storage.write_output(path, table.to_csv(index=False), "the table")
