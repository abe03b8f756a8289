"""Executes the notebooks in place, on the demo's results: `make notebooks`.

    python notebooks/execute.py            # all of them, from the folder that holds runs/ and data/

Each notebook names what it opens in its first cell of code. A cell that shows documents of others
is tagged "documents": what it shows is not kept.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

FOLDER = Path(__file__).resolve().parent
SECONDS = 600
"""Longest that a cell may take, or the start of its kernel."""


def executed(
    path: Path, folder: Path, names: Mapping[str, Any] | None = None
) -> nbformat.NotebookNode:
    """The notebook with what its cells give in `folder`; the file stays as it is.

    `names`: values in the place of those that the first cell of code gives, by name. Raises
    ValueError for a name that it does not give, CellExecutionError where a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = _with_values(first.source, names or {})
    # A kernel starts in `folder`, where relative paths of this process lead elsewhere.
    paths = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    with tempfile.TemporaryDirectory() as sockets:
        # By sockets that belong to the user: nobody else can connect to the kernel.
        transport = {"transport": "ipc", "ip": str(Path(sockets) / "kernel")}
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            startup_timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": transport}),
        )
        return client.execute(env={**os.environ, "PYTHONPATH": paths})


def _with_values(source: str, names: Mapping[str, Any]) -> str:
    lines, left = [], dict(names)
    for line in source.splitlines():
        name = line.partition(" = ")[0]
        lines.append(f"{name} = {left.pop(name)!r}" if name in left else line)
    if left:
        raise ValueError(f"the first cell gives no {', '.join(left)}")
    return "\n".join(lines)


def kept(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without documents of others, and without what differs between machines."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "documents" in cell.metadata.get("tags", ()):
            cell.outputs = []
    language = {"name": "python"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": language})
    return notebook


def main(arguments: Sequence[str]) -> None:
    """Executes the named notebooks, or all."""
    for path in [Path(name) for name in arguments] or sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(kept(executed(path, Path.cwd())), path)
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
