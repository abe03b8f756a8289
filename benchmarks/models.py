"""The models that are measured: those of gin/models, read without gin, and two for a CPU.

model = find("470m", attention="cudnn", remat="none")
"""

import ast
import dataclasses
import re
from pathlib import Path

from code_ablate.errors import unknown_name
from code_ablate.model.config import ModelConfig

GIN_MODELS = Path(__file__).resolve().parents[1] / "gin" / "models"

MODELS = {
    "smallest": ModelConfig(16, 2, 2, 8, 32, vocabulary_size=256, attention="blocked"),
    "medium": ModelConfig(256, 8, 4, 64, 704, vocabulary_size=4096, attention="blocked"),
}
"""For the tests, and between the toy model and the study's."""


def find(name: str, **changes) -> ModelConfig:
    """The model of this name, with other values of some fields. UserError if it is unknown."""
    known = {file.stem: file for file in GIN_MODELS.glob("*.gin")}
    if name in MODELS:
        model = MODELS[name]
    elif name in known:
        model = ModelConfig(**_bindings(known[name].read_text()))
    else:
        raise unknown_name("model", name, {*MODELS, *known})
    return dataclasses.replace(model, **changes)


def _bindings(text: str) -> dict:
    """Field -> value of `ModelConfig.field = value`; the files of models hold nothing else."""
    pairs = re.findall(r"^ModelConfig\.(\w+) = (.+)$", text, re.MULTILINE)
    return {name: ast.literal_eval(value) for name, value in pairs}
