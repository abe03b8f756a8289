# Two commands set everything up: `make demo` runs the main job, `make test` the tests.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test lint format clean plan-tpu

demo: .venv/ready
	$(BIN)/code-ablate study demo

test: .venv/ready
	$(BIN)/python -m pytest -q

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --no-deps: requirements.txt is the complete closure; see its first lines for why.
.venv/ready: requirements.txt setup.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# The TPU compiler that belongs to the pinned jax: for `code-ablate plan --topology`, and for TPU hosts.
plan-tpu: .venv/ready
	$(BIN)/python -m pip install --quiet --no-deps "libtpu==0.0.42.*"

clean:
	rm -rf data runs
