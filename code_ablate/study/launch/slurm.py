"""A study as jobs of SLURM: scripts for sbatch, and a script that submits them.

    files = slurm_files(graph, Slurm(options=("--gres=gpu:1",)), folder)
    write_files(files); submitted = submit(folder)

`submit.sh` is all there is to launching: who wants to change a script, or to submit by hand, can.
Phases that are independent and alike are one job array; a child's array waits, task by task, for
its parents' (aftercorr).
"""

import dataclasses
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge

from code_ablate import storage
from code_ablate.checked import NonNegativeInt, PositiveInt, checked
from code_ablate.errors import Failed, UserError
from code_ablate.names import file_part
from code_ablate.shown import brief
from code_ablate.study.launch.job_graph import JobArray, JobGraph

_OURS = (
    *("array", "chdir", "dependency", "job-name", "kill-on-invalid-dep", "no-requeue"),
    *("open-mode", "output", "parsable", "requeue", "signal", "wrap"),
    *("a", "D", "d", "J", "o"),
)
"""Options of sbatch that a launch gives itself."""

SUBMIT = "submit.sh"
"""Name of the script that submits the others."""

SUBMITTED = "submitted.txt"
"""Name of the file that holds a line for each submitted job: its script, and its number."""


@checked
@dataclass(frozen=True)
class Slurm:
    """How a study is launched on SLURM. Never changes what is trained."""

    options: tuple[str, ...] = ()
    """Options of sbatch for every job that trains, such as '--partition=gpu', '--gres=gpu:1' and
    '--time=12:00:00'."""
    by_size: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Further options of sbatch for the phases of a model size, by its name."""
    other_options: tuple[str, ...] = ()
    """Options of sbatch for the two jobs that train nothing: preparation and report."""
    setup: tuple[str, ...] = ()
    """Lines of shell before each command, such as 'module load cuda'."""
    retries: NonNegativeInt = 3
    """Restarts of a job up to which one that ends in an unforeseen way, such as SIGKILL, is put
    back into the queue. One that was asked to stop is always put back."""
    grace_seconds: Annotated[int, Ge(10)] = 180
    """Seconds before the end of a job's time at which it is asked to save and stop."""
    largest_array: PositiveInt = 1000
    """Most tasks of one job array; the cluster's MaxArraySize bounds it."""

    def __post_init__(self):
        for field in ("options", "other_options"):
            for option in getattr(self, field):
                _require_option(f"Slurm.{field}", option)
        for size, options in self.by_size.items():
            for option in options:
                _require_option(f"Slurm.by_size[{size!r}]", option)
        for line in self.setup:
            if "\n" in line:
                raise UserError(f"Slurm.setup has {brief(line)}: give each line by itself.")


def _require_option(field: str, option: str) -> None:
    """Raises UserError for what is no option of sbatch, or one that a launch gives itself."""
    if not re.fullmatch(r"-[^\n\r]+", option):
        raise UserError(
            f"{field} has {brief(option)}: give options of sbatch, such as '--partition=gpu'."
        )
    name = re.split("[= ]", option.lstrip("-"))[0] if option.startswith("--") else option[1]
    if name in _OURS:
        raise UserError(f"{field} has {brief(option)}, which a launch gives itself: leave it out.")


def slurm_files(graph: JobGraph, config: Slurm, folder: Path) -> dict[str, str]:
    """The text of each file of a launch, by its name. `folder`: where they will be, and the logs.

    Raises UserError if `Slurm.by_size` names a size that the study does not have.
    """
    sizes = {phase.size for phase in graph.phases}
    if unknown := sorted(set(config.by_size) - sizes):
        raise UserError(
            f"Slurm.by_size names {', '.join(unknown)}, and the study has models of the sizes "
            f"{', '.join(sorted(sizes))}."
        )
    script = _Script(graph, config, folder.absolute())
    arrays = graph.arrays(config.largest_array)
    files = {"prepare.sh": script.of("prepare", graph.prepare, config.other_options)}
    for array in arrays:
        files[f"{_name(array)}.sh"] = script.of_array(array)
    files["report.sh"] = script.of("report", graph.report, config.other_options)
    return {**files, SUBMIT: _submit_script(graph, arrays)}


def _name(array: JobArray) -> str:
    return f"phases_{array.number}"


