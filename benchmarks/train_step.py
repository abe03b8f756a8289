"""The compiled train step against the same model in PyTorch, by turns, on one device.

    python -m benchmarks.train_step --model toy
    python -m benchmarks.train_step --model medium --seq-len 256
    python -m benchmarks.train_step --model 470m --seq-len 8192 --batch-windows 8      # on a GPU

Random tokens, already on the device. Before anything is timed, both sides take three steps from the
same weights on the same tokens, and the benchmark fails where their losses differ.
"""

import functools
import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from benchmarks import measure, models
from code_ablate.errors import UserError
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.model.flops import flops_per_token
from code_ablate.model.sharding import make_mesh, place_batch
from code_ablate.training.devices import peak_flops
from code_ablate.training.phase import Optimizer
from code_ablate.training.step import initial_state, make_train_step

OPTIMIZER, LEARNING_RATE, SEED = Optimizer(), 1e-3, 0
STEPS_COMPARED = 3
TOLERANCE = {"float32": (1e-4, 1e-3), "bfloat16": (2e-3, 5e-2)}
"""Relative, of loss and gradient norm: they differ in the order of sums, and in what is rounded."""
MICROBATCH_TOKENS = 16_384
"""Tokens of the microbatch that a GPU tries first: its memory has to hold their logits over 256,000
entries."""
MEMORY_SHARES = {("ours",): (0.9, 0.0), ("torch",): (0.2, 0.7), ("ours", "torch"): (0.45, 0.45)}
"""Shares of a GPU's memory for JAX and for PyTorch, by sides. JAX draws the weights of both."""


@dataclass(frozen=True)
class Job:
    """What both sides compute."""

    model: ModelConfig
    batch_windows: int
    seq_len: int
    compiled: bool
    """Whether torch compiles; ours always does."""

    @property
    def tokens_BT(self) -> np.ndarray:
        """The windows of every step."""
        shape = (self.batch_windows, self.seq_len + 1)
        return np.random.default_rng(SEED).integers(0, self.model.vocabulary_size, shape, np.int32)


class Ours:
    """The train step of code_ablate."""

    def __init__(self, job: Job, microbatches: int):
        self._mesh = make_mesh(MeshConfig())
        self._step = make_train_step(
            job.model, OPTIMIZER, 0.0, self._mesh, microbatches=microbatches
        )
        self._state = initial_state(job.model, OPTIMIZER, SEED, self._mesh)
        self._tokens_BT = place_batch(self._mesh, job.tokens_BT)

    def run(self, steps: int) -> list[tuple[float, float]]:
        """Loss and gradient norm of each step; all are done when this returns."""
        results = []
        with jax.set_mesh(self._mesh):
            for _ in range(steps):
                self._state, metrics = self._step(
                    self._state, self._tokens_BT, np.float32(LEARNING_RATE)
                )
                results.append((metrics["loss"], metrics["grad_norm"]))
        return [(float(loss), float(norm)) for loss, norm in jax.device_get(results)]


class Torch:
    """The train step in PyTorch."""

    def __init__(self, job: Job, microbatches: int):
        import torch

        from benchmarks.torch_model import TorchTrainer, TorchTransformer

        device = "cuda" if jax.default_backend() == "gpu" else "cpu"
        model = TorchTransformer(job.model, device)
        weights = initial_state(job.model, OPTIMIZER, SEED, make_mesh(MeshConfig())).params
        model.copy_from(jax.device_get(weights))
        self._trainer = TorchTrainer(
            model, OPTIMIZER, LEARNING_RATE, microbatches=microbatches, compiled=job.compiled
        )
        self._tokens_BT = torch.from_numpy(job.tokens_BT).long().to(device)

    def run(self, steps: int) -> list[tuple[float, float]]:
        """As Ours.run: reading the results waits for the device."""
        results = [self._trainer.step(self._tokens_BT) for _ in range(steps)]
        return [(float(loss), float(norm)) for loss, norm in results]


def main(argv: list[str] | None = None) -> None:
    """Reads the options, compares, and prints the JSON line."""
    options = _options(argv)
    names = _sides(options.sides)
    _share_memory(names)
    measure.train_on_cpu_as_the_commands_do()
    job, microbatches = _job(options)
    makers = {"ours": Ours, "torch": Torch}
    sides, first_steps, used = {}, {}, {}
    for name in names:
        at_first = (name == "torch" and options.torch_microbatches) or microbatches
        sides[name], first_steps[name], used[name] = _fitting(makers[name], job, at_first)
        measure.say(f"{name}: loss and gradient norm of the first steps {first_steps[name]}")
    figures: dict[str, Any] = {}
    if len(names) == 2:
        figures["agreement"] = _agreement(first_steps, job.model.compute_dtype)

    turns = {name: functools.partial(side.run, options.steps) for name, side in sides.items()}
    seconds = measure.alternate(turns, options.repeats)
    peak = peak_flops()
    for name in names:
        per_step = [s / options.steps for s in seconds[name]]
        figures[name] = {"microbatches": used[name], **_speed(job, per_step, peak)}
    if len(names) == 2:
        figures["ours_over_torch"] = measure.ratios(seconds["torch"], seconds["ours"])
    figures["torch_setup"] = _torch_setup(job)
    measure.report(
        "train_step",
        {
            "what": "train step on random tokens that are on the device",
            "model": options.model,
            "compute_dtype": job.model.compute_dtype,
            "attention": job.model.attention,
            "remat": job.model.remat,
            "batch_windows": job.batch_windows,
            "seq_len": job.seq_len,
            "steps_per_repeat": options.steps,
            "flops_per_token": flops_per_token(job.model, job.seq_len),
            "peak_flops_per_second": peak and measure.shortened(peak),
            **figures,
        },
        repeats=options.repeats,
    )


