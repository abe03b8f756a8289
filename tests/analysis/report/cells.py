"""What stands in the data attributes of a report, and everything that could load something."""

from html.parser import HTMLParser


class Cells(HTMLParser):
    """Collects cells, loads and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[dict[str, str]] = []
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        if "data-kind" in found:
            self.cells.append({k.removeprefix("data-"): v for k, v in found.items()})
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            if name in found:
                self.loads.append(found[name])


def parse(text: str) -> Cells:
    """The cells, loads and tags of a page."""
    parser = Cells()
    parser.feed(text)
    return parser
