"""What checkpoints cost: training blocked by a save, time until it is on disk, time to restore.

    python -m benchmarks.checkpoint
    python -m benchmarks.checkpoint --megabytes 2000 --folder /mnt/disk

By turns with a plain write and read of as many bytes in one file, which is what the disk gives.
Files lie in the page cache when they are read again; a restart elsewhere reads them from storage.
"""

import dataclasses
import os
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import measure
from benchmarks.train_step import OPTIMIZER, SEED
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.step import abstract_state, initial_state

BYTES_PER_PARAMETER = 12
"""float32 parameters and two moments."""
MEGABYTE = 10**6


def main(argv: list[str] | None = None) -> None:
    """Measures states of each size."""
    flags = measure.parser(__doc__, repeats=5)
    flags.add_argument("--megabytes", type=int, nargs="+", default=[60, 500])
    flags.add_argument("--folder", help="where to write; a temporary folder by default")
    options = flags.parse_args(argv)
    measure.train_on_cpu_as_the_commands_do()

    sizes = {}
    for megabytes in options.megabytes:
        measure.say(f"a state of {megabytes} MB")
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            sizes[str(megabytes)] = _measure(megabytes * MEGABYTE, Path(folder), options.repeats)
    measure.report(
        "checkpoint",
        {
            "what": "asynchronous save and verified restore of parameters and moments",
            "by_megabytes": sizes,
        },
        repeats=options.repeats,
    )


def _measure(size: int, folder: Path, repeats: int) -> dict:
    """The figures of one size of state."""
    model, mesh = _model_of(size), make_mesh(MeshConfig())
    # Fresh moments are zeros, which compress to nothing.
    state = jax.block_until_ready(
        jax.tree.map(_random, initial_state(model, OPTIMIZER, SEED, mesh))
    )
    like = abstract_state(model, OPTIMIZER, mesh)
    plain = np.random.default_rng(SEED).bytes(size)
    blocked: list[float] = []
    step = 0

    with Checkpoints(folder / "checkpoints") as checkpoints:

        def save() -> None:
            nonlocal step
            step += 1
            begin = time.perf_counter()
            checkpoints.save(step, state, {"seconds": 0.0, "counts": {}})
            blocked.append(time.perf_counter() - begin)
            checkpoints.wait()

        def write() -> None:
            with (folder / "plain").open("wb") as file:
                file.write(plain)
                file.flush()
                os.fsync(file.fileno())

        def restore() -> None:
            with Checkpoints(folder / "checkpoints", read_only=True) as reader:
                jax.block_until_ready(reader.restore(like)[1])  # which has proved its fingerprint

        sides = {
            "save": save,
            "write": write,
            "restore": restore,
            "read": (folder / "plain").read_bytes,
        }
        seconds = measure.alternate(sides, repeats)
        (newest, *_) = sorted((folder / "checkpoints").glob("[0-9]*"), key=lambda p: -int(p.name))
        stored = sum(file.stat().st_size for file in newest.rglob("*") if file.is_file())
    return {
        "state_bytes": sum(leaf.nbytes for leaf in jax.tree.leaves(state)),
        "stored_bytes": stored,
        "seconds_blocked_per_save": measure.spread(blocked[-repeats:]),
        "seconds_until_on_disk": measure.spread(seconds["save"]),
        "seconds_to_restore": measure.spread(seconds["restore"]),
        "plain_write_seconds": measure.spread(seconds["write"]),
        "plain_read_seconds": measure.spread(seconds["read"]),
        "save_over_plain_write": measure.ratios(seconds["save"], seconds["write"]),
        "restore_over_plain_read": measure.ratios(seconds["restore"], seconds["read"]),
    }


def _model_of(size: int) -> ModelConfig:
    """A model whose state has about `size` bytes: the embedding takes what the blocks leave."""
    parameters = size / BYTES_PER_PARAMETER
    width = 64 if size < 20 * MEGABYTE else 256 if size < 200 * MEGABYTE else 512
    blocks = ModelConfig(width, 4, width // 64, 64, 3 * width, vocabulary_size=1)
    vocabulary = round((parameters - count_parameters(blocks).total) / width)
    return dataclasses.replace(blocks, vocabulary_size=max(1, vocabulary))


def _random(x: jax.Array) -> jax.Array:
    """Normal numbers in place of an array's; counts stay."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return jax.device_put(jax.random.normal(jax.random.key(x.size), x.shape, x.dtype), x.sharding)


if __name__ == "__main__":
    measure.command(main)
