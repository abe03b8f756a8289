import contextlib
import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios

import pytest

from code_ablate.progress import BAR_COLUMNS, TrainingProgress, duration, step_line

LINE = {
    "step": 1200,
    "tokens": 314_572_800,
    "loss": 3.2141,
    "learning_rate": 9.8e-4,
    "grad_norm": 0.4183,
    "tokens_per_second": 2_513_456.0,
    "mfu": 0.5512,
    "seconds": 1300.0,
    "seconds_left": 66_000.0,
    "seconds/data": 0.5,
    "loss/demo.text": 3.1,
    "epochs/demo.text": 0.0213,
    "epochs/demo.web_code": 0.0488,
}
STEPS = 47_684
WHOLE = (
    "step 1,200/47,684  2.5 %  loss 3.214  lr 9.8e-04  grad 0.42  2.51M tok/s  MFU 55 %  "
    "epochs text 0.02 web_code 0.05  left 18 h 20 min"
)


def test_the_step_line():
    assert step_line(LINE, STEPS) == WHOLE
    assert step_line({**LINE, "skipped_steps": 0}, STEPS) == WHOLE
    assert "grad 0.42  skipped 3  2.51M" in step_line({**LINE, "skipped_steps": 3}, STEPS)


def test_what_the_metrics_lack_is_left_out():
    assert step_line({"step": 0}, 20) == "step 0/20  0.0 %"
    assert step_line({"step": 5, "loss": 2.0}, 20) == "step 5/20  25.0 %  loss 2.000"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (len(WHOLE), WHOLE),
        (len(WHOLE) - 1, WHOLE.replace("  epochs text 0.02 web_code 0.05", "")),
        (
            100 - BAR_COLUMNS - 4,
            "step 1,200/47,684  loss 3.214  lr 9.8e-04  2.51M tok/s  MFU 55 %  left 18 h 20 min",
        ),
        (80 - BAR_COLUMNS - 4, "step 1,200/47,684  loss 3.214  2.51M tok/s  left 18 h 20 min"),
        (0, "step 1,200/47,684  loss 3.214"),
    ],
)
def test_a_narrow_line_drops_parts_in_the_documented_order(width, expected):
    assert step_line(LINE, STEPS, width) == expected


@pytest.mark.parametrize(
    ("corpora", "shown"),
    [
        (["demo.text"], "text"),
        (["demo.text", "mine.text"], "demo.text mine.text"),
        (["a.b.text", "a.b.textbook"], "text textbook"),  # whole parts only
        (["text", "text.more"], "text text.more"),
    ],
)
def test_names_of_corpora_are_shortened_by_the_parts_they_share(corpora, shown):
    line = {"step": 1} | {f"epochs/{corpus}": 1.0 for corpus in corpora}
    assert re.sub(" 1.00", "", step_line(line, 1)).endswith(f"epochs {shown}")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45.4, "45 s"), (200, "3 min 20 s"), (3720, "1 h 02 min"), (4e6, "1,111 h 06 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def run_training(first=0, show=True):
    with TrainingProgress(4, "[3/26] pretraining seed 0", first=first, show=show) as progress:
        for done in range(first + 1, 5):
            progress.step(done)
            if done % 2 == 0:
                progress.line({"step": done, "loss": 1.0})


@pytest.mark.parametrize("first", [0, 2])
def test_in_a_file_the_label_stands_once_and_a_line_for_each_line_of_metrics(monkeypatch, first):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    run_training(first)
    label, *lines = sys.stderr.getvalue().splitlines()
    assert label == "[3/26] pretraining seed 0" + (", going on at step 2" if first else "")
    expected = [
        "step 2/4  50.0 %  loss 1.000",
        "step 4/4  100.0 %  loss 1.000",
    ]
    assert lines == expected[bool(first) :]


def test_only_one_process_shows_anything(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    run_training(show=False)
    assert sys.stderr.getvalue() == ""


def read_all(master):
    """What was written to a terminal whose other end is closed."""
    shown = b""
    with os.fdopen(master, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while part := file.read(4096):  # OSError is how Linux says that there is no more
            shown += part
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 40, 0])
def test_on_a_terminal_the_line_is_redrawn_in_place(monkeypatch, columns):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        run_training()
    shown = read_all(master)
    label, *rest = shown.split("\r\n")
    assert label == "[3/26] pretraining seed 0"
    assert "\r" in rest[0] and rest[-1] == ""
    drawings = [text for text in re.split(r"[\r\n]+", shown)[1:] if text.strip()]
    last = drawings[-1].rstrip()
    assert re.fullmatch(r"\|█{12}\| step 4/4(  100\.0 %)?  loss 1\.000", last), last
    assert ("100.0 %" in last) == (columns != 40)
    assert all(len(text) <= (columns or 80) for text in drawings)
