"""What a study will cost, from what is prepared and trained already. Runs nothing, loads no JAX.

print(plan_text(plan_study(study, workspace, Hardware("v5e", chips=64))))
"""

import dataclasses
import sys
from typing import TYPE_CHECKING

from code_ablate.data.registry import import_expected_tasks
from code_ablate.data.store import Stores
from code_ablate.errors import MissingData, UserError
from code_ablate.jobs.workspace import Workspace
from code_ablate.model.config import MeshConfig
from code_ablate.pods.pod import Pod
from code_ablate.study.graph import Study
from code_ablate.study.hardware import Hardware
from code_ablate.study.plan import Plan, make_plan
from code_ablate.training.execution import FleetConfig

if TYPE_CHECKING:
    from code_ablate.evaluation.cropping import CroppedPrompts


def plan_study(
    study: Study,
    workspace: Workspace,
    hardware: Hardware,
    *,
    topology: str = "",
    mesh: MeshConfig | None = None,
    microbatches: int = 1,
    fleet: FleetConfig | None = None,
) -> Plan:
    """The plan. `topology`: TPU pod to compile the train steps for, which loads JAX; empty: none.

    `mesh` and `microbatches` say how a step is laid out on that pod, `fleet` how many phases the
    devices that are here train at the same time; None: one. Raises UserError.
    """
    pod = None
    if topology:
        pod = Pod(topology, mesh or MeshConfig(), microbatches)
    stores = _prepared(study, workspace)
    return make_plan(study, stores, hardware, workspace.paths.runs, pod, fleet)


def _prepared(study: Study, workspace: Workspace) -> Stores:
    """The stores that are there. A plan needs none, and no data that they would be made of."""
    try:
        if workspace.has_vocabulary(study.vocabulary):
            vocabulary = workspace.existing_vocabulary(study.vocabulary)
            return workspace.prepared(study.corpora, vocabulary, study.prepare)
        print("note: nothing is prepared yet, so what is available is unknown.\n", file=sys.stderr)
    except MissingData as error:
        print(f"note: the data are not here yet, so what is available is unknown: {error}\n",
              file=sys.stderr)  # fmt: skip
    return Stores({})


def count_cropped_prompts(study: Study, workspace: Workspace) -> "tuple[CroppedPrompts, ...]":
    """The tasks whose prompts do not fit the context of the study's models.

    Loads the evaluation sets, and TensorFlow with them. Raises UserError if the vocabulary is not
    there yet: nobody can know then how long a prompt is.
    """
    from code_ablate.evaluation.cropping import cropped_prompts
    from code_ablate.evaluation.suite import Suite

    if not workspace.has_vocabulary(study.vocabulary):
        raise UserError(
            "how many prompts will be cropped cannot be known before the vocabulary is trained: "
            "run code-ablate prepare first."
        )
    if not study.suite.tasks:
        return ()
    import_expected_tasks()
    vocabulary = workspace.existing_vocabulary(study.vocabulary)
    config = dataclasses.replace(study.suite, domains=())
    lengths = dict.fromkeys(phase.seq_len for phase in study.arms.values())
    return tuple(
        prompts
        for seq_len in lengths
        for prompts in cropped_prompts(Suite.of(config, vocabulary, {}, seq_len), seq_len)
    )
