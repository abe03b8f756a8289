"""Writes the report of a study that has run. Reads its results alone: no JAX, SeqIO or gin.

print(write_study_report("runs/study-demo"))
"""

from etils import epath

from code_ablate.analysis.report.page import terminal_table, write_report
from code_ablate.analysis.results.study_record import FILE


def is_results(path: epath.PathLike) -> bool:
    """Whether `path` is the folder of a finished study."""
    return (epath.Path(path) / FILE).exists()


def write_study_report(directory: epath.PathLike, out: epath.PathLike | None = None) -> str:
    """Writes the HTML file and returns the table for the terminal, with the file's path.

    `out`: the file; None: report.html beside the results. Raises UserError if there are no results.
    """
    path = epath.Path(out) if out else epath.Path(directory) / "report.html"
    return f"{terminal_table(write_report(directory, path))}\nreport: {path}"
