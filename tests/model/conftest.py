import jax
import pytest

from code_ablate.model import ModelConfig


@pytest.fixture(autouse=True)
def _rank_promotion_raises():
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture
def config() -> ModelConfig:
    """Small, with every size different, so that mixed-up axes fail."""
    return ModelConfig(
        d_model=24, layers=3, heads=4, kv_heads=2, head_dim=8, feed_forward=40, vocabulary_size=56
    )
