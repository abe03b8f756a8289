"""Files that strings name."""

from code_ablate.data.sources.named_files import named_files, opens_files


def test_whole_joined_and_globbed(tmp_path, monkeypatch):
    for name in ("a.txt", "deep/b.txt", "deep/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    root = str(tmp_path)

    def found(*strings):
        return [path.removeprefix(root + "/") for path in named_files(strings)]

    assert found(f"{root}/a.txt", "text", "no/such.txt") == ["a.txt"]
    assert found("a.txt") == ["a.txt"]
    assert found(root, "deep/b.txt", "a.txt") == ["a.txt", "deep/b.txt"]
    assert found(root, "/a.txt") == ["a.txt"]
    assert found(root, "/**/*.txt") == ["a.txt", "deep/b.txt"]
    assert found(root, "deep") == [], "what is in a folder that is not listed is not known"
    assert found("a text\nof two lines/", "/", "/**", "") == []


def test_openers():
    assert opens_files({"tf", "data", "TextLineDataset"})
    assert not opens_files({"tf", "data", "Dataset", "from_tensor_slices"})
