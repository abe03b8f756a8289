"""`code-ablate judge`, from the command line to the files."""

import hashlib
import json

import pandas as pd
import pytest

from code_ablate.cli import main
from tests.evaluation.judge.server import JudgeServer, fair


@pytest.fixture
def command(tmp_path, monkeypatch):
    """(arguments for a server, folder of the results)."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, answers in {"a": ["zebra", "yak", "cat"], "b": ["ant", "bee", "dog"]}.items():
        table = pd.DataFrame({"item": ["1", "2", "3"], "prompt": "Say.", "prediction": answers})
        table["group"] = ["animals", "animals", "pets"]
        table.to_parquet(tmp_path / f"{name}.parquet")

    def arguments(server, **more):
        bindings = {
            "base_url": f"'{server.url}'",
            "model": "'judge'",
            "key_variable": "''",
            "input_price": 1.0,
            "output_price": 1.0,
            "requests_per_minute": 1e6,
            "tokens_per_minute": 1e9,
            **more,
        }
        files = [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]
        paths = [f"--gin.Paths.{name}='{tmp_path / name}'" for name in ("data", "runs")]
        given = [f"--gin.JudgeConfig.{name}={value}" for name, value in bindings.items()]
        return ["judge", *files, "--task", "t", *paths, *given]

    return arguments


def test_two_tables_are_judged(tmp_path, capsys, command):
    with JudgeServer(fair) as server:
        assert main([*command(server), "--estimate"]) == 0
        assert "6 requests to make, 0 in the cache" in capsys.readouterr().out
        assert server.asked == 0 and not (tmp_path / "runs").exists()
        assert main(command(server)) == 0
        printed = capsys.readouterr().out
        assert main(command(server)) == 0
        assert server.asked == 6
    assert "2 / 1 / 0  (n = 3" in printed and "66.7 %" in printed
    (folder,) = (tmp_path / "runs").iterdir()
    assert str(folder) in printed
    saved = json.loads((folder / "judging.json").read_text())
    assert saved["judge"]["parameters"] == {"temperature": 0.0, "max_tokens": 512}
    table = (folder / "judgements.parquet").read_bytes()
    assert saved["judgements_digest"] == hashlib.sha256(table).hexdigest()
    rows = pd.read_parquet(folder / "judgements.parquet")
    assert "animals     2     2" in printed
    assert [saved["groups"][name]["wins"] for name in ("animals", "pets")] == [2, 0]
    assert sorted(rows["order"].unique()) == ["baseline_first", "candidate_first"]
    assert len(rows) == 6 and rows["reply"].str.startswith("Comparison:").all()


def test_a_task_leads_to_no_other_folder(tmp_path, capsys, command):
    with JudgeServer(fair) as server:
        arguments = ["../../" + "x" * 300 if part == "t" else part for part in command(server)]
        assert main(arguments) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("judging-..-..-xxx") and len(folder.name) < 140


def test_what_costs_too_much_is_bad_input(capsys, command):
    with JudgeServer(fair) as server:
        assert main(command(server, ceiling=1e-6)) == 2
        assert "raise it" in capsys.readouterr().err and server.asked == 0


def test_a_parameter_that_is_not_there_is_bad_input(capsys, command):
    with JudgeServer(fair) as server:
        assert main(command(server, celling=1.0)) == 2
    assert "did you mean ceiling?" in capsys.readouterr().err
