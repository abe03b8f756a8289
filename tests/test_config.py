"""A study at a scale."""

import os
import subprocess
import sys

import pytest

from code_ablate import config
from code_ablate.data.registry import import_modules
from code_ablate.errors import UserError


@pytest.fixture(autouse=True)
def clean_gin():
    yield
    config.load([])


def test_a_study_without_a_scale_gets_the_demos_and_that_is_said(capsys):
    study = config.load_study("proportion")
    assert study.scale == "demo" and study.folder == "proportion-demo"
    assert "proportion at the scale demo" in capsys.readouterr().err


def test_the_study_wins_over_the_scale_and_a_binding_over_both():
    assert config.load_study("proportion", "demo").settings[0].cooldown_tokens == 0
    study = config.load_study("proportion", "demo", bindings=["Setting.cooldown_tokens = 10240"])
    assert study.settings[0].cooldown_tokens == 10240


def test_a_file_that_includes_a_scale_takes_no_other(tmp_path, capsys):
    file = tmp_path / "own.gin"
    file.write_text(
        "include 'scales/paper_470m.gin'\ninclude 'studies/initialization.gin'\n"
        "Study.name = 'own'\n"
    )
    assert config.load_study(str(file)).folder == "own-paper_470m"
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match="has the scale 'paper_470m'"):
        config.load_study(str(file), "demo")


def test_files_of_ours_are_found_from_any_folder_unless_there_is_one_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config.load(["gin/models/toy.gin"])
    assert config.make("ModelConfig").d_model == 128
    (tmp_path / "gin/models").mkdir(parents=True)
    ours = (config.GIN_DIRECTORY / "models/toy.gin").read_text()
    (tmp_path / "gin/models/toy.gin").write_text(ours.replace("d_model = 128", "d_model = 64"))
    config.load(["gin/models/toy.gin"])
    assert config.make("ModelConfig").d_model == 64
    with pytest.raises(UserError, match=r"no gin file 'gin/models/toyy\.gin'"):
        config.load(["gin/models/toyy.gin"])


def test_a_wrong_scale_is_answered_with_the_close_ones():
    with pytest.raises(UserError, match=r"gin/scales.*did you mean 'demo'"):
        config.load_study("proportion", "dmo")


