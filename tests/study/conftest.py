"""A small study of text and code, planned from stores in memory."""

import dataclasses
import functools

import pytest

from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.store import Stores
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.study.graph import Study
from code_ablate.study.recipes import (
    balanced_only,
    balanced_to_text,
    code_to_text,
    proportion,
    text_only,
)
from code_ablate.study.setting import Setting
from code_ablate.training.phase import Optimizer, Schedule
from tests.conftest import TINY, FakeStore

CORPORA = ("text", "web", "markup", "synthetic")
MODEL = dataclasses.replace(TINY, vocabulary_size=300)


@pytest.fixture
def setting():
    return Setting(
        model=MODEL,
        base={"text": 1},
        source={"web": 0.8, "markup": 0.2},
        base_name="text",
        source_name="code",
        tokens=400 * 64,
        cooldown_tokens=40 * 64,
        batch_windows=4,
        seq_len=16,
        schedule=Schedule(warmup_steps=2),
        continuation=Schedule(peak=5e-4, warmup_steps=2),
        cooldown=Schedule(shape="linear", start="carry", final=1e-6),
        optimizer=Optimizer(),
    )


@pytest.fixture
def study(setting):
    return Study(
        name="small",
        settings=(setting,),
        recipes=(
            text_only,
            balanced_only,
            balanced_to_text,
            code_to_text,
            *(functools.partial(proportion, share=s) for s in (0.0, 0.25, 0.5, 1.0)),
        ),
        seeds=(0, 1),
        baseline="text_only",
        suite=SuiteConfig(domains=("text",)),
        vocabulary=VocabularyConfig(name="v", size=256 + 44, corpora=("text",)),
        prepare=PrepareConfig(),
    )


@pytest.fixture
def many_stores():
    """Stores that no recipe of the small study reads twice."""
    return Stores({name: FakeStore(i, 120_000, 300) for i, name in enumerate(CORPORA)})
