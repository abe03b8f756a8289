"""What is wrong in a gin file is said in one line, with the file, the line and the name."""

import re

import pytest

from code_ablate import cli, config
from code_ablate.bindings import Bindings
from code_ablate.errors import UserError
from code_ablate.unused_bindings import partly_used


@pytest.fixture(autouse=True)
def clean_gin():
    yield
    config.load([])


@pytest.fixture
def study(tmp_path):
    def written(*lines: str) -> str:
        file = tmp_path / "own.gin"
        head = ("include 'scales/demo.gin'", "include 'studies/demo.gin'")
        file.write_text("\n".join((*head, *lines)) + "\n")
        return str(file)

    return written


@pytest.mark.parametrize(
    "line, said",
    [
        ("Schedule.peak = '1e-3'", r"Schedule.peak is '1e-3': .* \(.*own.gin:3\)$"),
        ("cooldown/Schedule.final = True", r"Schedule.final is True: .*\(.*own.gin:3\)$"),
        ("Setting.tokens = 2048.7", "Setting.tokens is 2048.7"),
        ("Setting.tokens = 1e400", "Setting.tokens is inf"),
        ("Setting.tokens = None", "Setting.tokens is None"),
        ("Setting.tokens = 1" + 24 * "0", "The largest is"),
        ("Setting.tokens = 1e18", "The largest is"),
        ("Study.recipes = @text_only", r"For one item write \(@text_only,\)"),
        ("frist/Schedule.peak = 1e-3", r"changes nothing.*Did you mean 'first'\? \(.*own.gin:3"),
        ("half/proportion.share = 0.5", r"no value refers to @half/proportion"),
        ("Setting.model = @ModelConfig", r"an instance is written with \(\)"),
        ("Study.recipes = (@text_only(),)", "write @text_only, without"),
        ("Setting.tokens = (1,", "own.gin: a bracket or a quote is not closed"),
        ("Setting.tokens 3", "own.gin, line 3: .*expected"),
        ("Setting.tokens = many", "own.gin, line 3: .*text needs quotes"),
        ("Setting.tokens = %many", "%many is used, and many is bound nowhere"),
        ("a = %b\nb = %a\nSetting.tokens = %a", "a value needs itself: a -> b -> a"),
        ("Setting.tokens = @Setting()", "a value needs itself: Setting -> Setting"),
        ("Setting.model = @ModelCnfig()", "did you mean 'ModelConfig'"),
        ("Seting.tokens = 3", "no gin configurable named 'Seting'; did you mean 'Setting'"),
        ("Setting.tokns = 3", "Setting has no parameter 'tokns'; did you mean tokens"),
        ("include 'nowhere.gin'", "no gin file 'nowhere.gin', which .*own.gin includes"),
        ("import no_such_module", "own.gin:3 imports a module that needs 'no_such_module'"),
    ],
)
def test_a_wrong_line_is_named(study, line, said):
    with pytest.raises(UserError, match=said) as caught:
        config.load_study(study(line))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, said",
    [
        ("import no_such_module_either\n", "needs 'no_such_module_either'"),
        ("from json import nothing_here\n", "fails: ImportError: cannot import name 'nothing"),
        ("x = 1\n1 / 0\n", r"fails: ZeroDivisionError.*broken_12.py, line 2\)"),
        ("def f(:\n", "fails: SyntaxError"),
        ("import json\njson.loads('{')\n", r"JSONDecodeError.*broken_28.py, line 2\)"),
        ("import seqio\nseqio.FunctionDataSource(0, 1)\n", r"fails: .*broken_44.py, line 2\)"),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(study, tmp_path, monkeypatch, text, said):
    name = f"broken_{len(text)}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for load in (
        lambda: config.load_study(study(f"import {name}")),
        lambda: config.load_study("demo", imports=[name]),
    ):
        with pytest.raises(UserError, match=said):
            load()


def test_files_that_include_one_another_are_named(tmp_path):
    first, second = tmp_path / "first.gin", tmp_path / "second.gin"
    first.write_text(f"include '{second}'\n")
    second.write_text(f"include '{first}'\n")
    with pytest.raises(UserError, match=r"circle: .*first\.gin -> .*second\.gin -> .*first\.gin"):
        config.load_study(str(first))


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "own.gin").write_bytes(b"Study.name = '\xff'\n")
    with pytest.raises(UserError, match=r"own\.gin cannot be read"):
        config.load_study(str(tmp_path / "own.gin"))


def test_a_place_is_that_of_the_scope_and_the_last_one_wins(tmp_path):
    file = tmp_path / "own.gin"
    file.write_text("Schedule.peak = 1\nlater/Schedule.peak = 2\nSchedule.peak = 3\n")
    read = Bindings.read([str(file)], ["x/Schedule.peak = 4"], [])
    assert read.place("Schedule", "peak") == f"{file}:3"
    assert read.place("Schedule", "peak", "later") == f"{file}:2"
    assert read.place("Schedule", "peak", "x") == "--gin.x/Schedule.peak"
    assert read.place("Schedule", "final") == "" and not read.binds("Schedule", "final")


def test_a_model_that_the_command_line_binds_leaves_the_scale_to_be_read():
    study = config.load_study("demo", bindings=["Setting.model = @own/ModelConfig()"])
    assert study.scale == "demo"


