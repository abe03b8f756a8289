"""Makes a folder of problems: in parallel, shard by shard, so that it can go on after a kill.

    made = synthesize("problems", problems=10_000, seed=0)
    made.problems, made.duplicates

The composed problems are the same whatever the number of workers, and whether or not the work was
interrupted, for one minor version of Python, whose ast.unparse writes them. The mined ones, which
are made in one go, depend on the packages that are installed as well.
"""

import functools
import hashlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from etils import epath

from code_ablate import locks, own_file, progress, storage
from code_ablate.errors import Failed, UserError
from code_ablate.synthesis.evaluation_ngrams import evaluation_ngrams
from code_ablate.synthesis.mining.found_functions import found_functions
from code_ablate.synthesis.mining.mined import mined_problems
from code_ablate.synthesis.problems import COMPOSED, MINED
from code_ablate.synthesis.seeding import generator
from code_ablate.synthesis.shards import PER_SHARD, Shard, ShardRecord, begin_worker, make_shard

MANIFEST = "synthesis.json"
"""What a finished folder holds, beside its shards."""

_FORMAT = 1


@dataclass(frozen=True)
class Made:
    """What a folder of problems holds."""

    seed: int
    """Seed of the problems."""
    recipe: str
    """Digest of the seed, the code that makes problems, Python's minor version and the 13-grams
    that are left out."""
    problems: int
    """Number of problems."""
    files: Mapping[str, str]
    """Name of a shard's file -> its SHA-256."""
    duplicates: int
    """Problems left out because an earlier one computes the same, constants and names apart."""
    rejected: Mapping[str, int]
    """Reason -> drafts given up."""
    mined: int
    """Problems mined from installed packages, beside the composed ones."""
    mined_rejected: Mapping[str, int]
    """Reason -> functions that became no problem."""


def synthesize(
    directory: str, problems: int, seed: int = 0, workers: int | None = None, mined: int = 0
) -> Made:
    """Makes composed problems in a folder, or goes on making them, and at most `mined` mined ones.

    Raises UserError where the folder holds problems of another seed or version (of code-ablate, of
    Python, or of the evaluation sets), or mined ones while none are asked for; MissingData where
    HumanEval or MBPP is not installed; Failed where a worker was killed.
    """
    if problems < 1:
        raise UserError(f"--problems {problems}: ask for at least one.")
    if mined < 0:
        raise UserError(f"--mined {mined}: give 0 or more.")
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: at least one is needed.")
    folder = Path(directory)
    with locks.held(epath.Path(folder), "filled"):
        forbidden = evaluation_ngrams()
        recipe = recipe_of(seed, forbidden)
        (folder / "shards").mkdir(parents=True, exist_ok=True)
        _require_same_recipe(folder, recipe)
        if mined == 0:
            _require_nothing_mined(folder)
        (folder / MANIFEST).unlink(missing_ok=True)
        workers = workers or len(os.sched_getaffinity(0))
        records = _make_shards(folder, problems, seed, recipe, forbidden, workers)
        found = _mine(folder, mined, seed, recipe, forbidden)
        return _account(folder, problems, seed, recipe, records, found)


