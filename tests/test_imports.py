"""What may be imported without what. Each in a process of its own."""

import subprocess
import sys
import textwrap

import pytest

BLOCK = """
    import sys

    class Block:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {blocked!r}:
                raise ModuleNotFoundError(f"{{name}} is not installed here", name=name)

    sys.meta_path.insert(0, Block())
"""


def run(code: str, *blocked: str) -> subprocess.CompletedProcess:
    block = textwrap.dedent(BLOCK.format(blocked=set(blocked))) if blocked else ""
    return subprocess.run(
        [sys.executable, "-c", block + textwrap.dedent(code)], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "module",
    [
        "code_ablate.model.transformer",
        "code_ablate.training.loop",
        "code_ablate.evaluation.scoring",
        "code_ablate.evaluation.generation",
        "code_ablate.evaluation.domains",
        "code_ablate.data.loader",
        "code_ablate.data.store",
        "code_ablate.data.mixing",
    ],
)
def test_training_and_scoring_import_without_tensorflow_seqio_and_gin(module):
    done = run(f"import {module}", "tensorflow", "seqio", "t5", "tensorflow_datasets", "gin")
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_block_works():
    assert run("import tensorflow", "tensorflow").returncode != 0


def test_the_package_itself_loads_neither_jax_nor_tensorflow():
    code = """
        import sys, code_ablate
        assert "open_study" in dir(code_ablate)
        sys.exit(bool({"jax", "tensorflow", "numpy", "pandas", "matplotlib"} & set(sys.modules)))
    """
    assert run(code).returncode == 0


@pytest.mark.parametrize(
    "name", ["open_study", "open_run", "open_corpus", "open_mixture", "fit_law"]
)
def test_what_notebooks_open_needs_neither_jax_nor_the_data_packages(name):
    code = f"import code_ablate; assert callable(code_ablate.{name})"
    done = run(code, "jax", "flax", "tensorflow", "seqio", "t5")
    assert done.returncode == 0, done.stderr[-2000:]


def test_what_the_package_does_not_have_is_an_attribute_error():
    done = run("import code_ablate; code_ablate.open_studies")
    assert "module 'code_ablate' has no attribute 'open_studies'" in done.stderr


def test_the_command_line_says_its_help_without_them():
    code = """
        import sys
        from code_ablate.cli import main
        try:
            main(["--help"])
        except SystemExit:
            pass
        sys.exit(bool({"jax", "tensorflow", "seqio"} & set(sys.modules)))
    """
    assert run(code).returncode == 0


def test_analysis_reads_results_only():
    done = run(
        "import code_ablate.analysis.report.page", "jax", "tensorflow", "seqio", "flax", "gin"
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("module", ["code_ablate.config", "code_ablate.jobs.plan_study"])
def test_configuration_and_plan_import_without_jax_and_the_data_packages(module):
    done = run(f"import {module}", "jax", "flax", "tensorflow", "seqio", "t5")
    assert done.returncode == 0, done.stderr[-2000:]


def test_reporting_a_folder_imports_no_configuration():
    done = run("import code_ablate.jobs.report", "jax", "flax", "tensorflow", "seqio", "gin")
    assert done.returncode == 0, done.stderr[-2000:]


def test_laws_are_fitted_without_the_modules_that_start_slowly():
    code = """
        import sys
        import code_ablate.analysis.report.law_text, code_ablate.jobs.mixture_law
        sys.exit(" ".join({"scipy.stats", "matplotlib", "sklearn"} & set(sys.modules)) or 0)
    """
    done = run(code, "jax", "flax", "tensorflow", "seqio", "gin")
    assert done.returncode == 0, done.stderr[-2000:]
