"""Processes that benchmarks start: `python -m benchmarks.child FUNCTION JSON`.

Imports are inside of the functions, because their time is part of what is measured.
"""

import json
import sys
import time
from pathlib import Path

STARTED = time.time()


def first_step(folder: str, model: str, batch_windows: int, seq_len: int) -> None:
    """The train loop's way to the end of its first step; prints when what was done."""
    import jax
    import numpy as np

    from benchmarks import measure, models, stores
    from code_ablate.model.config import MeshConfig
    from code_ablate.model.sharding import batch_sharding, make_mesh
    from code_ablate.training.feed import Feed
    from code_ablate.training.loop import make_train_step
    from code_ablate.training.step import initial_state

    imported = time.time()
    compiling = 0.0

    def listen(event: str, duration_secs: float, **_) -> None:
        nonlocal compiling
        if event == "/jax/core/compile/backend_compile_duration":  # or reading it from the cache
            compiling += duration_secs

    jax.monitoring.register_event_duration_secs_listener(listen)
    measure.train_on_cpu_as_the_commands_do()
    data = stores.open_stores(Path(folder))
    phase = stores.phase_over(
        data, models.find(model), batch_windows=batch_windows, seq_len=seq_len, steps=1
    )
    mesh = make_mesh(MeshConfig())
    tokens_BT, _ = Feed(stores.batches_of(phase, data), batch_sharding(mesh)).read(0)
    train_step = make_train_step(phase.model, phase.optimizer, phase.z_loss, mesh)
    with jax.set_mesh(mesh):
        state = initial_state(phase.model, phase.optimizer, phase.seed, mesh)
        jax.block_until_ready(train_step(state, tokens_BT, np.float32(phase.learning_rate(0))))
    moments = {"started": STARTED, "imported": imported, "compiling": compiling}
    print(json.dumps({**moments, "done": time.time()}), flush=True)


def train(
    folder: str,
    runs: str,
    model: str,
    batch_windows: int,
    seq_len: int,
    steps: int,
    checkpoint_every: int,
) -> None:
    """Trains or goes on with a run, with a line of metrics for every step."""
    from benchmarks import measure, models, stores
    from code_ablate.training.execution import Execution, LoopConfig
    from code_ablate.training.loop import train
    from code_ablate.training.phase import phase_identity
    from code_ablate.training.rundir import RunDirectory

    measure.train_on_cpu_as_the_commands_do()
    data = stores.open_stores(Path(folder))
    phase = stores.phase_over(
        data, models.find(model), batch_windows=batch_windows, seq_len=seq_len, steps=steps
    )
    run = RunDirectory.of(runs, phase, phase_identity(phase, data.identities, data.tokens))
    loop = LoopConfig(log_every=1, checkpoint_every=checkpoint_every)
    train(phase, data, run, execution=Execution(loop=loop))


def train_study(**arguments) -> None:
    """Trains phases of a study, for benchmarks.fleet; prints what that took."""
    from benchmarks import fleet

    print(json.dumps(fleet.train_study(**arguments)), flush=True)


def prepare(**arguments) -> None:
    """Prepares a corpus, for benchmarks.prepare; prints what that took."""
    from benchmarks import prepare

    print(json.dumps(prepare.prepare(**arguments)), flush=True)


if __name__ == "__main__":
    functions = {
        "first_step": first_step,
        "train": train,
        "train_study": train_study,
        "prepare": prepare,
    }
    functions[sys.argv[1]](**json.loads(sys.argv[2]))