@dataclass(frozen=True)
class _Script:
    """Writes one script for sbatch."""

    graph: JobGraph
    config: Slurm
    folder: Path

    def of(self, name: str, arguments: Sequence[str], options: Sequence[str]) -> str:
        """The script of a single job."""
        head = self._head(name, "%x-%j.log", options)
        return "\n".join([*head, *self._body(shlex.join(arguments))])

    def of_array(self, array: JobArray) -> str:
        """The script of an array, which trains a phase in each of its tasks."""
        options = (*self.config.options, *self.config.by_size.get(array.size, ()))
        indices = ",".join(map(str, array.phases))
        head = self._head(_name(array), "%x-%A_%a.log", (f"--array={indices}", *options))
        keys = [
            f"  [{index}]={phase.key}  # {phase.label}" for index, phase in array.phases.items()
        ]
        arguments = (
            f'{shlex.join(self.graph.train([]))} --phase="${{phases[$SLURM_ARRAY_TASK_ID]}}"'
        )
        return "\n".join([*head, "phases=(", *keys, ")", *self._body(arguments)])

    def _head(self, name: str, log: str, options: Sequence[str]) -> list[str]:
        given = (
            f"--job-name={file_part(self.graph.study)}-{name}",
            f"--output={_quoted(self.folder / 'logs' / log)}",
            f"--chdir={_quoted(Path.cwd())}",
            "--open-mode=append",
            "--requeue",
            "--kill-on-invalid-dep=yes",
            f"--signal=TERM@{self.config.grace_seconds}",
            *options,
        )
        return ["#!/bin/bash", *(f"#SBATCH {option}" for option in given)]

    def _body(self, arguments: str) -> list[str]:
        program = shlex.join([sys.executable, "-m", "code_ablate.cli"])
        return [*self.config.setup, *_BEFORE, f"srun {program} {arguments}", *self._after()]

    def _after(self) -> list[str]:
        return [line.replace("RETRIES", str(self.config.retries)) for line in _AFTER]


_BEFORE = (
    "# srun passes SIGTERM on, and the command saves and ends with 130: wait for that.",
    "trap : TERM",
    "# srun no longer takes this from sbatch by itself.",
    'if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then',
    "  export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK",
    "fi",
)
_AFTER = (
    "code=$?",
    "# Done, bad input, or a failure that needs a hand: the same command would end the same way.",
    "case $code in 0|2|3) exit $code ;; esac",
    "# The number of one task: SLURM_JOB_ID of an array's last task is that of the whole array.",
    "job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}",
    "job=${job:-$SLURM_JOB_ID}",
    "# Cancelled, or put back by SLURM already: leave it so.",
    'if [ "$(squeue --noheader --jobs="$job" --format=%T)" != RUNNING ]; then exit $code; fi',
    "# Asked to stop: 130 when it has saved, 143 before it had begun. Never counted.",
    "case $code in 130|143) tries=-1 ;; *) tries=${SLURM_RESTART_COUNT:-0} ;; esac",
    "if [ $tries -ge RETRIES ]; then exit $code; fi",
    'echo "ended with $code: back into the queue"',
    'scontrol requeue "$job"',
    "exit $code",
    "",
)


def _quoted(path: Path) -> str:
    """A path in a line of #SBATCH. Raises UserError if it cannot stand there."""
    text = str(path)
    if '"' in text or "\n" in text:
        raise UserError(f"{brief(text)} cannot be given to sbatch: work in another folder.")
    return f'"{text}"' if " " in text else text


def _submit_script(graph: JobGraph, arrays: Sequence[JobArray]) -> str:
    lines = [
        "#!/bin/bash",
        f"# Submits the jobs of {graph.study}; prints the script and the number of each.",
        "# If one is refused, those before it are cancelled.",
        "set -euE",
        'cd "$(dirname "$0")"',
        "mkdir -p logs",
        "all=()",
        """trap '[ ${#all[@]} = 0 ] || scancel "${all[@]}"' ERR""",
        "submit() {",
        '  id=$(sbatch --parsable "${@:2}" "$1.sh")',
        "  id=${id%%;*}",
        '  all+=("$id")',
        '  echo "$1 $id"',
        "}",
        "submit prepare; prepare=$id",
    ]
    for array in arrays:
        after = "afterok:$prepare"
        if array.parent:
            after = f"aftercorr:$phases_{array.parent}"
        lines.append(f"submit {_name(array)} --dependency={after}; {_name(array)}=$id")
    everything = "".join(f":${_name(array)}" for array in arrays)
    return "\n".join([*lines, f"submit report --dependency=afterok{everything}", ""])


def submit(folder: Path) -> dict[str, str]:
    """Submits the jobs whose scripts are in a folder; returns the number of each by its script.

    Raises Failed with what SLURM says if it refuses one.
    """
    said = _output(["bash", str(folder / SUBMIT)])
    storage.replace(folder / SUBMITTED, said)
    return dict(line.split() for line in said.splitlines())


def require_here() -> None:
    """Raises UserError if this machine does not submit to SLURM."""
    if not shutil.which("sbatch"):  # the script that submits would only end with bash's 127
        raise _not_here("sbatch")


def _not_here(program: str) -> UserError:
    return UserError(
        f"{program} is not on this machine: launch from one that submits to SLURM, or write the "
        "scripts alone (--dry-run)."
    )


def require_done(folder: Path) -> None:
    """Raises UserError if jobs that were submitted from a folder wait or run.

    They would find other scripts than they were submitted with, and train the same phases.
    """
    record = folder / SUBMITTED
    if not record.exists():
        return
    queued = set(_output(["squeue", "--me", "--noheader", "--format=%A"]).split())
    numbers = [line.split()[-1] for line in record.read_text("utf-8").splitlines()]
    if still := [number for number in numbers if number in queued]:
        raise UserError(
            f"jobs that were launched from {folder} are not done yet: wait for them, or cancel "
            f"them (scancel {' '.join(still)})."
        )


def _output(command: Sequence[str]) -> str:
    """What a command of SLURM prints. Raises UserError if there is none, Failed if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise _not_here(command[0]) from error
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise Failed(f"SLURM refused: {said}")
    return done.stdout
