"""A study as jobs of Kubernetes: one JobSet, as kubectl takes it, with labels for Kueue.

    manifest = job_set(graph, Kubernetes(image="registry.example/lab:1", queue="research"))
    submit(manifest, folder)

Three jobs wait for each other: `prepare`, `phases`, `report`. `phases` is an Indexed Job with a pod
for each tree of phases: a phase from initialisation, and all that follow from it. The pod trains
them in one command, so that a phase that fails stops only those that start from it; a JobSet whose
jobs were the phases themselves would end all of them with the first failure.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from code_ablate import storage
from code_ablate.checked import NonNegativeInt, PositiveInt, checked
from code_ablate.errors import Failed, UserError
from code_ablate.identity import identity
from code_ablate.study.launch.job_graph import JobGraph

MANIFEST = "jobset.json"
"""Name of the file of the manifest. kubectl reads JSON as it reads YAML."""

BAD_INPUT_OR_FAILED = [2, 3]
"""Exit codes after which the same command would end the same way."""

_MOST_INDEXES = 100_000
"""Most indexes of a Job that counts failures by index."""


@checked
@dataclass(frozen=True)
class Kubernetes:
    """How a study is launched on Kubernetes. Never changes what is trained."""

    image: str = ""
    """Container image with this project, the study's gin files and modules; it has to be named."""
    command: tuple[str, ...] = ("code-ablate",)
    """The program in the image, such as '.venv/bin/code-ablate'."""
    working_directory: str = ""
    """Folder in the container that the commands run in; empty: the image's own."""
    namespace: str = ""
    """Namespace of the JobSet; empty: the one that kubectl uses."""
    queue: str = ""
    """Kueue's LocalQueue that admits the JobSet; empty: none."""
    priority: str = ""
    """Kueue's WorkloadPriorityClass; empty: the cluster's default."""
    resources: Mapping[str, str] = field(default_factory=lambda: {"cpu": "4", "memory": "16Gi"})
    """Resources of each pod that trains, such as {'nvidia.com/gpu': '1', 'memory': '64Gi'}."""
    other_resources: Mapping[str, str] = field(
        default_factory=lambda: {"cpu": "4", "memory": "16Gi"}
    )
    """Resources of the pods that prepare and report."""
    node_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the nodes that train, such as {'cloud.google.com/gke-spot': 'true'}."""
    tolerated_taints: tuple[str, ...] = ()
    """Keys of taints that the pods which train tolerate, such as 'nvidia.com/gpu'."""
    claim: str = ""
    """PersistentVolumeClaim with data and runs, which all nodes can mount; empty: they are on
    gs://."""
    claim_folder: str = "/lab"
    """Folder in the container where the claim is mounted."""
    service_account: str = ""
    """Service account of the pods; empty: the namespace's default."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the environment."""
    pods: PositiveInt = 4
    """Most pods that train at the same time. Kueue admits a study when there is room for all."""
    retries: NonNegativeInt = 3
    """Times that a pod is started again after an unforeseen end; preemptions are not counted."""
    grace_seconds: PositiveInt = 180
    """Seconds that a pod has for saving when it is asked to stop."""


def job_set(graph: JobGraph, config: Kubernetes) -> dict[str, Any]:
    """The manifest. Raises UserError if no image is named, or the study has too many trees."""
    if not config.image:
        raise UserError(
            "Kubernetes.image is empty: name an image with this project and the study's gin files, "
            "--gin.Kubernetes.image=\"'REGISTRY/NAME:TAG'\"."
        )
    trees = graph.trees
    if len(trees) > _MOST_INDEXES:
        raise UserError(f"the study has {len(trees)} trees of phases, and a Job {_MOST_INDEXES}.")
    pods = _Pods(graph, config)
    indexed = {
        "completionMode": "Indexed",
        "completions": len(trees),
        "parallelism": min(config.pods, len(trees)),
        "backoffLimitPerIndex": config.retries,
        "podFailurePolicy": _failure_policy("FailIndex"),
    }
    single = {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": config.retries,
        "podFailurePolicy": _failure_policy("FailJob"),
    }
    jobs = [
        _replicated("prepare", single, pods.single(graph.prepare), after=None),
        _replicated("phases", indexed, pods.indexed(trees), after="prepare"),
        _replicated("report", single, pods.single(graph.report), after="phases"),
    ]
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": _metadata(graph, config),
        "spec": {"failurePolicy": {"maxRestarts": 0}, "replicatedJobs": jobs},
    }


