"""The same model and train step in PyTorch, written as its users write it, to be measured against.

    model = TorchTransformer(config, device="cuda")
    model.copy_from(jax_params)
    trainer = TorchTrainer(model, optimizer, learning_rate, microbatches=1, compiled=True)
    loss, grad_norm = trainer.step(tokens_BT)     # tensors on the device

Separate nn.Linear layers as our matrices are separate, scaled_dot_product_attention, torch.compile
over model and loss, fused AdamW, autocast to bfloat16 where ours computes in it. The logits of a
microbatch are made in one piece: torch has no loss in chunks, and recomputing them would be slower.
"""

import contextlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from code_ablate.model.config import ModelConfig
from code_ablate.training.phase import Optimizer


class Block(nn.Module):
    """x + attention(norm(x)) + feed_forward(norm(x))."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        D, H, K, C = config.d_model, config.heads, config.num_kv_heads, config.head_dim
        self.config = config
        self.norm = nn.LayerNorm(D, eps=config.norm_epsilon, bias=False)
        self.query = nn.Linear(D, H * C, bias=False)
        self.key = nn.Linear(D, K * C, bias=False)
        self.value = nn.Linear(D, K * C, bias=False)
        self.output = nn.Linear(H * C, D, bias=False)
        self.gate = nn.Linear(D, config.feed_forward, bias=False)
        self.up = nn.Linear(D, config.feed_forward, bias=False)
        self.down = nn.Linear(config.feed_forward, D, bias=False)

    def forward(self, x_BTD, cos_TP, sin_TP):
        normed_BTD = self.norm(x_BTD)
        B, T, _ = x_BTD.shape

        def heads_first(y_BTX):
            return y_BTX.view(B, T, -1, self.config.head_dim).transpose(1, 2)

        out_BHTC = F.scaled_dot_product_attention(
            rotate(heads_first(self.query(normed_BTD)), cos_TP, sin_TP),
            rotate(heads_first(self.key(normed_BTD)), cos_TP, sin_TP),
            heads_first(self.value(normed_BTD)),
            is_causal=True,
            enable_gqa=self.config.num_kv_heads != self.config.heads,
        )
        attention_BTD = self.output(out_BHTC.transpose(1, 2).reshape(B, T, -1))
        hidden_BTF = F.silu(self.gate(normed_BTD)) * self.up(normed_BTD)
        return x_BTD + attention_BTD + self.down(hidden_BTF)


class TorchTransformer(nn.Module):
    """code_ablate.model.Transformer in PyTorch: float32 parameters, the output tied."""

    def __init__(self, config: ModelConfig, device: str):
        super().__init__()
        self.config = config
        self.dtype = getattr(torch, config.compute_dtype)
        with torch.device(device):
            self.embedding = nn.Embedding(config.vocabulary_size, config.d_model)
            self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
            self.final_norm = nn.LayerNorm(config.d_model, eps=config.norm_epsilon, bias=False)

    def copy_from(self, params: dict) -> None:
        """Takes the parameters of `code_ablate.model.init_params`, blocks stacked by layer."""
        blocks = params["blocks"]
        with torch.no_grad():
            _copy(self.embedding.weight, params["embedding"])
            _copy(self.final_norm.weight, params["final_norm"]["scale"])
            for layer, block in enumerate(self.blocks):
                _copy(block.norm.weight, blocks["norm"]["scale"][layer])
                for part in ("attention", "feed_forward"):
                    for name, matrix in blocks[part].items():  # ours multiplies from the right
                        _copy(getattr(block, name).weight, np.asarray(matrix[layer]).T)

    def forward(self, tokens_BT):
        """Mean nats per token of [B, T+1] windows."""
        inputs_BT, targets_BT = tokens_BT[:, :-1], tokens_BT[:, 1:]
        cos_TP, sin_TP = self.rotation(inputs_BT.shape[1], inputs_BT.device)
        with self._autocast(inputs_BT.device.type):
            x_BTD = self.embedding(inputs_BT).to(self.dtype)
            for block in self.blocks:
                x_BTD = block(x_BTD, cos_TP, sin_TP)
            logits_BTV = F.linear(self.final_norm(x_BTD), self.embedding.weight)
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten())

    def rotation(self, length: int, device: torch.device):
        """Cosine and sine of every channel pair's angle at every position, [T, P]."""
        pairs = torch.arange(0, self.config.head_dim, 2, dtype=torch.float32, device=device)
        frequencies_P = self.config.rope_theta ** (-pairs / self.config.head_dim)
        times_T = torch.arange(length, dtype=torch.float32, device=device)
        angles_TP = torch.outer(times_T, frequencies_P)
        return angles_TP.cos(), angles_TP.sin()

    def _autocast(self, device_type: str):
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(device_type, dtype=self.dtype)


class TorchTrainer:
    """The train step: gradients, in microbatches, clipping, AdamW."""

    def __init__(
        self,
        model: TorchTransformer,
        optimizer: Optimizer,
        learning_rate: float,
        *,
        microbatches: int = 1,
        compiled: bool = True,
    ):
        self._model, self._microbatches = model, microbatches
        self._clip_norm = optimizer.clip_norm
        self._loss = torch.compile(model) if compiled else model
        decayed = [p for p in model.parameters() if p.ndim == 2]
        scales = [p for p in model.parameters() if p.ndim == 1]
        self._adamw = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": optimizer.weight_decay},
                {"params": scales, "weight_decay": 0.0},
            ],
            lr=learning_rate,
            betas=(optimizer.b1, optimizer.b2),
            eps=optimizer.epsilon,
            fused=True,
        )

    def step(self, tokens_BT: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step on int64 windows; returns loss and the gradient's norm before clipping."""
        self._adamw.zero_grad(set_to_none=True)
        losses = []
        for part_RT in tokens_BT.chunk(self._microbatches):
            loss = self._loss(part_RT)
            (loss / self._microbatches).backward()
            losses.append(loss.detach())
        grad_norm = nn.utils.clip_grad_norm_(self._model.parameters(), self._clip_norm)
        self._adamw.step()
        return torch.stack(losses).mean(), grad_norm


def rotate(x_BHTC, cos_TP, sin_TP):
    """Rotates the pairs of neighbouring channels in float32, as code_ablate.model.rope does."""
    even_BHTP, odd_BHTP = x_BHTC.float().unflatten(-1, (-1, 2)).unbind(-1)
    pairs = (even_BHTP * cos_TP - odd_BHTP * sin_TP, even_BHTP * sin_TP + odd_BHTP * cos_TP)
    return torch.stack(pairs, dim=-1).flatten(-2).to(x_BHTC.dtype)


def _copy(parameter: nn.Parameter, values) -> None:
    parameter.copy_(torch.from_numpy(np.array(values)))
