"""Trains one phase: python train.py --gin_file=gin/phases/demo.gin --gin.Phase.tokens=100000."""

import sys

from code_ablate.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