@pytest.mark.parametrize(
    "binding, said",
    [
        ("tokens = 5", r"--gin.tokens names no field.*--gin.NAME.FIELD=VALUE"),
        ("Schedule.shape = 'linear'", r"changes nothing.*--gin.first/Schedule.shape or"),
        ("frist/Schedule.peak = 1e-3", r"Did you mean 'first'\? \(--gin.frist/Schedule.peak\)"),
    ],
)
def test_a_binding_of_the_command_line_that_reaches_nothing_is_refused(study, binding, said):
    with pytest.raises(UserError, match=said):
        config.load([study()], [binding])
    config.load([study()], ["a = 5", "Setting.tokens = %a", "Schedule.warmup_steps = 3"])


def test_scopes_that_keep_their_own_value_are_named(study, tmp_path, capsys):
    config.load([study()], ["Schedule.peak = 1e-3"])
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith("note: --gin.Schedule.peak does not reach the scopes 'first' (")
    assert re.search(r"scales/demo\.gin:\d+\) and 'then' \(", note) and "cooldown" not in note
    config.load([study("Schedule.peak = 1e-3")])  # a file after the one with the scopes, as well
    (note,) = capsys.readouterr().err.splitlines()
    assert "own.gin:3) does not reach the scopes 'first'" in note
    config.load([study()], ["Schedule.peak = 1e-3", "first/Schedule.peak = 2e-3"])
    assert "reach the scope 'then' (" in capsys.readouterr().err


def test_a_file_that_has_scopes_and_a_value_for_the_others_is_meant_so(study, capsys):
    own = ["Schedule.warmup_steps = 3", "cooldown/Schedule.warmup_steps = 4"]
    config.load([study("first/Schedule.warmup_steps = 5", "then/Schedule.warmup_steps = 5", *own)])
    config.load([study()], ["Optimizer.weight_decay = 0.1"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("scale", sorted(config.gin_files("scales")))
def test_no_study_of_ours_sets_a_value_that_reaches_a_part_only(scale, capsys):
    for name in config.gin_files("studies"):
        files = [config.find_gin_file(scale, "scales"), config.find_gin_file(name, "studies")]
        read = Bindings.read(files, (), [config.GIN_DIRECTORY])
        assert partly_used(read) == []


def test_scopes_that_a_module_enters_by_itself_are_its_own_matter(study, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "entering.py").write_text("import gin\nENTER = gin.config_scope\n")
    config.load([study("import entering", "theirs/Schedule.peak = 1e-3")])
    with pytest.raises(UserError, match="no value refers to @theirs/Schedule"):
        config.load([study("theirs/Schedule.peak = 1e-3")])


def test_an_error_in_code_of_the_users_names_its_place(study, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "failing_recipe.py").write_text(
        "import gin\n\n@gin.configurable\ndef failing(setting):\n    return {}['boom'] / 0\n"
    )
    config.load([study("import failing_recipe", "Study.recipes = (@failing,)")])
    with pytest.raises(UserError, match=r"failing \(.*failing_recipe.py:5\) fails: KeyError: 'b"):
        config.make("Study")


@pytest.mark.parametrize(
    "body, said",
    [
        ("return failing(setting)", r"^failing -> failing \(.*failing_N.py:5\) calls itself wi"),
        ("return other(setting)", r"^(failing -> other -> failing|other -> failing -> other) \("),
        ("return setting.begin(2.0, 1)", r"a share of 2.0 .* \(in failing \(.*failing_N.py:5\)\)"),
        ("return np.zeros(-1)", r"failing \(.*failing_N.py:5\) fails: ValueError: negative dim"),
    ],
)
def test_what_fails_below_a_recipe_of_the_users_names_its_place(
    study, tmp_path, monkeypatch, body, said
):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"failing_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(
        f"import gin, numpy as np\n\n@gin.configurable('{name}')\ndef failing(setting):\n"
        f"    {body}\n\ndef other(setting):\n    return failing(setting)\n"
    )
    config.load([study(f"import {name}", f"Study.recipes = (@{name},)")])
    with pytest.raises(UserError, match=said.replace("failing_N", name)):
        config.make("Study")


@pytest.mark.parametrize(
    "end", ["sys.exit(0)", "exit", "argparse.ArgumentParser().parse_args('x')"]
)
def test_code_that_ends_the_program_is_named(study, tmp_path, monkeypatch, capsys, end):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"ending_{abs(hash(end))}"
    call = end if "(" in end else "raise SystemExit"
    (tmp_path / f"{name}.py").write_text(
        f"import argparse, gin, sys\n\n@gin.configurable('{name}')\ndef ending(setting):\n"
        f"    {call}\n"
    )
    file = study(f"import {name}", f"Study.recipes = (@{name},)")
    assert cli.main(["plan", file]) == 2
    assert f"ending ({tmp_path}/{name}.py:5) ends the program" in capsys.readouterr().err


def test_a_byte_order_mark_is_named(tmp_path):
    (tmp_path / "marked.gin").write_bytes(b"\xef\xbb\xbfStudy.margin = 0.1\n")
    with pytest.raises(UserError, match="byte order mark: save it as UTF-8 without"):
        config.load([str(tmp_path / "marked.gin")])