def test_a_module_that_only_lacks_seqio_is_passed_over(tmp_path, monkeypatch, capsys):
    (tmp_path / "lacking_seqio.py").write_text(
        "raise ModuleNotFoundError('No module named seqio', name='seqio')\n"
    )
    (tmp_path / "lacking_other.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    import_modules(["lacking_seqio"])
    assert "lacking_seqio registers nothing here" in capsys.readouterr().err
    with pytest.raises(UserError, match="lacking_other' needs 'no_such_package'"):
        import_modules(["lacking_other"])


def test_a_source_in_the_place_of_the_scales_brings_its_own_name():
    """The scale calls its source code; a report about another source must not."""
    bindings = ["Setting.source = 'demo.synthetic_code'"]
    study = config.load_study("proportion", "demo", bindings=bindings)
    assert study.source == "demo.synthetic_code"
    assert "demo.synthetic_code_25" in study.recipe_descriptions
    assert config.load_study("proportion", "demo").source == "code"


def test_a_model_of_a_named_file_has_its_shapes_and_the_rest_of_the_study(tmp_path):
    config.load(
        ["gin/scales/registry.gin"],
        [
            "toy/named_model.name = 'toy'",
            "sweep.sizes = (@toy/named_model(),)",
            "ModelConfig.attention = 'reference'",
            "Study.name = 'x'",
            "Study.baseline = 'base_only'",
            "Study.recipes = (@base_only,)",
            "Setting.cooldown_tokens = 0",
        ],
    )
    (setting,) = config.make("Study").settings
    assert (setting.model.d_model, setting.model.layers, setting.model.feed_forward) == (
        128,
        4,
        352,
    )
    # Vocabulary and backend are no shapes: they are those of the study, not of the file.
    assert (setting.model.vocabulary_size, setting.model.attention) == (4096, "reference")


def test_a_file_without_shapes_is_no_model(tmp_path):
    file = tmp_path / "half.gin"
    file.write_text("ModelConfig.d_model = 64\n")
    with pytest.raises(UserError, match=r"half\.gin does not bind ModelConfig\.layers"):
        config.load_study(
            "initialization",
            "demo",
            bindings=[f"toy/named_model.name = '{file}'", "sweep.sizes = %SIZES"],
        )
    with pytest.raises(UserError, match=r"did you mean '470m'"):
        config.load_study(
            "initialization",
            "demo",
            bindings=["toy/named_model.name = '470'", "sweep.sizes = %SIZES"],
        )


@pytest.mark.parametrize("mixture", ["{'web_code': 1, 'synthetc': 1}", "'synthetc'"])
def test_a_role_that_the_scale_does_not_have_is_answered_with_those_it_has(mixture):
    binding = f"synthetic/balanced_to_text.first_source = {mixture}"
    with pytest.raises(UserError, match=r"synthetc.*Roles of the setting: web_code.*synthetic,"):
        config.load_study("quality_continued", "demo", bindings=[binding])


def test_one_number_is_the_size_of_a_scale():
    study = config.load_study("initialization", "registry", bindings=["PARAMETERS = 3_000_000"])
    assert list(study.models) == ["3M"]


def test_a_misspelt_corpus_in_a_group_is_refused_instead_of_reported_as_nothing():
    bindings = ["Study.groups = {'code': ('demo.web_cod', 'demo.markup')}"]
    with pytest.raises(UserError, match=r"Study\.groups.*did you mean 'demo\.web_code'"):
        config.load_study("proportion", "demo", bindings=bindings)


@pytest.mark.parametrize(
    "binding, said",
    [
        ("SuiteConfig.tasks = ('demo.text',)", r"'demo\.text'"),
        ("SuiteConfig.domains = ('arc_easy',)", r"corpus 'arc_easy'"),
        ("Setting.base = {'arc_easy': 1.0}", r"corpus 'arc_easy'"),
    ],
)
def test_corpora_and_evaluation_tasks_are_not_taken_for_one_another(binding, said):
    for looks_only in (False, True):
        with pytest.raises(UserError, match=said):
            config.load_study("proportion", "demo", bindings=[binding], looks_only=looks_only)


def test_modules_are_named_as_in_an_import():
    for wrong in ("my_data.py", "./my_data.py", "my_data"):
        with pytest.raises(UserError, match=r"write my_data\b|'my_data'"):
            import_modules([wrong])
    with pytest.raises(UserError, match="is no name of a module: give it as it stands"):
        import_modules(["../my_data"])


def test_what_is_installed_is_not_hidden_by_files_of_the_users(tmp_path, monkeypatch):
    """A spawned worker imports with the same path, and would end at once."""
    (tmp_path / "gin").mkdir()
    for file in ("gin/__init__.py", "regex.py"):
        (tmp_path / file).write_text("raise SystemExit('theirs')\n")
    (tmp_path / "of_the_user.py").write_text("import regex\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    import_modules(["of_the_user"])
    code = "import gin, regex, of_the_user; print(gin.__file__)"
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-P", "-c", code]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True)
    assert run.returncode == 0 and b"site-packages" in run.stdout, run.stderr
    with pytest.raises(
        UserError, match=r"'regex' is imported, and an installed.*give .*regex.py another name"
    ):
        import_modules(["regex"])


@pytest.mark.parametrize(
    "binding, misspelt",
    [
        ("Setting.base = {'demo.textt': 1.0}", "corpus"),
        ("Setting.base = {'arc_eesy': 1.0}", "corpus"),
        ("Setting.base = 'arc_eesy'", "mixture or corpus"),
        ("Study.groups = {'code': ('arc_eesy',)}", "corpus"),
        ("VocabularyConfig.corpora = ('arc_eesy',)", "corpus"),
        ("SuiteConfig.tasks = ('demo_text',)", "evaluation task"),
        ("SuiteConfig.tasks = ('arc_eesy',)", "evaluation task"),
    ],
)
def test_only_what_fits_is_suggested(binding, misspelt):
    with pytest.raises(UserError, match=f"no {misspelt}") as caught:
        config.load_study("proportion", "demo", bindings=[binding])
        config.make_workspace().has_vocabulary(config.make("VocabularyConfig"))
    suggestions = str(caught.value).partition("; ")[2]
    assert "demo.text" in suggestions or "arc_easy" in suggestions or "known: " in suggestions
    wrong = "'demo." if misspelt == "evaluation task" else "arc_"
    assert wrong not in suggestions
