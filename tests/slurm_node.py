"""A real SLURM of one node on this machine, for tests: its three daemons, on ports of their own.

    with running(tmp_path) as environment:
        subprocess.run(["sbatch", "job.sh"], env=environment)

Needs root, and Debian's packages slurmctld, slurmd, slurm-client and munge.
"""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")

# A job that is put back waits for as long as credentials are valid, by default two minutes. Jobs
# share the cores; by default one takes the memory of the whole node.
SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
MailProg=/bin/true
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why there can be no SLURM here; empty if there can."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        return f"SLURM is not installed ({', '.join(missing)})"
    return "" if os.geteuid() == 0 else "SLURM's daemons need root"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which the commands of SLURM, and its jobs, find this node."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    controller_port, node_port = _free_ports(2)
    settings = SETTINGS.format(
        host=socket.gethostname().partition(".")[0],
        folder=folder,
        controller_port=controller_port,
        node_port=node_port,
        cores=os.cpu_count(),
    )
    (folder / "slurm.conf").write_text(settings)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    munge = [f"--{name}={folder}/munge.{name.partition('-')[0]}" for name in _MUNGE_FILES]
    with contextlib.ExitStack() as stack:
        for command in (
            ["munged", "--foreground", "--force", *munge],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ):
            stack.enter_context(_daemon(command, folder, environment))
            wait_until(lambda: (folder / "munge.socket").exists(), folder)
        wait_until(lambda: "idle" in _state(environment), folder)
        yield environment
        subprocess.run(["scancel", "--user=root"], env=environment)


_MUNGE_FILES = ("key-file", "socket", "log-file", "pid-file", "seed-file")


def wait_until(holds, folder: Path, seconds: float = 300) -> None:
    """Returns when `holds()` does. Fails with the daemons' last words if it takes too long."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            logs = (file.read_text(errors="replace")[-2000:] for file in folder.glob("*.log"))
            raise AssertionError("SLURM does not come to it:\n" + "\n".join(logs))
        time.sleep(0.2)


def _state(environment: dict[str, str]) -> str:
    asked = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(asked, env=environment, capture_output=True, text=True).stdout


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def _daemon(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    with (folder / f"{command[0]}.out").open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
