"""The processes of one job: finding each other, and doing some things once.

    distributed.join()                              # before any use of JAX devices
    status = distributed.from_first(read_status)    # all get what process 0 read
    if distributed.is_first(): print(...)

A job is one process (a laptop, one GPU host) or many (a pod): one per host, started with the same
command. `join` finds out which from the environment. Everything else here costs nothing in a job of
one process.
"""

import collections
import functools
import glob
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

from code_ablate.errors import UserError

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 7 * 24 * 3600
"""How long the others wait for process 0, which may be preparing a corpus. Should it die, the
coordination service, which lives in it, ends their wait."""

HEARTBEAT_SECONDS = 60
"""A process that is silent for this long is taken for dead, and the job ends."""

SHUTDOWN_SECONDS = 300
"""Processes that are done wait this long for the others to be done."""

_messages = 0


def join(environment: Mapping[str, str] = os.environ) -> None:
    """Joins the other processes of this job, as the environment describes it; see `arguments`.

    Must come before anything that asks JAX for devices. Raises UserError if it is too late, or if
    the environment describes half of a job.
    """
    found = arguments(environment)
    if found is None:
        return
    import jax

    # Its handler of SIGTERM would take the place of the train loop's, which saves first.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            **found,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=SHUTDOWN_SECONDS,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(f"this process cannot join its job: {error}") from error


def arguments(environment: Mapping[str, str]) -> dict | None:
    """What to give `jax.distributed.initialize`; None for a job of one process.

    Looked for in this order: given addresses (JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES,
    JAX_PROCESS_ID); a SLURM job step of several tasks; a TPU host, alone or of a pod (TPU VM, GKE).
    For the last two JAX finds the addresses by itself.
    """
    names = ("coordinator_address", "num_processes", "process_id")
    given = {name: environment.get(f"JAX_{name.upper()}", "") for name in names}
    missing = [f"JAX_{name.upper()}" for name, value in given.items() if not value]
    if not missing:
        try:
            return {**given, **{name: int(given[name]) for name in names[1:]}}
        except ValueError:
            raise UserError("JAX_NUM_PROCESSES and JAX_PROCESS_ID must be whole numbers.") from None
    if len(missing) < len(names):
        raise UserError(
            f"the environment gives part of a job's address: set {', '.join(missing)} as well, or "
            "none of JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID."
        )
    if "SLURM_STEP_NODELIST" in environment and int(environment.get("SLURM_NTASKS", "1")) > 1:
        return {}
    chips = glob.glob("/dev/accel*") + glob.glob("/dev/vfio/[0-9]*")
    if chips and importlib.util.find_spec("libtpu") and environment.get("JAX_PLATFORMS") != "cpu":
        return {}
    return None


def process_index() -> int:
    """Which process of the job this is, from 0. Does not start JAX's devices."""
    return _state().process_id or 0


def process_count() -> int:
    """How many processes the job has."""
    return _state().num_processes or 1


def is_first() -> bool:
    """Whether this is process 0: the one that prints, and writes what is written once."""
    return process_index() == 0


def from_first(make: Callable[[], T]) -> T:
    """What `make` returns on process 0, on every process. It must be plain JSON values.

    What process 0 raises is raised everywhere: a UserError as it is. All processes must call this
    at the same place.
    """
    if process_count() == 1:
        return make()
    global _messages
    _messages += 1
    key = f"code_ablate/{_messages}"
    client = _state().client
    if is_first():
        try:
            result = make()
        except BaseException as error:
            kind = "user_error" if isinstance(error, UserError) else "error"
            client.key_value_set(key, json.dumps({kind: f"{error or type(error).__name__}"}))
            raise
        client.key_value_set(key, json.dumps({"result": result}))
        return result
    message = json.loads(client.blocking_key_value_get(key, LONGEST_WAIT_SECONDS * 1000))
    if "user_error" in message:
        raise UserError(message["user_error"])
    if "error" in message:
        raise RuntimeError(f"process 0 failed: {message['error']}")
    return message["result"]


def wait_for_all() -> None:
    """Returns when every process has come to this place."""
    if process_count() == 1:
        return
    global _messages
    _messages += 1
    key = f"code_ablate/{_messages}"
    _state().client.wait_at_barrier(key, LONGEST_WAIT_SECONDS * 1000)


def end_failed(code: int) -> None:
    """Ends this process of a job of several at once; returns in a job of one.

    An orderly exit would wait for the others, which wait in a collective for this one.
    """
    if process_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Agreement:
    """A question that some processes may say yes to, answered alike on all at the same step.

        stop = Agreement(mesh, lag=2)
        for step in ...:
            if stop.reached(signal_seen): ...

    The answers are summed on the devices and read `lag` steps later, when they have arrived: steps
    stay under way meanwhile. In a job of one process the answer is the question.
    """

    def __init__(self, mesh, lag: int):
        self._mesh, self._lag = mesh, lag
        self._pending: collections.deque = collections.deque()
        self._reached = False

    def reached(self, asked: bool) -> bool:
        """Whether any process had said yes, `lag` calls ago or earlier. Stays true."""
        if process_count() == 1:
            self._reached |= asked
            return self._reached
        self._pending.append(_any_of(self._mesh, asked))
        return self._read(down_to=self._lag)

    def settled(self, asked: bool) -> bool:
        """The same without the lag: waits for every answer."""
        if process_count() > 1:
            self._pending.append(_any_of(self._mesh, asked))
        return self._read(down_to=0) or (process_count() == 1 and self.reached(asked))

    def _read(self, down_to: int) -> bool:
        while len(self._pending) > down_to:
            self._reached |= bool(self._pending.popleft())
        return self._reached


def _any_of(mesh, asked: bool):
    """A replicated scalar on the devices: whether any process asked."""
    import jax
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec

    one_each = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
    answers = np.full(mesh.size, asked)
    return _reduction(mesh)(
        jax.make_array_from_callback(answers.shape, one_each, lambda index: answers[index])
    )


@functools.lru_cache(maxsize=8)
def _reduction(mesh):
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    return jax.jit(lambda x: x.any(), out_shardings=NamedSharding(mesh, PartitionSpec()))


def _state():
    """JAX's record of the job. It has no public accessor that leaves the devices alone."""
    if "jax" not in sys.modules:  # nothing was joined, and `--help` need not import JAX
        return _Alone
    from jax._src import distributed

    return distributed.global_state


class _Alone:
    process_id, num_processes, client = 0, 1, None
