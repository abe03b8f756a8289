"""What can be set is listed, and the page of it is up to date."""

from pathlib import Path

import pytest

from code_ablate import config, configurables
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.training.phase import Schedule

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"


def test_the_page_is_what_the_dataclasses_say():
    assert PAGE.read_text() == configurables.markdown(), (
        "run: code-ablate config --markdown > docs/configuration.md"
    )


def test_a_field_has_type_default_unit_and_meaning():
    fields = {field.name: field for field in configurables.entries()["Schedule"].fields}
    warmup = fields["warmup_steps"]
    assert (warmup.type, warmup.default, warmup.unit) == ("int", "0", "steps")
    assert warmup.meaning.startswith("Steps of linear warm-up")
    assert "setting" not in {f.name for f in configurables.entries()["proportion"].fields}
    with pytest.raises(UserError, match="did you mean 'Setting'"):
        configurables.one("Settng")


def test_the_resolved_configuration_names_every_value():
    text = configurables.resolved(Schedule(peak=0.5))
    for name, value in to_plain(Schedule(peak=0.5)).items():
        assert f"{name} = {value!r}" in text


def test_a_resolved_study_names_its_recipes_and_fits_a_page():
    text = configurables.resolved(config.load_study("demo", "demo"))
    assert "code_25: The whole budget, 25 % of it from code." in text
    assert "Study.settings.model\n  d_model = 128, layers = 4," in text
    assert len(text.splitlines()) < 90 and max(map(len, text.splitlines())) <= 100
