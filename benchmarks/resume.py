"""Kills training with SIGKILL at random moments: work lost per kill, and time to go on.

    python -m benchmarks.resume
    python -m benchmarks.resume --repeats 20 --checkpoint-every 50

Each repeat is one kill. The same phase is first trained by a process that nobody kills; both runs
have to end with the same bits. A kill falls anywhere from a process' first new step to two
checkpoint intervals later.
"""

import itertools
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure, models
from benchmarks.stores import make_stores
from code_ablate.errors import Failed

POLL_SECONDS = 0.005
INTERVALS_BEFORE_A_KILL = 2.0
"""At most. A process lives through one on average, so that training gets on between kills."""
SEED = 0


class Run:
    """A run in a folder of its own, and the process that trains it."""

    def __init__(self, folder: str, name: str, arguments: dict):
        self._runs = Path(folder) / name
        self._log = Path(folder) / f"{name}.log"
        self._arguments = json.dumps({"folder": folder, "runs": str(self._runs), **arguments})
        self.process: subprocess.Popen

    def start(self) -> None:
        """Starts a process that trains the run to its end, unless it is killed."""
        command = [sys.executable, "-m", "benchmarks.child", "train", self._arguments]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def start_and_wait(self) -> tuple[int, float]:
        """(step from which training went on, seconds until its first new step was logged)."""
        before, begin = self._written(), time.perf_counter()
        self.start()
        while self._written() == before:  # written when what is to be done again has been dropped
            self._pause()
        first = self.status["step"]
        while self.last_step <= first:
            self._pause()
        return first, time.perf_counter() - begin

    def kill_after(self, seconds: float) -> bool:
        """Kills the process after this time; False if it ended before."""
        try:
            self.process.wait(timeout=seconds)
            return False
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            return self.process.wait() == -signal.SIGKILL

    def finish(self) -> dict:
        """Waits for the end of training, and returns its status."""
        if self.process.wait() != 0:
            raise Failed(f"training has failed:\n{self._log.read_text()[-2000:]}")
        return self.status

    def lines(self) -> list[dict]:
        """The whole lines of metrics.jsonl, one for each step done."""
        texts = [file.read_text() for file in self._runs.glob("*/metrics.jsonl")]
        whole = "".join(texts).rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith('{"step')]

    @property
    def last_step(self) -> int:
        """Step of the last line; 0 without any."""
        return max((line["step"] for line in self.lines()), default=0)

    @property
    def status(self) -> dict:
        """What the run's status.json says."""
        (file,) = self._runs.glob("*/status.json")
        return json.loads(file.read_text())

    def _written(self) -> int | None:
        """When status.json was written, in nanoseconds."""
        return next((file.stat().st_mtime_ns for file in self._runs.glob("*/status.json")), None)

    def _pause(self) -> None:
        if self.process.poll():
            self.finish()
        time.sleep(POLL_SECONDS)


def main(argv: list[str] | None = None) -> None:
    """Trains once in peace and once with kills, and compares."""
    flags = measure.parser(__doc__, repeats=5)
    flags.add_argument("--model", default="toy")
    flags.add_argument("--seq-len", type=int, default=128)
    flags.add_argument("--batch-windows", type=int, default=8)
    flags.add_argument("--checkpoint-every", type=int, default=20, help="steps")
    options = flags.parse_args(argv)
    every = options.checkpoint_every
    arguments = {
        "model": options.model,
        "batch_windows": options.batch_windows,
        "seq_len": options.seq_len,
        "steps": round(every * INTERVALS_BEFORE_A_KILL * (options.repeats + 1)),
        "checkpoint_every": every,
    }
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = models.find(options.model).vocabulary_size
        tokens = 20 * options.batch_windows * (options.seq_len + 1)
        make_stores(Path(folder), corpora=2, tokens=tokens, vocabulary=vocabulary)
        in_peace = Run(folder, "in-peace", arguments)
        in_peace.start()
        expected = in_peace.finish()
        times = [line["seconds"] for line in in_peace.lines()]
        step_seconds = statistics.median(b - a for a, b in itertools.pairwise(times))
        measure.say(f"in peace: {expected['seconds']:.1f} s, {step_seconds:.3f} s a step")
        killed = Run(folder, "killed", arguments)
        lost, going_on = _kill(killed, options.repeats, every * step_seconds)
        status = killed.finish()
    if status["fingerprint"] != expected["fingerprint"]:
        raise Failed(f"the killed run ended with other bits: {status}, {expected}.")
    measure.report(
        "resume",
        {
            "what": "training killed with SIGKILL at random moments, and started again",
            "model": options.model,
            "batch_windows": options.batch_windows,
            "seq_len": options.seq_len,
            "steps": status["steps"],
            "checkpoint_every_steps": every,
            "seconds_per_step": measure.shortened(step_seconds),
            "lost_steps_per_kill": measure.spread(lost),
            "lost_seconds_per_kill": measure.spread(steps * step_seconds for steps in lost),
            "lost_share_of_interval": measure.spread(steps / every for steps in lost),
            "seconds_to_first_new_step": measure.spread(going_on),
            "fingerprint": status["fingerprint"],
            "fingerprint_in_peace": expected["fingerprint"],
        },
        repeats=len(lost),
    )


def _kill(run: Run, kills: int, interval_seconds: float) -> tuple[list[int], list[float]]:
    """Steps done again after each kill, and seconds from the start after it to a new step."""
    lost: list[int] = []
    going_on: list[float] = []
    rng = random.Random(SEED)
    reached = None
    while True:
        first, seconds = run.start_and_wait()
        if reached is not None:
            lost.append(reached - first)
            going_on.append(seconds)
            measure.say(f"killed after step {reached}, went on from {first} in {seconds:.1f} s")
        wait = rng.uniform(0, INTERVALS_BEFORE_A_KILL * interval_seconds)
        if len(lost) == kills or not run.kill_after(wait):
            break
        reached = run.last_step
    if not lost:
        raise Failed("training came to its end before the first kill: raise --checkpoint-every.")
    return lost, going_on


if __name__ == "__main__":
    measure.command(main)
