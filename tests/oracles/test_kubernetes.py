"""The manifest of a launch against the schemas that Kubernetes and JobSet publish."""

import pytest

from code_ablate.study.launch.job_graph import JobGraph, PhaseJob
from code_ablate.study.launch.kubernetes import Kubernetes, job_set

PHASES = (
    PhaseJob("a" * 16, "text_only-pretraining-seed0", None, "1M", 0),
    PhaseJob("b" * 16, "text_only-cooldown-seed0", "a" * 16, "1M", 1),
    PhaseJob("c" * 16, "code_only-pretraining-seed0", None, "1M", 0),
)
GRAPH = JobGraph("demo", ("demo", "--gin.Study.seeds=(0,)"), PHASES)
CONFIGURATIONS = {
    "least": Kubernetes(image="lab:1"),
    "all": Kubernetes(
        image="lab:1",
        command=(".venv/bin/code-ablate",),
        working_directory="/lab",
        namespace="research",
        queue="research",
        priority="low",
        resources={"nvidia.com/gpu": "1", "memory": "64Gi"},
        node_labels={"cloud.google.com/gke-spot": "true"},
        tolerated_taints=("nvidia.com/gpu",),
        claim="disk",
        service_account="trainer",
        environment={"JAX_COMPILATION_CACHE_DIR": "/lab/xla"},
    ),
}
VERSIONS = ("1.33", "1.37")
"""The first with everything that is used in its final form, and the newest at hand."""


@pytest.fixture(params=CONFIGURATIONS)
def manifest(request):
    return job_set(GRAPH, CONFIGURATIONS[request.param])


def as_jobs(manifest: dict) -> list[dict]:
    """Each job of the set as a Job of its own, which has a schema."""
    return [
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job["name"]}}
        | job["template"]
        for job in manifest["spec"]["replicatedJobs"]
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_job_is_one_of_kubernetes(manifest, version):
    schemas = pytest.importorskip("kubernetes_validate", reason="make oracles")
    for job in as_jobs(manifest):
        assert schemas.validate(job, version, strict=True) == version


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("completionMode",), 3),
        (("backoffLimitPerIndexes",), 3),
        (("podFailurePolicy", "rules"), [{"onExitCodes": {}}]),
        (("template", "spec", "containers"), [{"image": "lab:1"}]),
    ],
)
def test_the_schemas_tell_a_wrong_field(path, value):
    schemas = pytest.importorskip("kubernetes_validate", reason="make oracles")
    job = as_jobs(job_set(GRAPH, CONFIGURATIONS["least"]))[1]
    *inner, last = path
    place = job["spec"]
    for name in inner:
        place = place[name]
    place[last] = value
    with pytest.raises(schemas.ValidationError):
        schemas.validate(job, VERSIONS[0], strict=True)


def test_the_set_is_one_of_jobset(manifest):
    models = pytest.importorskip("kubeflow_trainer_api.models", reason="make oracles")
    parsed = models.JobsetV1alpha2JobSet.from_dict(manifest)
    # What the model does not know is left out of what it writes.
    assert parsed.to_dict() == manifest
