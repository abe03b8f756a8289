"""Evaluates a run: python eval.py runs/RUN --gin_file=gin/phases/demo.gin."""

import sys

from code_ablate.cli import main

if __name__ == "__main__":
    sys.exit(main(["eval", *sys.argv[1:]]))
