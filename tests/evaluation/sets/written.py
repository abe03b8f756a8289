"""Rows of evaluation sets for tests: written to files, and read from sources."""

import gzip
import json


def write(path, rows):
    """Writes rows as JSONL, zipped if the name says so; returns the path."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)


def read(source, **kwargs):
    """The validation rows of a SeqIO source, as plain values."""

    def plain(value):
        return value.decode() if isinstance(value, bytes) else value

    dataset = source.get_dataset("validation", shuffle=False, **kwargs)
    return [
        {
            key: [plain(v) for v in value] if getattr(value, "ndim", 0) else plain(value)
            for key, value in row.items()
        }
        for row in dataset.as_numpy_iterator()
    ]
