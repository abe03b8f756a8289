# Two commands set everything up: `make demo` runs the main job, `make test` the tests.
PYTHON ?= python3.11
BIN := .venv/bin
# Processes that share the tests, file by file: one for each core, four at most (1.5 GB each).
WORKERS ?= logical
PYTEST := -m pytest -q -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: demo test oracles notebooks lint format clean plan-tpu

demo: .venv/ready
	$(BIN)/code-ablate study demo

# What needs more than .venv (other implementations, notebooks) runs whatever the tests before say.
test: .venv/ready .venv/oracles/ready
	@tests=passed; oracles=passed; \
	$(BIN)/python $(PYTEST) --ignore=tests/oracles --ignore=tests/notebooks/test_execution.py \
		|| tests=failed; \
	PYTHONPATH=.venv/oracles $(BIN)/python $(PYTEST) tests/oracles \
		tests/notebooks/test_execution.py || oracles=failed; \
	echo "tests: $$tests; oracles: $$oracles"; \
	test "$$tests $$oracles" = "passed passed"

oracles: .venv/oracles/ready

# Executes the notebooks in place, on the results of `make demo`.
notebooks: .venv/oracles/ready
	PYTHONPATH=.venv/oracles $(BIN)/python notebooks/execute.py

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

# A folder beside the packages of .venv; requirements-oracles.txt says why.
.venv/oracles/ready: .venv/ready requirements-oracles.txt
	rm -rf .venv/oracles
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --target .venv/oracles \
		--requirement requirements-oracles.txt
	touch $@

# The TPU compiler that belongs to the pinned jax: for `code-ablate plan --topology`, and for TPU hosts.
plan-tpu: .venv/ready
	$(BIN)/python -m pip install --quiet --no-deps "libtpu==0.0.42.*"

clean:
	rm -rf data runs
