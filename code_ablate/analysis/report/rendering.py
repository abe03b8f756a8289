"""Templates of the page, and how they are filled in.

render("noise.html", tables=tables)        # Markup, which other templates take as it is

Everything that is filled in is escaped, unless it is `Markup`; a name that a template uses and
nobody gives is an error.
"""

import functools
from collections.abc import Mapping, Sequence

import jinja2
from markupsafe import Markup

from code_ablate.errors import UserError

_FAULTS = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError)
"""What a text raises whose calls or sums are wrong."""


def render(template: str, **values: object) -> Markup:
    """A template of this package, filled in."""
    return Markup(_environment().get_template(template).render(values))


def render_text(template: str, **values: object) -> str:
    """A template of a page in Markdown, filled in as it stands: nothing is escaped."""
    return _environment(autoescape=False).get_template(template).render(values)


def fill_in(text: str, where: str, values: Mapping[str, object]) -> str:
    """A text of the user's own, filled in as it stands.

    `where`: its file, for messages. Raises UserError for what is no template or names what is not
    among `values`, with the file and, where it is known, the line.
    """

    def finished(value: object) -> object:
        if callable(value) and not isinstance(value, jinja2.Undefined):
            raise UserError(f"{getattr(value, '__name__', type(value).__name__)} is to be called.")
        return value

    environment = _environment(autoescape=False)
    environment = environment.overlay(finalize=finished, keep_trailing_newline=True)
    try:
        return environment.from_string(text).render(values)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"{where}, line {error.lineno}: {error.message}.") from error
    except jinja2.TemplateError as error:
        raise UserError(f"{where}: {error.message}.") from error
    except (UserError, *_FAULTS) as error:
        raise UserError(f"{where}: {error}") from error


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
