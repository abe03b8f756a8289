"""Templates of the page, and how they are filled in.

render("noise.html", tables=tables)        # Markup, which other templates take as it is

Everything that is filled in is escaped, unless it is `Markup`; a name that a template uses and
nobody gives is an error.
"""

import functools

import jinja2
from markupsafe import Markup


def render(template: str, **values: object) -> Markup:
    """A template of this package, filled in."""
    return Markup(_environment().get_template(template).render(values))


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("code_ablate.analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
