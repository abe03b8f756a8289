"""Templates of the page, and how they are filled in.

render("noise.html", tables=tables)        # Markup, which other templates take as it is

Everything that is filled in is escaped, unless it is `Markup`; a name that a template uses and
nobody gives is an error.
"""

import functools
from collections.abc import Sequence

import jinja2
from markupsafe import Markup


def render(template: str, **values: object) -> Markup:
    """A template of this package, filled in."""
    return Markup(_environment().get_template(template).render(values))


def render_text(template: str, **values: object) -> str:
    """A template of a page in Markdown, filled in as it stands: nothing is escaped."""
    return _environment(autoescape=False).get_template(template).render(values)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *body = ([markdown_cell(cell) for cell in row] for row in rows)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body)])


def markdown_cell(text: str) -> str:
    """Text as it stands in a cell of a table in Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")


@functools.cache
def _environment(autoescape: bool = True) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("code_ablate.analysis.report"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = markdown_cell
    return environment
