"""Importing a library whose native code writes to the terminal before anything can be set.

import_quietly("tensorflow")
"""

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator


def import_quietly(library: str) -> None:
    """Imports `library`, and shows what it wrote to stderr only if that fails.

    TensorFlow says twice that there is no GPU, whatever its log level. Raises as an import does.
    """
    if library in sys.modules:
        return
    with tempfile.TemporaryFile() as written:
        try:
            with _stderr_into(written.fileno()):
                importlib.import_module(library)
        except BaseException:
            written.seek(0)
            os.write(2, written.read())
            raise


@contextlib.contextmanager
def _stderr_into(file: int) -> Iterator[None]:
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(file, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