def _metadata(graph: JobGraph, config: Kubernetes) -> dict[str, Any]:
    """Name and labels. The name tells studies of one name and other phases apart."""
    short = re.sub("[^a-z0-9]+", "-", graph.study.lower())[:24].strip("-")
    keys = identity([phase.key for phase in graph.phases])[:8]
    labels = {"app.kubernetes.io/name": "code-ablate"}
    if config.queue:
        labels["kueue.x-k8s.io/queue-name"] = config.queue
    if config.priority:
        labels["kueue.x-k8s.io/priority-class"] = config.priority
    metadata: dict[str, Any] = {"name": "-".join(filter(None, ("ablate", short, keys)))}
    if config.namespace:
        metadata["namespace"] = config.namespace
    return metadata | {"labels": labels}


def _failure_policy(action: str) -> dict[str, Any]:
    """Preemptions and drained nodes are no failures; what would fail again is not tried again."""
    codes = {"containerName": "code-ablate", "operator": "In", "values": BAD_INPUT_OR_FAILED}
    return {
        "rules": [
            {"action": action, "onExitCodes": codes},
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
        ]
    }


def _replicated(name: str, job: dict[str, Any], pod: dict[str, Any], after: str | None) -> dict:
    waits = {"dependsOn": [{"name": after, "status": "Complete"}]} if after else {}
    return {
        "name": name,
        **waits,
        "replicas": 1,
        "template": {"spec": {**job, "template": {"spec": pod}}},
    }


@dataclass(frozen=True)
class _Pods:
    """Writes the pods' specifications."""

    graph: JobGraph
    config: Kubernetes

    def single(self, arguments: Sequence[str]) -> dict[str, Any]:
        """A pod that prepares or reports."""
        return self._pod([*self.config.command, *arguments], self.config.other_resources)

    def indexed(self, trees: Sequence[Sequence]) -> dict[str, Any]:
        """A pod that trains the tree of its index."""
        cases = [
            f"{index}) exec {shlex.join([*self.config.command, *self.graph.train(tree)])} ;;"
            for index, tree in enumerate(trees)
        ]
        script = "\n".join(['case "$JOB_COMPLETION_INDEX" in', *cases, "esac"])
        pod = self._pod(["sh", "-c", script], self.config.resources)
        if self.config.node_labels:
            pod["nodeSelector"] = dict(self.config.node_labels)
        if self.config.tolerated_taints:
            pod["tolerations"] = [
                {"key": key, "operator": "Exists"} for key in self.config.tolerated_taints
            ]
        return pod

    def _pod(self, command: list[str], resources: Mapping[str, str]) -> dict[str, Any]:
        config = self.config
        container: dict[str, Any] = {
            "name": "code-ablate",
            "image": config.image,
            "command": command,
            "env": [{"name": name, "value": value} for name, value in config.environment.items()],
            "resources": {"requests": dict(resources), "limits": dict(resources)},
        }
        pod: dict[str, Any] = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": config.grace_seconds,
            "containers": [container],
        }
        if config.working_directory:
            container["workingDir"] = config.working_directory
        if config.claim:
            container["volumeMounts"] = [{"name": "work", "mountPath": config.claim_folder}]
            volume = {"name": "work", "persistentVolumeClaim": {"claimName": config.claim}}
            pod["volumes"] = [volume]
        if config.service_account:
            pod["serviceAccountName"] = config.service_account
        return pod


def write_manifest(manifest: Mapping[str, Any], folder: Path) -> Path:
    """Writes the manifest into a folder and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    storage.replace(path, json.dumps(manifest, indent=1) + "\n")
    return path


def create(path: Path) -> str:
    """Gives a manifest to the cluster; returns what kubectl says.

    Raises UserError if kubectl is not here, Failed with what it says if the cluster refuses.
    """
    try:
        command = ["kubectl", "create", "-f", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError(
            f"kubectl is not on this machine: give {path} to it on one that reaches the cluster, "
            "kubectl create -f FILE."
        ) from error
    if done.returncode:
        hint = ""
        if "AlreadyExists" in done.stderr:
            hint = " It was launched before: delete that JobSet (kubectl delete) to launch it anew."
        raise Failed(f"the cluster refused {path}: {done.stderr.strip()}{hint}")
    return done.stdout.strip()