def recipe_of(seed: int, forbidden: frozenset[int]) -> str:
    """Digest of all that composed problems depend on."""
    parts = [f"seed {seed}", source_digest()]
    parts.append("Python {}.{}".format(*sys.version_info[:2]))  # ast.unparse differs
    parts.append(hashlib.sha256(repr(sorted(forbidden)).encode()).hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@functools.cache
def source_digest() -> str:
    """Digest of the modules of this room."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _require_same_recipe(folder: Path, recipe: str) -> None:
    for file in sorted((folder / "shards").glob("*.json")):
        record = Shard(folder, *_parts(file)).record()
        if record is not None and record.recipe != recipe:
            raise UserError(
                f"{folder} holds problems of another seed, or of another version of code-ablate or "
                "Python: name another folder, or delete this one."
            )
        if record is not None:
            return


def _require_nothing_mined(folder: Path) -> None:
    """A run that asks for no mined problems must not pass over those of an earlier one."""
    shard = Shard(folder, MINED, 0)
    record = shard.record()
    if record is not None:
        raise UserError(
            f"{folder} holds {record.problems} mined problems: pass --mined {len(record.keys)} to "
            f"keep them, or delete {shard.path} and {shard.record_path}."
        )
    # What is there in part was left by an interrupted run; the corpus would read it.
    for file in (shard.path, shard.record_path):
        file.unlink(missing_ok=True)


def _parts(file: Path) -> tuple[str, int]:
    route, _, number = file.stem.rpartition("-")
    return route, int(number)


def _make_shards(
    folder: Path, problems: int, seed: int, recipe: str, forbidden: frozenset[int], workers: int
) -> list[ShardRecord]:
    """All shards that the different problems asked for need; those that are there are kept."""
    records: dict[int, ShardRecord] = {}
    running: dict[Future, int] = {}
    context = multiprocessing.get_context("spawn")  # a fork of what TensorFlow runs in may hang
    pool = ProcessPoolExecutor(workers, context, begin_worker, (forbidden,))
    with progress.bar(problems, "synthesize", unit="problem") as bar:
        try:
            next_number = 0
            while True:
                missing = problems - _different(records) - PER_SHARD * len(running)
                while missing > 0 and len(running) < 2 * workers:
                    record = Shard(folder, COMPOSED, next_number).record()
                    if record is not None and not _lacks(record, records, problems):
                        records[next_number] = record
                    else:
                        job = pool.submit(make_shard, str(folder), seed, next_number, recipe)
                        running[job] = next_number
                    next_number += 1
                    missing = problems - _different(records) - PER_SHARD * len(running)
                bar.update(min(problems, _different(records)) - bar.n)
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for job in done:
                    records[running.pop(job)] = job.result()
        except BrokenProcessPool as error:
            raise Failed(
                f"a worker was killed, perhaps for its memory ({error}). Finished shards are kept "
                f"in {folder}: run the same command again, with fewer --workers if it recurs."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return [records[number] for number in sorted(records)]


def _different(records: Mapping[int, ShardRecord]) -> int:
    return len({key for record in records.values() for key in record.keys})


def _lacks(record: ShardRecord, records: Mapping[int, ShardRecord], problems: int) -> bool:
    """Whether problems were taken out of a shard that are wanted now: fewer were asked for then."""
    if not record.removed:
        return False
    earlier = {key for other in records.values() for key in other.keys}
    wanted = problems - len(earlier)
    for place, key in enumerate(record.keys):
        if key not in earlier and wanted > 0:
            if place in record.removed:
                return True
            wanted -= 1
        earlier.add(key)
    return False


def _mine(
    folder: Path, most: int, seed: int, recipe: str, forbidden: frozenset[int]
) -> ShardRecord | None:
    """The shard of mined problems; None if none are wanted."""
    if most == 0:
        return None
    shard = Shard(folder, MINED, 0)
    record = shard.record()
    if record is not None and len(record.keys) == most:
        return record
    rejected: Counter = Counter()
    problems = []
    functions = found_functions(generator(seed, MINED))
    with progress.bar(most, "mine", unit="problem") as bar:
        for problem in mined_problems(functions, seed, most, forbidden, rejected):
            problems.append(problem)
            bar.update(1)
    keys = tuple(problem.name for problem in problems)
    return shard.write(problems, ShardRecord(recipe, "", keys, (), dict(sorted(rejected.items()))))


def _account(
    folder: Path,
    problems: int,
    seed: int,
    recipe: str,
    records: list[ShardRecord],
    found: ShardRecord | None,
) -> Made:
    """Takes out duplicates and what is more than was asked for, and writes the manifest."""
    seen: set[str] = set()
    files: dict[str, str] = {}
    rejected: Counter = Counter()
    duplicates = kept = 0
    for number, record in enumerate(records):
        removed = []
        for place, key in enumerate(record.keys):
            if key in seen:
                duplicates += kept < problems
                removed.append(place)
            elif kept == problems:
                removed.append(place)
            else:
                kept += 1
            seen.add(key)
        shard = Shard(folder, COMPOSED, number)
        if tuple(removed) != record.removed:
            record = shard.without(removed, record)
        files[shard.path.name] = record.sha256
        rejected.update(record.rejected)
    if found is not None:
        files[Shard(folder, MINED, 0).path.name] = found.sha256
    _remove_surplus(folder, len(records))
    made = Made(
        seed=seed,
        recipe=recipe,
        problems=kept,
        files=files,
        duplicates=duplicates,
        rejected=dict(sorted(rejected.items())),
        mined=found.problems if found else 0,
        mined_rejected=found.rejected if found else {},
    )
    storage.replace(epath.Path(folder / MANIFEST), own_file.text_of(made, _FORMAT))
    return made


def _remove_surplus(folder: Path, first: int) -> None:
    """Removes the composed shards from a number on: an earlier run asked for more problems.

    The corpus reads every file of problems in the folder, whatever the manifest says.
    """
    files = [*folder.glob(f"{COMPOSED}-*.jsonl.gz"), *folder.glob(f"shards/{COMPOSED}-*.json")]
    for file in files:
        if int(file.name.partition(".")[0].rpartition("-")[2]) >= first:
            file.unlink()


def read_made(directory: str) -> Made:
    """What a finished folder holds. Raises Damaged where it is not finished."""
    return own_file.read(epath.Path(directory) / MANIFEST, Made, _FORMAT)
