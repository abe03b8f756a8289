"""What the benchmarks share: taking times by turns, their spread, the machine, the JSON line.

    times = alternate({"ours": ours, "theirs": theirs}, repeats=5)
    report("loader", {"tokens_per_second": spread(n / t for t in times["ours"])}, repeats=5)

Two sides that are compared take turns in one run, so that both see the same machine: another job
on it, or a clock that falls with heat, then changes both figures and hardly their ratio.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from code_ablate.errors import Failed, UserError


def alternate(
    sides: Mapping[str, Callable[[], Any]], repeats: int, *, untimed: int = 1
) -> dict[str, list[float]]:
    """Seconds of each call of each side, A B A B ..., after `untimed` such rounds of each.

    A side returns when its work is done: what runs on a device has to be waited for.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(-untimed, repeats):
        for name, side in sides.items():
            begin = time.perf_counter()
            side()
            took = time.perf_counter() - begin
            if repeat >= 0:
                seconds[name].append(took)
            say(f"{name}: {took:.3f} s" + (" (not counted)" if repeat < 0 else ""))
    return seconds


def spread(values: Iterable[float]) -> dict[str, float]:
    """Least, median and greatest of the repeats, to five significant digits."""
    values = list(values)
    spots = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: shortened(value) for name, value in spots.items()}


def ratios(above: Iterable[float], below: Iterable[float]) -> dict[str, float]:
    """Spread of above / below, taken turn by turn."""
    return spread(a / b for a, b in zip(above, below, strict=True))


def shortened(value: float) -> float:
    """To five significant digits: no timing has more."""
    return float(f"{value:.5g}")


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    import jax

    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "load_1_minute": os.getloadavg()[0],
        "device": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


def report(benchmark: str, figures: Mapping[str, Any], *, repeats: int) -> None:
    """Prints the one line of a benchmark."""
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    head = {"benchmark": benchmark, "date": date, "machine": machine(), "repeats": repeats}
    print(json.dumps({**head, **figures}), flush=True)


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def parser(doc: str | None, *, repeats: int) -> argparse.ArgumentParser:
    """For the options of a benchmark, of which --repeats is in all. `doc`: its module's."""
    options = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--repeats", type=int, default=repeats, help=f"default {repeats}")
    return options


def command(main: Callable[[], None]) -> None:
    """Runs a benchmark; what went wrong is said in one line."""
    try:
        main()
    except (UserError, Failed) as error:
        sys.exit(f"error: {error}")


def train_on_cpu_as_the_commands_do() -> None:
    """Their setting of the memory allocator. It serves both sides of a comparison."""
    from code_ablate.allocator import ready_the_host

    ready_the_host()


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except FileNotFoundError:
        models = []
    return models[0] if models else platform.processor()
