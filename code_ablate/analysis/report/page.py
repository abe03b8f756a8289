"""The report of a study: one HTML file, tables beside it, and a table for the terminal.

    write_report("runs/demo", "reports/demo.html")
    print(terminal_table(read_report("runs/demo")))

The page needs nothing else: figures are embedded, there is no script, nothing is loaded from a
network. Numbers come from `estimation/summary.py`; this module puts sections in order. A section is
a function that returns a `Section`, with a template in `templates/`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from etils import epath

from code_ablate import storage
from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report, make_report, read_report
from code_ablate.analysis.report.data_files import data_rows, write_data
from code_ablate.analysis.report.drawing import Drawing, save_png
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.figures import main_figures
from code_ablate.analysis.report.phrases import counted
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.report.sections import (
    closing,
    opening,
    score_sections,
    training_sections,
)
from code_ablate.analysis.report.sections.data_read import data_read
from code_ablate.analysis.report.sections.decision_sections import decision_sections
from code_ablate.analysis.report.sections.noise_section import noise_section
from code_ablate.analysis.report.terminal import terminal_table
from code_ablate.analysis.results.results import load_results
from code_ablate.analysis.results.training_curves import TrainingCurves, read_curves
from code_ablate.errors import UserError

if TYPE_CHECKING:
    from code_ablate.analysis.laws.optimum import Optimum

__all__ = ["read_report", "render_report", "terminal_table", "write_report"]


def write_report(
    study_dir: epath.PathLike,
    out_path: epath.PathLike,
    settings: Settings | None = None,
    *,
    law: "Optimum | None" = None,
    png: bool = False,
) -> Report:
    """Reads a study's results and writes its report.

    Beside the page stands a folder, NAME_data, with the numbers as CSV and Parquet; with `png`, the
    main figures, too, as NAME.png. `law`: the mixtures that cannot be told from the best, for a
    section of its own. Returns what it lays out. Raises UserError if the results are absent,
    damaged or not a study's, or the path cannot be written.
    """
    results = load_results(study_dir)
    report = make_report(results, settings)
    curves = read_curves(study_dir, results)
    path = epath.Path(out_path)
    data = path.parent / f"{path.stem}_data"
    tables = data_rows(report, curves, law)
    drawn = main_figures(report)
    page = render_report(
        report, drawn, curves=curves, law=law, data=data.name, tables=tuple(tables)
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.replace(path, page)
        write_data(tables, data)
        if png:
            save_png(list(drawn.values()), path.with_suffix(".png"))
    except OSError as error:
        raise UserError(f"cannot write the report to {path}: {error}.") from error
    return report


def render_report(
    report: Report,
    main_figures: Mapping[Place, Drawing],
    *,
    curves: TrainingCurves | None = None,
    law: "Optimum | None" = None,
    data: str = "",
    tables: Sequence[str] = (),
) -> str:
    """The whole page. `main_figures`: what `figures.main_figures` draws; `tables`: names of those
    that stand beside the page in the folder `data`."""
    record = report.record
    return render(
        "page.html",
        title=f"Study {record.name}: what the training data changed",
        subtitle=f"{record.created[:10]}, code-ablate {record.version}; "
        f"{counted(len(record.recipes), 'recipe')}, {counted(len(record.seeds), 'seed')}",
        sections=[
            section
            for section in (
                opening.question(report),
                opening.answer_section(report),
                opening.design(report),
                data_read(report),
                score_sections.main_section(report, main_figures),
                score_sections.change_section(report),
                *decision_sections(report),
                noise_section(report),
                _law(law),
                score_sections.score_section(report),
                score_sections.published_section(report),
                training_sections.curve_section(report, curves),
                training_sections.cost_section(report),
                closing.provenance(report, tables, data),
                closing.limit_section(report),
                closing.method_section(report),
            )
            if section is not None
        ],
    )


def _law(law: "Optimum | None") -> Section | None:
    if law is None:
        return None
    # Here: laws need pandas, which reports without them do not wait for.
    from code_ablate.analysis.report.sections.law_section import law_section

    return law_section(law)
