"""What the command line says when a disk does not take a file, and of files of newer versions."""

import errno
import os

import pytest

from code_ablate import cli
from code_ablate.errors import Failed, NewerFormat, disk_failures, require_format


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota raised"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "choose a folder"),
        (errno.EACCES, "choose a folder"),
        (errno.EISDIR, "move what is there away"),
        (errno.ENOTDIR, "move what is there away"),
        (errno.EEXIST, "move what is there away"),
        (errno.ELOOP, "move what is there away"),
    ],
)
def test_a_disk_that_fails_is_one_line_and_exit_code_3(monkeypatch, capsys, number, remedy):
    def fail(options):
        raise OSError(number, os.strerror(number), "/data/stores/x")

    monkeypatch.setattr("code_ablate.commands.reference_commands.show_list", fail)
    assert cli.main(["list", "corpora"]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: /data/stores/x: {os.strerror(number)}.") and remedy in line


def test_other_errors_pass():
    for error in (OSError(errno.EIO, "I/O"), ValueError("os_error"), KeyError("x")):
        with pytest.raises(type(error)), disk_failures("/data"):
            raise error


def test_errors_of_tensorstore_name_the_folder():
    with pytest.raises(Failed, match=r"^/data: No space left"), disk_failures("/data"):
        raise ValueError(f"Failed to write [os_error_code='{errno.ENOSPC}']")


def test_formats():
    require_format("it", 2, 2)
    with pytest.raises(NewerFormat, match=r"it was written by a newer .*format is 3.*upgrade"):
        require_format("it", 3, 2)
    for other in (1, None, "3"):
        with pytest.raises(ValueError, match="not 2"):
            require_format("it", other, 2)
