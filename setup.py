"""Packaging. The pinned closure is requirements.txt; the ranges here are for use as a library.

`gin` and `tasks` go into the package (code_ablate/shipped.py finds them there): as packages of
their own they would overwrite gin-config, and whatever else is called tasks.
"""

from setuptools import find_packages, setup

SHIPPED = {f"code_ablate._shipped.{name}": name for name in ("gin", "tasks")}

setup(
    name="code-ablate",
    version="0.1.0",
    description="Controlled data ablations for language-model pre-training",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*find_packages(include=["code_ablate", "code_ablate.*"]), *SHIPPED],
    package_dir=SHIPPED,
    package_data={
        "code_ablate": ["py.typed"],
        "code_ablate.analysis.report": ["templates/*"],
        "code_ablate._shipped.gin": ["*/*.gin"],
        "code_ablate._shipped.tasks": ["*.jsonl"],
    },
    install_requires=[
        "absl-py>=2.1",
        "annotated-types>=0.6",
        "etils[epath]>=1.9",
        "flax>=0.12",
        "fsspec>=2024.6",
        "gin-config>=0.5",
        "jax>=0.10",
        "jaxtyping>=0.3",
        "jinja2>=3.1",
        "markupsafe>=2.1",
        "matplotlib>=3.9",
        "numpy>=2.0",
        "optax>=0.2.5",
        "orbax-checkpoint>=0.11.20",
        "pandas>=2.2",
        "pyarrow>=16",
        "pydantic>=2.6",
        "scikit-learn>=1.5",
        "scipy>=1.13",
        "tensorboardX>=2.6.5",
        "tensorstore>=0.1.70",
        "tqdm>=4.66",
    ],
    extras_require={
        # What declares and prepares data. Training and scoring from token stores run without it.
        # t5 must be installed with --no-deps (it asks for nightlies that overwrite seqio).
        "data": [
            "rensa>=0.5,<0.6",
            "seqio>=0.0.20",
            "sentencepiece>=0.2.0,<0.2.2",
            "tensorflow>=2.20",
            "tensorflow-datasets>=4.9.9",
            "tensorflow-text>=2.20",
            "tokenizers>=0.20",
            "zstandard>=0.22",
        ],
        # Compiles train steps for TPU pods, on any machine. On TPU hosts, and for GPUs, see
        # docs/scaling.md.
        "plan-tpu": ["libtpu"],
        # Runs and token stores on gs://.
        "gcs": ["gcsfs>=2024.6", "google-cloud-storage>=2.10"],
        # Checkpoints that transformers reads; see docs/interop.md.
        "huggingface": ["safetensors>=0.4.3", "sentencepiece>=0.2.0,<0.2.2", "tokenizers>=0.20"],
        # lm-eval's tasks on our checkpoints.
        "lm-eval": ["lm-eval>=0.4.9"],
        # Boosted trees among the laws of the mixture: code-ablate law --trees lightgbm.
        "lightgbm": ["lightgbm>=4.5"],
        # Executes the notebooks: make notebooks.
        "notebooks": ["ipykernel>=6.29", "nbclient>=0.10", "nbformat>=5.10"],
        "wandb": ["wandb>=0.19"],
        # Asks an OpenAI-compatible endpoint which of two answers is better.
        "judge": ["openai>=3"],
        "dev": [
            "hypothesis>=6.100",
            "mypy>=1.10",
            "pytest>=8",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.5",
        ],
    },
    entry_points={"console_scripts": ["code-ablate=code_ablate.cli:main"]},
)
