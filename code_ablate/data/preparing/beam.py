"""Works on pieces in Apache Beam's pipelines: on this machine, or on a cluster that Beam knows.

    runner = BeamRunner(("--runner=FlinkRunner", "--flink_master=host:8081"), "data/stores/.beam")
    for result in runner.run(Extraction(registration), pieces): ...

The functions are those that `local` runs. Workers read and write the files of pieces where this
process does: the folder of the data is one that all machines see under the same name. Beam is
imported when a pipeline is run.
"""

import contextlib
import io
import logging
import re
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from code_ablate.checked import checked
from code_ablate.data.preparing.beam_job import Job
from code_ablate.data.preparing.local import Bar
from code_ablate.data.preparing.runner import Grouping, P, Place, R
from code_ablate.data.quietly import import_quietly
from code_ablate.data.registry import INSTALL
from code_ablate.errors import Failed, UserError, first_line

_LOOK_SECONDS = 1.0


@checked
@dataclass(frozen=True)
class BeamConfig:
    """Whether Apache Beam prepares corpora, and where."""

    options: tuple[str, ...] = ()
    """Options of Apache Beam, the runner among them, as on the command line of its programs:
    ('--runner=DirectRunner',). Empty: corpora are prepared by processes of this machine, without
    Beam. Does not change the result."""

    def __post_init__(self):
        for option in self.options:
            if not option.startswith("--"):
                raise UserError(
                    f"BeamConfig.options holds {option!r}: give each option as one text that "
                    "begins with --, such as '--runner=FlinkRunner'."
                )
        if self.options and not any(o.startswith("--runner=") for o in self.options):
            raise UserError(
                "BeamConfig.options names no runner: add '--runner=DirectRunner' for this machine, "
                "or the runner of a cluster."
            )


@dataclass(frozen=True)
class BeamRunner:
    """A `Runner` that runs Beam pipelines."""

    options: tuple[str, ...]
    """Options of Beam, as of `BeamConfig`."""
    folder: str
    """Folder for what goes to workers and back, which they see under the same name."""
    progress: bool = True
    """Whether a progress bar is shown."""
    is_cluster: ClassVar[bool] = True

    def __post_init__(self):
        pipeline_options(self.options)  # raises before any work

    def run(
        self,
        function: Callable[[P, Place], R],
        pieces: Sequence[P],
        sizes: Sequence[int | None] | None = None,
    ) -> Generator[R, None, None]:
        """The result of each piece, when all are done."""
        sizes = [None] * len(pieces) if sizes is None else sizes

        def transform(numbers: Any, job: Job) -> None:
            import apache_beam as beam

            _ = numbers | "Work" >> beam.Map(job.work)

        if pieces:
            with Bar(sizes, self.progress) as shown:
                yield from self._results(
                    function, pieces, transform, _Follower(pieces, sizes, shown)
                )

    def group(self, grouping: Grouping[P, R], pieces: Sequence[P]) -> Iterator[R]:
        """The result of each key, when all are done: all rounds are one GroupByKey."""

        def transform(numbers: Any, job: Job) -> None:
            import apache_beam as beam

            _ = (
                numbers
                | "Spread" >> beam.FlatMap(job.spread)
                | beam.GroupByKey()
                | "Gather" >> beam.Map(job.gather)
            )

        if pieces:
            yield from self._results(grouping, pieces, transform)

    def _results(
        self,
        work: Any,
        pieces: Sequence[Any],
        transform: Callable[[Any, Job], None],
        follower: "_Follower | None" = None,
    ) -> Iterator[Any]:
        options = pipeline_options(self.options)
        job = Job.write(self.folder, work, pieces)
        try:
            with follower.following(job) if follower else contextlib.nullcontext():
                _run_pipeline(options, len(pieces), lambda numbers: transform(numbers, job), job)
            yield from job.results()
        finally:
            job.delete()


