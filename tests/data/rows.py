"""Files of evaluation rows for tests."""

import gzip
import json


def write(path, rows):
    """Writes rows as JSONL, zipped if the name says so; returns the path."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)
