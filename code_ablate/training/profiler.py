"""A trace of a few train steps, for XProf, TensorBoard or Perfetto.

    ProfileConfig.first_step = 10                # in gin

    with Profiler(ProfileConfig(first_step=10), run.path) as profiler:
        profiler.before(step)
        state, metrics = train_step(...)
        profiler.after(step, metrics)

The trace goes into RUN/profile: an .xplane.pb (`pip install xprof`, then `xprof --logdir
RUN/profile`) and a .trace.json.gz, which https://ui.perfetto.dev opens. Each step stands in it
under the name STEP_NAME, with its number.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etils import epath

from code_ablate.checked import NonNegativeInt, PositiveInt, checked
from code_ablate.errors import UserError

if TYPE_CHECKING:  # the configuration is read where there is no JAX
    import jax

STEP_NAME = "train_step"


@checked
@dataclass(frozen=True)
class ProfileConfig:
    """Which train steps are traced. Never changes what is trained."""

    first_step: NonNegativeInt | None = None
    """First step of the trace, numbered from 0 in the phase; None: no trace. The first step of a
    process compiles, so 10 shows more than 0. A process that starts after it traces nothing."""
    steps: PositiveInt = 3
    """Steps in the trace. A few suffice, and viewers are slow with more."""


class Profiler:
    """Starts and ends the trace around its steps. Does nothing where none is asked for.

    Steps are dispatched ahead of the devices, so it waits for the devices before the first step and
    after the last one: the trace holds whole steps, and nothing of the others.
    """

    def __init__(self, config: ProfileConfig, run_path: epath.PathLike, *, write: bool = True):
        """`write`: true on the one process that traces. UserError if it cannot write there."""
        self._first = config.first_step if write else None
        self._end = config.first_step + config.steps if config.first_step is not None else 0
        self._directory = str(epath.Path(run_path) / "profile")
        self._tracing = False
        self._outputs: Any = None
        self._annotation: "jax.profiler.StepTraceAnnotation | None" = None
        if config.first_step is not None and "://" in self._directory:
            raise UserError(
                f"the profiler writes to local folders only, not to {self._directory}: set "
                "ProfileConfig.first_step = None, or Paths.runs to a local folder."
            )

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, *exc_info) -> None:
        """Ends a trace that training did not live to see the end of."""
        self._leave_step()
        if self._tracing:
            self._stop()

    def before(self, step: int) -> None:
        """To be called before step `step` is dispatched."""
        if self._first is None:
            return
        import jax

        if step == self._first:
            jax.block_until_ready(self._outputs)  # of the step before, if there was one
            jax.profiler.start_trace(self._directory)
            self._tracing = True
        if self._tracing:
            self._annotation = jax.profiler.StepTraceAnnotation(STEP_NAME, step_num=step)
            self._annotation.__enter__()

    def after(self, step: int, outputs: Any) -> None:
        """To be called when step `step` is dispatched. `outputs`: arrays it returned that stay
        valid, so not the state, which the next step takes over."""
        self._outputs = outputs if self._first is not None and step + 1 == self._first else None
        self._leave_step()
        if self._tracing and step + 1 == self._end:
            import jax

            jax.block_until_ready(outputs)
            self._stop()

    def _leave_step(self) -> None:
        if self._annotation is not None:
            self._annotation.__exit__(None, None, None)
            self._annotation = None

    def _stop(self) -> None:
        import jax

        self._tracing = False
        jax.profiler.stop_trace()
