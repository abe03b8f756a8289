"""What `prepare` makes, and in which order it looks."""

import types

import pytest

from code_ablate.errors import UserError
from code_ablate.jobs import prepare_study as module
from code_ablate.jobs.prepare_study import prepare_study


class Workspace:
    def __init__(self):
        self.asked = []

    def vocabulary(self, config):
        self.asked.append(config)
        return "vocabulary"

    def stores(self, corpora, vocabulary, config):
        self.asked.append((corpora, vocabulary, config))
        return {corpus: f"store of {corpus}" for corpus in corpora}


STUDY = types.SimpleNamespace(corpora=("text", "code"), vocabulary="how", prepare="config")


@pytest.mark.parametrize(("corpora", "made"), [(None, ("text", "code")), (["code"], ("code",))])
def test_each_store_is_described_as_it_is_made(monkeypatch, corpora, made):
    monkeypatch.setattr(module, "require_corpora", lambda names: None)
    monkeypatch.setattr(module, "describe_store", str)
    workspace = Workspace()
    assert list(prepare_study(STUDY, workspace, corpora)) == [f"store of {name}" for name in made]
    assert workspace.asked == ["how", (made, "vocabulary", "config")]


def test_a_wrong_name_is_refused_before_the_vocabulary_is_trained():
    workspace = Workspace()
    with pytest.raises(UserError, match=r"no corpus named 'demo\.txt'; did you mean 'demo\.text'"):
        import tasks  # noqa: F401

        list(prepare_study(STUDY, workspace, ["demo.txt"]))
    assert not workspace.asked
