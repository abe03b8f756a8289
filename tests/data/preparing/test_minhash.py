"""Sketches: what they estimate, which bands are looked at, and that they stay as they are."""

import numpy as np
import pytest

from code_ablate.data.preparing import minhash
from code_ablate.data.preparing.minhash import Sketches, SketchesOnDisk, bands, shingles, sketches
from code_ablate.data.preparing.word_hashes import Ragged
from code_ablate.errors import UserError


def sketch_of(texts: list[str], permutations: int = 256) -> np.ndarray:
    sets = [shingles(text, 2) for text in texts]
    ends = np.cumsum([len(one) for one in sets])
    return sketches(Ragged(np.concatenate(sets), ends), permutations)


@pytest.mark.parametrize("common", [20, 80, 150])
def test_sketches_agree_as_often_as_sets_do(common):
    """The standard error of the share of 4096 values is at most 0.008."""
    words = [f"w{i}" for i in range(400)]
    first, second = " ".join(words[:200]), " ".join(words[200 - common : 400 - common])
    a, b = sketch_of([first, second], 4096)
    sets = [set(shingles(text, 2).tolist()) for text in (first, second)]
    exact = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert (a == b).mean() == pytest.approx(exact, abs=0.04)


def test_shingles_are_word_ngrams_and_a_short_text_is_one():
    assert len(shingles("a b c d", 3)) == 2
    assert shingles("a b", 3).tolist() == shingles("A, b!", 3).tolist() != []
    assert len(shingles("...", 3)) == 0


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.95])
def test_bands_find_the_threshold_and_no_longer_ones_would(threshold):
    count, rows = bands(threshold, 256)
    found = 1 - (1 - threshold**rows) ** count
    assert count * rows <= 256 and found >= minhash.FOUND_AT_THRESHOLD
    longer = 1 - (1 - threshold ** (rows + 1)) ** (256 // (rows + 1))
    assert longer < minhash.FOUND_AT_THRESHOLD


def test_the_sketches_are_the_recorded_ones():
    """If they differ, stores that are prepared are stale: the version in their identity must differ
    too."""
    assert sketch_of(["The quick brown fox jumps over the lazy dog."], 4).tolist() == [RECORDED]
    assert bands(0.7, 256) == (42, 6)


RECORDED = [1022272419, 678656418, 331640128, 682976800]


def test_bands_are_read_back_over_blocks_and_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(minhash, "_BLOCK", 4)
    monkeypatch.setattr(minhash, "_FLUSHED_SHINGLES", 9)
    texts = [f"some text {i % 6} and more of {i % 6}" for i in range(15)]
    pieces = []
    for number, part in enumerate((texts[:9], [], texts[9:])):
        path = str(tmp_path / str(number))
        writer = Sketches(8, 2).writer(path)
        for text in part:
            writer.add(text, "")
        writer.finish()
        pieces.append((path, len(part)))
    band_N = SketchesOnDisk(pieces, 8).band(2, 3)
    expected = sketch_of(texts, 8)[:, 2:5]
    same = (expected[:, None] == expected[None]).all(2)
    np.testing.assert_array_equal(band_N[:, None] == band_N[None], same)


def test_another_version_of_the_library_is_refused(monkeypatch):
    monkeypatch.setattr(minhash, "ALGORITHM", 1)
    with pytest.raises(UserError, match=r"requirements\.txt"):
        sketch_of(["a b c"])