def pipeline_options(options: Sequence[str]) -> Any:
    """Beam's value of them. Raises UserError for an option or a runner that it does not know."""
    _import_beam()
    from apache_beam.options.pipeline_options import (
        DirectOptions,
        PipelineOptions,
        StandardOptions,
        TypeOptions,
    )
    from apache_beam.runners.portability.portable_runner import PortableRunner
    from apache_beam.runners.runner import create_runner

    made, said = PipelineOptions(list(options)), io.StringIO()
    parsers: list[Any] = []
    try:
        with contextlib.redirect_stderr(said), _muted("apache_beam.options.pipeline_options"):
            made.get_all_options(add_extra_args_fn=parsers.append)
            _, unknown = parsers[0].parse_known_args(list(options))
    except SystemExit:  # argparse ends the program
        last = said.getvalue().strip().rpartition("\n")[2].partition("error: ")[2]
        raise UserError(f"BeamConfig.options: {last}.") from None
    name = made.view_as(StandardOptions).runner
    try:
        runner = create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(f"BeamConfig.options, --runner={name}: {first_line(error)}.") from error
    if unknown and not isinstance(runner, PortableRunner):  # whose job server knows more options
        raise UserError(f"BeamConfig.options holds {unknown[0]}, which {name} does not know.")
    mode = made.view_as(DirectOptions).direct_running_mode
    if mode == "multi_processing" and is_cut_by_a_shell(sys.executable):
        raise UserError(
            f"BeamConfig.options, --direct_running_mode={mode}: Apache Beam starts its processes "
            f"by a shell, which does not find {sys.executable}. Make the environment in a folder "
            "whose path has no spaces or signs, or leave BeamConfig.options out: processes of this "
            "machine prepare the same stores."
        )
    # Only for this does Beam's DirectRunner not look on the internet for another runner to start;
    # the pipelines have no triggers.
    made.view_as(TypeOptions).allow_unsafe_triggers = True
    return made


def is_cut_by_a_shell(path: str) -> bool:
    """Whether a shell reads a path that nobody quotes as something else."""
    return re.search(r"[^\w@%+=:,./-]", path) is not None


def _import_beam() -> None:
    """Raises UserError where Beam is missing."""
    handlers = list(logging.root.handlers)
    try:
        import_quietly("apache_beam")
    except ImportError:
        raise UserError(
            f"BeamConfig.options asks for Apache Beam, which is missing: {INSTALL}."
        ) from None
    logging.root.handlers[:] = handlers  # it adds one, to say that it is not on Google's cloud


def _run_pipeline(options: Any, pieces: int, transform: Callable[[Any], None], job: Job) -> None:
    """Runs to the end. Raises what a worker raised, and Failed if the pipeline itself fails."""
    import apache_beam as beam
    from apache_beam.runners.runner import PipelineState

    pipeline = beam.Pipeline(options=options)
    transform(pipeline | beam.Create(range(pieces)) | beam.Reshuffle())
    result = None
    try:
        result = pipeline.run()
        state = result.wait_until_finish()
        if state != PipelineState.DONE:  # cancelled by somebody else
            raise RuntimeError(f"it ended as {state}")
    except BaseException as error:
        job.stop()
        if result is not None:
            with contextlib.suppress(Exception):
                result.cancel()
        if not isinstance(error, Exception):
            raise
        job.require_success()
        raise Failed(
            f"the Beam pipeline failed: {first_line(error)}. Pieces that are finished are kept; "
            "the same command goes on with the others."
        ) from error
    job.require_success()


class _Follower:
    """Shows how many results are there while the pipeline runs."""

    def __init__(self, pieces: Sequence[Any], sizes: Sequence[int | None], shown: Bar):
        self._pieces, self._sizes, self._shown = pieces, sizes, shown
        self._seen: set[str] = set()
        self._done = threading.Event()

    @contextlib.contextmanager
    def following(self, job: Job) -> Iterator[None]:
        """Looks at the results of the job now and then, in a thread."""
        thread = threading.Thread(target=self._follow, args=(job,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _follow(self, job: Job) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            self._look(job)
        self._look(job)

    def _look(self, job: Job) -> None:
        for name in set(job.finished()) - self._seen:
            self._seen.add(name)
            number = int(name.partition(".")[0])
            self._shown.add_read(self._sizes[number] or 0)
            self._shown.piece_done(self._pieces[number])


@contextlib.contextmanager
def _muted(logger: str) -> Iterator[None]:
    logging.getLogger(logger).disabled = True
    try:
        yield
    finally:
        logging.getLogger(logger).disabled = False
