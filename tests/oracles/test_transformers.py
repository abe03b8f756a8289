"""What is exported computes in transformers what it computes here, of the same ids."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.cli import main
from code_ablate.data.vocabulary import load_vocabulary
from code_ablate.errors import UserError
from code_ablate.interop.huggingface import export, import_model
from code_ablate.model.config import ModelConfig
from code_ablate.model.transformer import bind, init_params
from code_ablate.training.trained import open_run
from tests.tolerance import assert_close
from tests.trained_run import SENTENCES, SEQ_LEN

TOKENS_BT = np.random.default_rng(0).integers(0, 1024, (3, SEQ_LEN)).astype(np.int32)


@pytest.fixture(scope="module")
def trained(run, data_dir):
    return open_run(run.path, data_dir=data_dir)


def random_model(trained, **changes):
    """Another model, all of whose parameters are far from where training starts."""
    model = dataclasses.replace(trained.model, **changes)
    draw = np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: np.asarray(leaf + 0.3 * draw.normal(size=leaf.shape), np.float32),
        init_params(model, 0),
    )
    return dataclasses.replace(trained, model=model, params=params)


def our_logits(trained):
    model = bind(trained.model, jax.tree.map(jax.numpy.asarray, trained.params))
    return np.asarray(model.logits(model(TOKENS_BT)))


def their_logits(directory):
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(directory)
    assert isinstance(model, transformers.CohereForCausalLM)
    with torch.no_grad():
        return model(torch.from_numpy(TOKENS_BT).long()).logits.numpy()


def test_logits_of_a_trained_run_agree(trained, exported):
    ours = our_logits(trained)
    untrained = dataclasses.replace(trained, params=init_params(trained.model, 0))
    assert ours.std() > 2 * our_logits(untrained).std()  # it has learnt something
    assert_close(their_logits(exported), ours, 1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"kv_heads": None, "rope_theta": 500.0},
        {"kv_heads": 1, "head_dim": 4, "norm_epsilon": 0.3},
        {"layers": 1, "heads": 2, "feed_forward": 40, "vocabulary_size": 1152},
    ],
    ids=["one key per query", "narrow heads", "padded vocabulary"],
)
def test_logits_of_random_weights_agree(trained, tmp_path, changes):
    other = random_model(trained, **changes)
    export(other, tmp_path / "model")
    assert_close(their_logits(tmp_path / "model"), our_logits(other), 1e-4)


def same_model(imported: ModelConfig, model: ModelConfig) -> bool:
    """In shape; how it is computed is not a property of a checkpoint."""
    return imported == dataclasses.replace(model, attention=imported.attention)


def test_importing_gives_back_every_bit(trained, exported, tmp_path):
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(exported).save_pretrained(tmp_path / "theirs")
    for directory in (exported, tmp_path / "theirs"):
        model, params = import_model(directory)
        assert same_model(model, trained.model)
        assert jax.tree.structure(params) == jax.tree.structure(trained.params)
        for ours, back in zip(*map(jax.tree.leaves, (trained.params, params)), strict=True):
            assert back.dtype == np.float32 and back.tobytes() == np.asarray(ours).tobytes()


def test_a_checkpoint_that_transformers_made_computes_the_same_here(trained, tmp_path):
    import torch
    import transformers

    config = transformers.CohereConfig(
        vocab_size=1024, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
        num_attention_heads=6, num_key_value_heads=3, logit_scale=1.0, initializer_range=0.3,
        bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.CohereForCausalLM(config).save_pretrained(tmp_path)
    model, params = import_model(tmp_path)
    assert model.rope_theta == config.rope_parameters["rope_theta"] != 10_000
    imported = dataclasses.replace(trained, model=model, params=params)
    assert_close(their_logits(tmp_path), our_logits(imported), 1e-4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logit_scale", 0.0625),
        ("use_qk_norm", True),
        ("model_type", "llama"),
        ("rope_parameters", {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}),
    ],
)
def test_another_architecture_is_not_imported(exported, tmp_path, name, value):
    changed = json.loads((exported / "config.json").read_text()) | {name: value}
    (tmp_path / "config.json").write_text(json.dumps(changed))
    (tmp_path / "model.safetensors").symlink_to(exported / "model.safetensors")
    with pytest.raises(UserError, match="cannot be imported"):
        import_model(tmp_path)


def test_weights_of_another_shape_are_not_imported(exported, tmp_path):
    changed = json.loads((exported / "config.json").read_text()) | {"num_hidden_layers": 3}
    (tmp_path / "config.json").write_text(json.dumps(changed))
    (tmp_path / "model.safetensors").symlink_to(exported / "model.safetensors")
    with pytest.raises(UserError, match=r"layers\.2.*8 in all"):
        import_model(tmp_path)


@pytest.fixture(scope="module")
def tokenizer(exported):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(exported)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("</s><pad> \n\t\u2581é12"))
@settings(max_examples=300, deadline=None)
def test_text_has_the_same_ids_after_eos(vocabulary, tokenizer, text):
    ids = vocabulary.encode([text])[0].tolist()
    assert tokenizer(text)["input_ids"] == [vocabulary.eos_id, *ids]
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == ids
    assert tokenizer.decode([vocabulary.eos_id, *ids], skip_special_tokens=True) == text
    assert tokenizer.eos_token_id == tokenizer.bos_token_id == vocabulary.eos_id


PROMPTS = [*SENTENCES, "x", "for index in range(10):\n\tprint(index)  # and so on, at length\n"]


def test_a_batch_of_prompts_is_answered_as_each_of_them_alone(exported, tokenizer):
    """Prompts of different lengths, greedily and under padding that the tokenizer chooses."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(exported)

    def answers(prompts):
        asked = tokenizer(prompts, padding=True, return_tensors="pt")
        with torch.no_grad():
            ids = model.generate(**asked, max_new_tokens=12, do_sample=False)
        made = ids[:, asked["input_ids"].shape[1] :]
        return tokenizer.batch_decode(made, skip_special_tokens=True)

    assert len({len(tokenizer(prompt)["input_ids"]) for prompt in PROMPTS}) > 3
    together = answers(PROMPTS)
    assert together == [answer for prompt in PROMPTS for answer in answers([prompt])]
    for answer, end in zip(together, SENTENCES.values(), strict=False):
        assert f" {end}".startswith(answer) or answer.startswith(f" {end}")


