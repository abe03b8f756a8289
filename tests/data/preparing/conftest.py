"""Vocabularies that the tests of preparation share."""

import pytest

from code_ablate.data.preparing.vocabulary_training import train_model
from code_ablate.data.vocabulary import Vocabulary, load_vocabulary
from tests.data.preparing.corpora import texts


@pytest.fixture(scope="session")
def vocabularies(tmp_path_factory) -> tuple[Vocabulary, Vocabulary]:
    directory = tmp_path_factory.mktemp("vocabularies")
    made = []
    for size in (330, 340):
        path = directory / f"{size}.model"
        path.write_bytes(train_model(texts(200), size))
        made.append(load_vocabulary(path))
    return made[0], made[1]


@pytest.fixture(scope="session")
def vocabulary(vocabularies) -> Vocabulary:
    return vocabularies[0]
