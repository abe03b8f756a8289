"""What happens when a loss or a gradient is not finite: stop, and keep what is needed to see why.

require_finite(step, metrics, batches, run)     # raises Failed
"""

import io

import numpy as np

from code_ablate import distributed, storage
from code_ablate.data.loader import Batches
from code_ablate.errors import Failed
from code_ablate.training.rundir import RunDirectory


def require_finite(step_metrics: tuple[int, dict], batches: Batches, run: RunDirectory) -> None:
    """Waits for a step (counted from 0) and its metrics. Raises Failed if they are not finite.

    Before that it writes the batch: RUN/diagnostics/step-N.npz with tokens_BT, corpus_B, corpora
    and loss_B, N counting from 1 as in metrics.jsonl.
    """
    step, metrics = step_metrics
    loss, grad_norm = float(metrics["loss"]), float(metrics["grad_norm"])
    if np.isfinite(loss) and np.isfinite(grad_norm):
        return
    file = run.path / "diagnostics" / f"step-{step + 1}.npz"
    batch = batches.read(step)
    corpora = batches.stream.corpora
    if distributed.is_first():
        file.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        np.savez(
            content,
            tokens_BT=batch.tokens_RT,
            corpus_B=batch.corpus_B,
            corpora=np.array(corpora),
            loss_B=np.asarray(metrics["loss_B"]),
        )
        storage.replace(file, content.getvalue())
    held = {name: int((batch.corpus_B == m).sum()) for m, name in enumerate(corpora)}
    shown = ", ".join(f"{n} of {name}" for name, n in held.items() if n)
    raise Failed(
        f"step {step + 1}: loss {loss:g}, gradient norm {grad_norm:g}. The batch ({shown} windows) "
        f"is saved in {file}; the last checkpoint is untouched. Lower the learning rate, raise the "
        "warm-up or set Phase.z_loss = 1e-4, which is a phase of its own; or look into the batch."
    )