def _speed(job: Job, seconds_per_step: list[float], peak: float | None) -> dict[str, Any]:
    """The figures of one side."""
    tokens_per_second = [job.batch_windows * job.seq_len / s for s in seconds_per_step]
    flops_per_second = [flops_per_token(job.model, job.seq_len) * x for x in tokens_per_second]
    figures = {
        "seconds_per_step": measure.spread(seconds_per_step),
        "tokens_per_second": measure.spread(tokens_per_second),
        "flops_per_second": measure.spread(flops_per_second),
    }
    if peak:
        figures["mfu"] = measure.spread(x / peak for x in flops_per_second)
    return figures


def _sides(text: str) -> list[str]:
    """The sides asked for, without torch where it is not installed."""
    names = text.split(",")
    if text not in ("ours", "torch", "ours,torch"):
        raise UserError(f"--sides {text}: give ours, torch or ours,torch.")
    if "torch" in names and not _torch_is_installed():
        measure.say("PyTorch is not installed: nothing to compare with")
        names.remove("torch")
    if not names:
        raise UserError("--sides torch: PyTorch is not installed here.")
    return names


def _torch_is_installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def _options(argv: list[str] | None):
    flags = measure.parser(__doc__, repeats=5)
    flags.add_argument("--model", default="toy", help="a name in gin/models or benchmarks.models")
    flags.add_argument("--seq-len", type=int, default=128)
    flags.add_argument("--batch-windows", type=int, default=8)
    flags.add_argument("--steps", type=int, default=10, help="steps of one repeat")
    flags.add_argument(
        "--microbatches",
        type=int,
        help="parts of a batch at first; doubled until they fit into memory",
    )
    flags.add_argument(
        "--torch-microbatches", type=int, help="parts of a batch for torch, if it needs others"
    )
    flags.add_argument("--remat", help="on a GPU none, else the model's own")
    flags.add_argument("--attention", help="on a GPU cudnn, else the model's own")
    flags.add_argument("--dtype", help="on a GPU bfloat16, else float32")
    flags.add_argument("--sides", default="ours,torch", help="one side alone has all the memory")
    flags.add_argument("--eager", action="store_true", help="torch without torch.compile")
    return flags.parse_args(argv)


def _share_memory(names: list[str]) -> None:
    """Before JAX takes hold of a GPU: two sides that take turns get equal parts of its memory."""
    for_jax, for_torch = MEMORY_SHARES[tuple(names)]
    os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = str(for_jax)
    if "torch" in names:
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(for_torch)
    if jax.device_count() > 1:
        raise UserError(
            f"one device is measured and {jax.device_count()} are visible: set "
            "CUDA_VISIBLE_DEVICES or TPU_VISIBLE_CHIPS to one, or unset XLA_FLAGS."
        )


def _job(options) -> tuple[Job, int]:
    """What is computed, and in how many parts a GPU tries it first."""
    on_gpu = jax.default_backend() == "gpu"
    own = models.find(options.model)
    model = models.find(
        options.model,
        compute_dtype=options.dtype or ("bfloat16" if on_gpu else "float32"),
        attention=options.attention or ("cudnn" if on_gpu else own.attention),
        remat=options.remat or ("none" if on_gpu else own.remat),
    )
    tokens = options.batch_windows * options.seq_len
    split = max(1, tokens // MICROBATCH_TOKENS) if on_gpu else 1
    job = Job(model, options.batch_windows, options.seq_len, compiled=not options.eager)
    return job, options.microbatches or min(split, options.batch_windows)


def _fitting(make, job: Job, microbatches: int) -> tuple[Any, list[tuple[float, float]], int]:
    """A side, its first steps' results, and the microbatches with which they fit into memory."""
    while True:
        side = None  # sets free what did not fit
        try:
            side = make(job, microbatches)
            return side, side.run(STEPS_COMPARED), microbatches
        except Exception as error:
            out_of_memory = any(s in repr(error) for s in ("RESOURCE_EXHAUSTED", "OutOfMemory"))
            if not out_of_memory or job.batch_windows % (2 * microbatches):
                raise
        measure.say(f"{make.__name__}: {microbatches} microbatches do not fit into memory")
        microbatches *= 2


def _agreement(first_steps: dict, dtype: str) -> dict[str, float]:
    """Greatest relative differences over the first steps. UserError if it is not rounding."""
    ours, theirs = np.array(first_steps["ours"]), np.array(first_steps["torch"])
    loss, norm = (np.abs(ours - theirs) / np.abs(theirs)).max(axis=0)
    allowed = TOLERANCE[dtype]
    if not (loss <= allowed[0] and norm <= allowed[1]):
        raise UserError(
            f"the two sides do not compute the same: relative differences of loss {loss:.2g} and "
            f"gradient norm {norm:.2g}, allowed {allowed}. Mend benchmarks/torch_model.py."
        )
    return {
        "steps": STEPS_COMPARED,
        "loss_relative_difference": measure.shortened(loss),
        "grad_norm_relative_difference": measure.shortened(norm),
    }


def _torch_setup(job: Job) -> dict[str, Any] | str:
    if not _torch_is_installed():
        return "not installed"
    import torch

    threads = torch.get_num_threads()
    return {"version": torch.__version__, "compiled": job.compiled, "threads": threads}


if __name__ == "__main__":
    measure.command(main)
