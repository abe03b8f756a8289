"""Fingerprints of preprocessors and digests of sources: equal for equals, different for others."""

import functools
import importlib
import importlib.util
import os
import textwrap

import pytest
import seqio
import tensorflow as tf

from code_ablate.data.preparing.task_fingerprint import preprocessor_fingerprint, source_digest
from tests.data.preparing.corpora import Shorter


def filter_module(directory, name: str, body: str):
    (directory / f"{name}.py").write_text(textwrap.dedent(body))
    importlib.invalidate_caches()
    return importlib.import_module(name)


FILTER = """
    import tensorflow as tf
    LIMIT = 3

    def helper(text):
        return tf.strings.length(text) > LIMIT

    def filtered(dataset):
        '''Says what it does.'''
        return dataset.filter(lambda d: helper(d["text"]))  # a comment
"""


def test_an_edited_filter_has_another_fingerprint(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    edits = {
        "same": FILTER,
        "comments": FILTER.replace("Says what it does", "Says more").replace("# a comment", "# b"),
        "constant": FILTER.replace("LIMIT = 3", "LIMIT = 4"),
        "helper": FILTER.replace(" > LIMIT", " >= LIMIT"),
        "body": FILTER.replace("return dataset.filter", "dataset = dataset.filter")
        + "        return dataset.take(5)\n",
    }
    digests = {
        edit: preprocessor_fingerprint(
            filter_module(tmp_path, f"edited_filter_{edit}", body).filtered
        )["digest"]
        for edit, body in edits.items()
    }
    assert digests["same"] == digests["comments"]
    assert len({digests[edit] for edit in ("same", "constant", "helper", "body")}) == 4


LAMBDA = """
    filtered = dict(
        function=lambda text: "a"
        + text
    )["function"]
"""


def test_all_lines_of_a_lambda_are_part_of_its_fingerprint(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    bodies = {"same": LAMBDA, "edited": LAMBDA.replace("+ text", "+ text + text")}
    digests = {
        preprocessor_fingerprint(filter_module(tmp_path, f"lambda_{edit}", body).filtered)["digest"]
        for edit, body in bodies.items()
    }
    assert len(digests) == 2


def test_arguments_are_part_of_the_fingerprint():
    def limit(n):
        return lambda dataset: dataset.take(n)

    fingerprints = [
        preprocessor_fingerprint(p)["digest"]
        for p in (
            Shorter(5),
            Shorter(6),
            limit(5),
            limit(6),
            functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
            functools.partial(seqio.preprocessors.rekey, key_map={"targets": "other"}),
        )
    ]
    assert len(set(fingerprints)) == 6
    assert preprocessor_fingerprint(Shorter(5))["digest"] == fingerprints[0]
    assert preprocessor_fingerprint(Shorter(5))["name"] == "bytes_over_5"


def test_digests_of_sources_without_one(tmp_path):
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file in files:
        file.write_text("one")

    def digest(count):
        return source_digest(seqio.TextLineDataSource({"train": [str(f) for f in files[:count]]}))

    before, more = digest(1), digest(2)
    assert digest(1) == before
    os.utime(files[0], (1, 1))
    assert digest(1) == before
    files[0].write_text("two")
    os.utime(files[0], (1, 1))
    assert len({before, more, digest(1), digest(2)}) == 4


FOLDER = ""


def _lines(split, shuffle_files, path=""):
    return tf.data.TextLineDataset(path)


def _joined(split, shuffle_files):
    return tf.data.TextLineDataset(os.path.join(FOLDER, "a.txt"))


def _by_glob(split, shuffle_files):
    return tf.data.TextLineDataset(tf.io.gfile.glob(FOLDER + "/*.txt"))


@pytest.mark.parametrize("kind", ["argument", "path", "closure", "joined", "glob"])
def test_an_edited_file_of_a_function_has_another_digest(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.setitem(globals(), "FOLDER", str(tmp_path))
    file = tmp_path / "a.txt"
    file.write_text("one")
    functions = {
        "argument": functools.partial(_lines, path=str(file)),
        "path": functools.partial(_lines, path=file),
        "closure": lambda split, shuffle_files: _lines(split, shuffle_files, str(file)),
        "joined": _joined,
        "glob": _by_glob,
    }
    source = seqio.FunctionDataSource(functions[kind], splits=("train",))
    before = source_digest(source)
    os.utime(file, (1, 1))
    assert source_digest(source) == before
    file.write_text("two")
    os.utime(file, (1, 1))
    assert source_digest(source) != before
    assert capsys.readouterr().err == ""


def test_a_function_whose_files_cannot_be_seen_is_told_of_once(capsys):
    def unseen(split, shuffle_files):
        return tf.data.TextLineDataset("".join(map(chr, (47, 97))))

    def itself(split, shuffle_files):
        return tf.data.Dataset.from_tensor_slices(["a", "b/c"])

    for function in (unseen, unseen, itself):
        source_digest(seqio.FunctionDataSource(function, splits=("train",)))
    said = capsys.readouterr().err
    assert said.count("cannot be seen from its text") == 1
    assert "<locals>.unseen reads" in said and "itself" not in said


def test_where_a_module_lies_is_not_part_of_it(tmp_path):
    """A program's Task starts the sandbox by its file: the clone's folder must not name scores."""
    prints = []
    for folder in ("here", "there"):
        file = tmp_path / folder / "own_module.py"
        file.parent.mkdir()
        file.write_text("def keep(dataset):\n    return dataset.map(lambda x: __file__)\n")
        spec = importlib.util.spec_from_file_location("own_module", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        prints.append(preprocessor_fingerprint(module.keep))
    assert prints[0] == prints[1]
