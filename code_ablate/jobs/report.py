"""Writes the report of a study that has run. Reads its results alone: no JAX, SeqIO or gin.

print(write_study_report("runs/study-demo"))
"""

from etils import epath

from code_ablate.analysis.report.page import terminal_table, write_report
from code_ablate.analysis.results.study_record import FILE, StudyRecord
from code_ablate.errors import UserError


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


def write_study_report(directory: epath.PathLike, out: epath.PathLike | None = None) -> str:
    """Writes the HTML file and returns the table for the terminal, with the file's path.

    `out`: the file; None: report.html beside the results. Raises UserError if there are no results.
    """
    path = epath.Path(out) if out else epath.Path(directory) / "report.html"
    return f"{terminal_table(write_report(directory, path))}\nreport: {path}"
