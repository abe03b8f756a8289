"""Small helpers that write HTML, and the report's style sheet. Nothing here knows of a study.

    page("Title", [tag("h1", "Title"), table(["a", "b"], [[cell("x"), cell("1", value=1.0)]])])

Text is escaped unless it is already `Html`. The page needs no network and no JavaScript.
"""

import html
from collections.abc import Iterable, Sequence


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def escape(text: object) -> Html:
    """Text as HTML; `Html` passes as it is."""
    return text if isinstance(text, Html) else Html(html.escape(str(text)))


def join(parts: Iterable[object], separator: str = "") -> Html:
    """Parts one after the other, each escaped where needed."""
    return Html(separator.join(escape(part) for part in parts))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element. `class_` gives class, `data_x` gives data-x; None leaves an attribute out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{join(content)}</{name}>")


def cell(*content: object, **attributes: object) -> Html:
    """A table cell."""
    return tag("td", *content, **attributes)


def small(*content: object) -> Html:
    """A second line in a cell, smaller and grey."""
    return tag("span", *content, class_="sub")


def table(
    head: Sequence[object],
    rows: Sequence[Sequence[Html]],
    *,
    caption: object = "",
    text_columns: Sequence[int] = (),
) -> Html:
    """A table that scrolls sideways on a narrow screen; the first cell of a row is its header.

    Columns hold numbers and stand to the right, but for the first and the `text_columns`.
    """
    titles = tag(
        "tr",
        *(
            tag("th", title, scope="col", class_="text" if i in text_columns else None)
            for i, title in enumerate(head)
        ),
    )
    lines = [tag("tr", *row) for row in rows]
    parts = [tag("caption", caption)] if caption else []
    whole = tag("table", *parts, tag("thead", titles), tag("tbody", *lines))
    return tag("div", whole, class_="scroll")


def row_header(*content: object, **attributes: object) -> Html:
    """The first cell of a row."""
    return tag("th", *content, scope="row", **attributes)


def figure(data_uri: str, alt: str, caption: object) -> Html:
    """An embedded picture with its caption."""
    if not data_uri.startswith("data:"):
        raise ValueError("a figure must be embedded as a data URI")
    image = Html(f'<img src="{data_uri}" alt="{html.escape(alt)}">')
    return tag("figure", tag("div", image, class_="scroll"), tag("figcaption", caption))


def bullets(items: Iterable[Html]) -> Html:
    """A list; the items are `li` elements."""
    return tag("ul", *items)


def page(title: str, body: Iterable[Html]) -> str:
    """A whole document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1d1d1f; font: 16px/1.55 system-ui, -apple-system,
  "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 1.25rem; margin: 44px 0 8px; padding-top: 12px; border-top: 1px solid #ddd; }
h3 { font-size: 1.02rem; margin: 24px 0 6px; }
p, li { max-width: 46rem; }
code { font: 0.92em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.answer { background: #f3f7fb; border-left: 4px solid #0072b2; padding: 10px 16px; margin: 16px 0; }
.answer p { margin: 6px 0; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0; }
dl.facts dt { color: #5a5a5a; }
dl.facts dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.86rem; line-height: 1.35; margin: 6px 0 14px;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #5a5a5a; padding: 0 0 6px; caption-side: top; }
th, td { padding: 5px 12px 5px 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid #e8e8e8; white-space: nowrap; }
thead th { border-bottom: 1.5px solid #888; vertical-align: bottom; font-weight: 600; }
tbody th { font-weight: 500; }
th:first-child, th.text, td.text { text-align: left; }
td.wrap { white-space: normal; text-align: left; min-width: 16rem; }
.sub { display: block; color: #666; font-size: 0.92em; font-weight: 400; }
.better { color: #005a8f; font-weight: 600; }
.worse { color: #b34700; font-weight: 600; }
.mark { display: inline-block; font-size: 0.82em; color: #7a3b00; background: #fdf0e3;
  border-radius: 3px; padding: 0 4px; margin-top: 1px; }
figure { margin: 14px 0 22px; }
figure img { width: 100%; min-width: 620px; height: auto; display: block; }
figcaption, .note { color: #5a5a5a; font-size: 0.88rem; max-width: 46rem; }
@media (max-width: 640px) {
  main { padding: 16px 12px 40px; }
  h1 { font-size: 1.35rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin: 0 0 6px; }
  tbody th:first-child, thead th:first-child { position: sticky; left: 0; background: #fff; }
}
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.2pt; }
  th, td { padding-right: 6px; }
  figure img { min-width: 0; }
  @page { size: A4 landscape; margin: 14mm; }
}
"""
