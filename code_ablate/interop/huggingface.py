"""Checkpoints in the form of Hugging Face `transformers`, as its Cohere architecture, and back.

    export(open_run("runs/RUN"), "exported")      # AutoModelForCausalLM.from_pretrained("exported")
    model, params = import_model("exported")      # the same parameters, bit for bit

The Cohere architecture (CohereForCausalLM) is this project's own block: attention and feed-forward
in parallel after one bias-free layer norm, SwiGLU, tied embedding, and rotary embedding of
neighbouring channels (see model/rope.py), so that no weight needs to be changed: matrices are
transposed, because torch.nn.Linear keeps [out, in]. Only its `logit_scale` is not used: it is 1.

Needs the package `safetensors` (the extra "huggingface"), and neither torch nor transformers.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from etils import epath

from code_ablate import storage
from code_ablate.errors import UserError
from code_ablate.interop.tokenizer import tokenizer_files
from code_ablate.model.config import ModelConfig
from code_ablate.model.transformer import Params, param_shapes
from code_ablate.training.trained import Trained

WEIGHTS = "model.safetensors"

_MATRICES = {
    ("attention", "query"): "self_attn.q_proj",
    ("attention", "key"): "self_attn.k_proj",
    ("attention", "value"): "self_attn.v_proj",
    ("attention", "output"): "self_attn.o_proj",
    ("feed_forward", "gate"): "mlp.gate_proj",
    ("feed_forward", "up"): "mlp.up_proj",
    ("feed_forward", "down"): "mlp.down_proj",
}
"""Where a matrix of a block is in our parameters, and its name there."""

_REQUIRED: dict[str, Any] = {
    "model_type": "cohere",
    "hidden_act": "silu",
    "logit_scale": 1.0,
    "attention_bias": False,
    "use_qk_norm": False,
    "tie_word_embeddings": True,
}
"""What our model has no other value for."""

_FIELDS = {
    "d_model": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "head_dim": "head_dim",
    "feed_forward": "intermediate_size",
    "vocabulary_size": "vocab_size",
    "norm_epsilon": "layer_norm_eps",
}
"""ModelConfig's name of a value, and CohereConfig's."""


def export(trained: Trained, directory: epath.PathLike) -> None:
    """Writes config.json, model.safetensors (float32) and the tokenizer's files.

    Raises UserError, before anything is written, if `directory` has content or is not local, or if
    the vocabulary cannot be exported with the same ids.
    """
    save_file = _safetensors().save_file
    if storage.is_remote(directory):
        raise UserError(
            f"{directory} is not a local folder: export to one, and copy it from there."
        )
    directory = Path(directory)
    if directory.exists() and any(directory.iterdir()):
        raise UserError(f"{directory} is not empty: name a new folder.")
    files = tokenizer_files(trained.vocabulary)
    files["config.json"] = json.dumps(_cohere_config(trained), indent=1)
    directory.mkdir(parents=True, exist_ok=True)
    # safetensors writes the memory of an array as it lies, whatever its strides say.
    tensors = {
        name: np.ascontiguousarray(tensor, np.float32)
        for name, tensor in to_tensors(jax.device_get(trained.params)).items()
    }
    # transformers refuses a file that does not say that its tensors are torch's.
    save_file(tensors, directory / WEIGHTS, metadata={"format": "pt"})
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    # safetensors lets the owner alone read the file.
    (directory / WEIGHTS).chmod((directory / "config.json").stat().st_mode)


def import_model(directory: epath.PathLike) -> tuple[ModelConfig, Params]:
    """(model, float32 parameters as NumPy arrays) of a folder in the form that `export` writes.

    What ModelConfig says about how to compute is left as its defaults. The folder's tokenizer.json
    can be named as VocabularyConfig.name. Raises UserError, naming the value or the tensor, if it
    holds another architecture.
    """
    load_file = _safetensors().load_file
    directory = Path(directory)
    for name in ("config.json", WEIGHTS):
        if not (directory / name).exists():
            raise UserError(
                f"{directory} has no {name}: name a folder that save_pretrained or code-ablate "
                "export wrote, with all weights in one file."
            )
    model = _model_config(json.loads((directory / "config.json").read_text("utf-8")), directory)
    tensors = load_file(directory / WEIGHTS)
    _check_tensors(tensors, model, directory)
    return model, from_tensors(tensors, model)


def to_tensors(params: Params) -> dict[str, np.ndarray]:
    """Our parameters by their names in a Cohere checkpoint, matrices as [out, in]. Copies none."""
    blocks = params["blocks"]
    tensors = {
        "model.embed_tokens.weight": params["embedding"],
        "model.norm.weight": params["final_norm"]["scale"],
    }
    for layer, prefix in _layers(len(blocks["norm"]["scale"])):
        tensors[f"{prefix}.input_layernorm.weight"] = blocks["norm"]["scale"][layer]
        for (part, matrix), name in _MATRICES.items():
            tensors[f"{prefix}.{name}.weight"] = blocks[part][matrix][layer].T
    return tensors


def from_tensors(tensors: dict[str, np.ndarray], model: ModelConfig) -> Params:
    """The inverse of `to_tensors`."""

    def stacked(name: str) -> np.ndarray:
        layers = [tensors[f"{prefix}.{name}.weight"].T for _, prefix in _layers(model.layers)]
        return np.stack(layers).astype(np.float32)

    blocks: Params = {"norm": {"scale": stacked("input_layernorm")}}
    for (part, matrix), name in _MATRICES.items():
        blocks.setdefault(part, {})[matrix] = stacked(name)
    return {
        "blocks": blocks,
        "embedding": tensors["model.embed_tokens.weight"].astype(np.float32),
        "final_norm": {"scale": tensors["model.norm.weight"].astype(np.float32)},
    }


def _layers(count: int) -> Iterator[tuple[int, str]]:
    return ((layer, f"model.layers.{layer}") for layer in range(count))


def _cohere_config(trained: Trained) -> dict[str, Any]:
    model, eos_id = trained.model, trained.vocabulary.eos_id
    return {
        "architectures": ["CohereForCausalLM"],
        **_REQUIRED,
        **{theirs: getattr(model, ours) for ours, theirs in _FIELDS.items()},
        "num_key_value_heads": model.num_kv_heads,
        "rope_theta": model.rope_theta,
        "max_position_embeddings": trained.seq_len,
        "attention_dropout": 0.0,
        "bos_token_id": eos_id,
        "eos_token_id": eos_id,
        "pad_token_id": eos_id,
        "dtype": "float32",
        "torch_dtype": "float32",  # its name before transformers 5
        "code_ablate": {
            "phase": trained.identity,
            "step": trained.step,
            "vocabulary": trained.vocabulary.digest,
        },
    }


def _model_config(config: dict[str, Any], directory: Path) -> ModelConfig:
    # Defaults of CohereConfig, which save_pretrained may leave out.
    config = {"hidden_act": "silu", "attention_bias": False, "use_qk_norm": False, **config}
    config = {"tie_word_embeddings": True, **config}
    for name, required in _REQUIRED.items():
        if config.get(name) != required:
            raise UserError(
                f"{directory}/config.json has {name} = {config.get(name)!r}, and our model has "
                f"{required!r}: it cannot be imported."
            )
    # transformers 5 writes all of rope in one field.
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if rope.get("rope_type", "default") != "default":
        raise UserError(
            f"{directory}/config.json has rope_type {rope['rope_type']!r}: our model has no scaled "
            "rotary embedding, so it cannot be imported."
        )
    heads, kv_heads = config["num_attention_heads"], config.get("num_key_value_heads")
    config.setdefault("head_dim", config["hidden_size"] // heads)
    return ModelConfig(
        **{ours: config[theirs] for ours, theirs in _FIELDS.items()},
        kv_heads=None if kv_heads == heads else kv_heads,
        rope_theta=rope.get("rope_theta") or config["rope_theta"],
    )


def _check_tensors(tensors: dict[str, np.ndarray], model: ModelConfig, directory: Path) -> None:
    """Raises UserError if names or shapes are not those of this model."""
    shapes = jax.tree.map(lambda leaf: np.broadcast_to(0.0, leaf.shape), param_shapes(model))
    expected = {name: tensor.shape for name, tensor in to_tensors(shapes).items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        wrong = sorted(dict(expected.items() ^ found.items()))
        raise UserError(
            f"{directory}/{WEIGHTS} does not fit its config.json: {wrong[:4]} are missing, left "
            f"over or of another shape ({len(wrong)} in all)."
        )


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise UserError(
            "Hugging Face checkpoints need the package safetensors: pip install safetensors."
        ) from None
    return safetensors.numpy
