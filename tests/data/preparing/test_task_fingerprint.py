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
