"""What a corpus holds out is not trained on in another form."""

import dataclasses

from code_ablate.data.controls import ShuffledLines
from code_ablate.data.preparing.held_out_originals import HeldOutOriginal, without_held_out
from code_ablate.data.preparing.near_duplicates import Deduplication
from code_ablate.data.preparing.prepare import make_stores
from tests.data.preparing.corpora import HERE, TOKENIZE, one, register, stored

# Names of lines that no two documents share, so that each says which document it is of.
TEXTS = ["".join(f"line {i}-{n} of it\n" for n in range(6)) for i in range(60)]


def document_of(text: str) -> str:
    return text.split()[1].partition("-")[0]


def test_a_control_does_not_hold_what_its_original_holds_out(tmp_path, vocabulary):
    original = register(TEXTS)
    control = register(TEXTS, [ShuffledLines(), *TOKENIZE])
    config = dataclasses.replace(HERE, validation_fraction=0.4)
    of_original = one(original, vocabulary, tmp_path, config)
    store = one(control, vocabulary, tmp_path, config)
    held_out = {document_of(t) for t in stored(of_original, vocabulary, "validation")}
    rest = {document_of(t) for t in stored(of_original, vocabulary, "train")}
    own = [{document_of(t) for t in stored(store, vocabulary, s)} for s in ("train", "validation")]
    assert len(held_out) > 10 and own[0] and own[1]
    assert own[0] | own[1] == rest
    assert store.manifest.dropped["held_out_original"]["documents"] == len(held_out)


def test_a_split_of_the_source_and_no_held_out_share_leave_all(tmp_path, vocabulary):
    steps = [ShuffledLines(), *TOKENIZE]
    config = dataclasses.replace(HERE, validation_fraction=0.4)
    # Where the source has its own validation split, no hash decides.
    split = register(TEXTS[:30], steps, splits={"validation": TEXTS[30:]})
    assert len(stored(one(split, vocabulary, tmp_path, config), vocabulary)) == 30
    whole = register(TEXTS, steps)
    none = dataclasses.replace(HERE, validation_fraction=0.0)
    assert len(stored(one(whole, vocabulary, tmp_path, none), vocabulary)) == 60
    assert without_held_out(TOKENIZE, 0.4) == [*TOKENIZE]
    assert without_held_out(steps, 0.4) == [HeldOutOriginal(0.4), *steps]


def test_near_duplicates_and_controls_go_together(tmp_path, vocabulary):
    original = register(TEXTS)
    control = register(TEXTS, [ShuffledLines(), *TOKENIZE])
    near = Deduplication(ngram=2, order=(original,))
    config = dataclasses.replace(HERE, validation_fraction=0.4, near_duplicates=near)
    stores = make_stores((original, control), vocabulary, tmp_path, config, progress=False)
    held_out = {document_of(t) for t in stored(stores[original], vocabulary, "validation")}
    for split in ("train", "validation"):
        assert not held_out & {document_of(t) for t in stored(stores[control], vocabulary, split)}