@pytest.mark.parametrize("padding", ["left", "right"])
def test_logits_do_not_depend_on_the_batch_that_a_prompt_stands_in(exported, tokenizer, padding):
    """With the mask that the tokenizer gives, and positions counted from it."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(exported)
    asked = tokenizer(PROMPTS, padding=True, padding_side=padding, return_tensors="pt")
    mask = asked["attention_mask"]
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        batch = model(**asked, position_ids=positions).logits
        for prompt, seen, logits in zip(PROMPTS, mask.bool(), batch, strict=True):
            alone = model(**tokenizer(prompt, return_tensors="pt")).logits[0]
            assert_close(logits[seen].numpy(), alone.numpy(), 1e-4)


def test_the_exported_tokenizer_is_a_vocabulary_for_a_study(vocabulary, exported):
    again = load_vocabulary(exported / "tokenizer.json")
    assert again.eos_id == vocabulary.eos_id
    text = "for index in range(10):\n\tprint(index)  # </s>\n"
    assert again.encode([text])[0].tolist() == vocabulary.encode([text])[0].tolist()


def test_bad_input_is_refused_before_anything_is_written(run, data_dir, exported, tmp_path, capsys):
    out = tmp_path / "model"
    export = ["export", str(run.path), "--out"]
    assert main([*export, str(out), "--data", str(tmp_path)]) == 2
    assert "is not in" in capsys.readouterr().err
    assert main([*export, str(out), "--data", str(data_dir), "--step", "7"]) == 2
    assert "no checkpoint at step 7" in capsys.readouterr().err
    assert main([*export, str(exported), "--data", str(data_dir)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([*export, "gs://bucket/model", "--data", str(data_dir)]) == 2
    assert "is not a local folder" in capsys.readouterr().err
    assert not out.exists()
