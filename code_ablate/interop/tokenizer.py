"""A vocabulary of ours as the files that `transformers` loads as a tokenizer.

files = tokenizer_files(vocabulary)          # file name -> content
files["tokenizer.json"]; files["tokenizer_config.json"]; files["special_tokens_map.json"]

Text becomes the same ids, after the EOS that every document begins with: the tokenizer calls it BOS
and puts it in front unless `add_special_tokens=False`. Text that spells a special token stays text.
"""

import json
from typing import Any

import numpy as np
from etils import epath

from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError

_SPACE = "\u2581"
_ESCAPE = "\U0010ffff"
"""As in code_ablate.data.vocabulary, which writes U+2581 as U+10FFFF 1 and itself as U+10FFFF 2."""

_DIFFICULT = (
    "",
    " ",
    "  a  b ",
    "\n\n\t x\r\n",
    "</s><unk><pad><0x41>",
    f"{_SPACE}{_SPACE} {_ESCAPE}{_ESCAPE}1{_SPACE}2",
    "naïve Ünï ﬁ ① Ａ café cafe\u0301",
    "日本語のテキスト 😀👩‍👩‍👧 \u200b\ufeff",
    "def f(x):\n    return x ** 2  # 12345\n",
    "\x00\x01\x7f",
    "aaaaaaaa        aaaaaaa ababababa",
)
_PROBES, _PROBE_IDS = 200, 100


def tokenizer_files(vocabulary: Vocabulary) -> dict[str, str]:
    """File name -> content. Raises UserError if `transformers` would give other ids to a text.

    That is found out by trying: difficult strings, and random ids as text.
    """
    content = epath.Path(vocabulary.path).read_bytes()
    if vocabulary.path.endswith(".json"):
        model = json.loads(content)
    else:
        model = _from_sentencepiece(content, vocabulary)
    # What the original may have said about these concerns batches, not ids.
    model["truncation"] = model["padding"] = None
    eos = vocabulary.piece(vocabulary.eos_id)
    for token in model["added_tokens"]:
        token["special"] |= token["id"] == vocabulary.eos_id  # text that spells it stays text
    model["post_processor"] = _eos_first(eos, vocabulary.eos_id)
    text = json.dumps(model, ensure_ascii=False)
    _require_same_ids(text, vocabulary)
    special = {"bos_token": eos, "eos_token": eos, "pad_token": eos}
    configuration = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **special,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
        "add_prefix_space": False,
        # A decoder goes on from the last column of a batch: padding before it, and masked.
        "padding_side": "left",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    return {
        "tokenizer.json": text,
        "tokenizer_config.json": json.dumps(configuration, indent=1),
        "special_tokens_map.json": json.dumps(special, indent=1),
    }


def _eos_first(eos: str, eos_id: int) -> dict[str, Any]:
    first, text = (
        {"SpecialToken": {"id": eos, "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    )
    second = {"Sequence": {"id": "B", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, second],
        "special_tokens": {eos: {"id": eos, "ids": [eos_id], "tokens": [eos]}},
    }


def _from_sentencepiece(content: bytes, vocabulary: Vocabulary) -> dict[str, Any]:
    """tokenizer.json of a SentencePiece BPE with byte fallback."""
    import tokenizers
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import decoders, models, normalizers

    proto = sentencepiece_model_pb2.ModelProto.FromString(content)
    trainer, normalizer = proto.trainer_spec, proto.normalizer_spec
    if (
        trainer.model_type != trainer.BPE
        or not trainer.byte_fallback
        or normalizer.add_dummy_prefix
        or normalizer.remove_extra_whitespaces
    ):
        raise UserError(
            f"{vocabulary.path} is not a SentencePiece BPE with byte fallback that leaves white "
            "space as it is, and no other kind can be exported: train with a tokenizer.json."
        )
    ids = {piece.piece: number for number, piece in enumerate(proto.pieces)}
    model = models.BPE(
        vocab=ids,
        merges=_merges(proto),
        unk_token=proto.pieces[trainer.unk_id].piece,
        byte_fallback=True,
    )
    made = tokenizers.Tokenizer(model)
    escapes = (
        ((_ESCAPE, _ESCAPE + "2"), (_SPACE, _ESCAPE + "1"))
        if normalizer.precompiled_charsmap
        else ()
    )
    made.normalizer = normalizers.Sequence(
        [normalizers.Replace(old, new) for old, new in (*escapes, (" ", _SPACE))]
    )
    undo = [decoders.Replace(new, old) for old, new in ((" ", _SPACE), *reversed(escapes))]
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), *undo])
    control = [piece.piece for piece in proto.pieces if piece.type == piece.CONTROL]
    made.add_special_tokens(control)
    return json.loads(made.to_str())


def _merges(proto: Any) -> list[tuple[str, str]]:
    """Every way to make a piece of two others, the pieces in the order of their scores.

    SentencePiece merges the neighbours that make the piece with the highest score, in whichever way
    they make it; `tokenizers` wants the ways spelled out.
    """
    normal = [piece for piece in proto.pieces if piece.type == piece.NORMAL]
    known = {piece.piece for piece in normal}
    return [
        (piece.piece[:cut], piece.piece[cut:])
        for piece in sorted(normal, key=lambda piece: -piece.score)
        for cut in range(1, len(piece.piece))
        if piece.piece[:cut] in known and piece.piece[cut:] in known
    ]


def _require_same_ids(text: str, vocabulary: Vocabulary) -> None:
    import tokenizers

    exported = tokenizers.Tokenizer.from_str(text)
    exported.encode_special_tokens = True
    ids = np.random.default_rng(0).integers(0, vocabulary.size, (_PROBES, _PROBE_IDS))
    eos = vocabulary.piece(vocabulary.eos_id)
    probes = [*_DIFFICULT, f"a{eos}b {eos}", *(vocabulary.decode(row) for row in ids)]
    for probe, expected in zip(probes, vocabulary.encode(probes), strict=True):
        found = exported.encode(probe).ids
        if found != [vocabulary.eos_id, *expected]:
            raise UserError(
                f"{vocabulary.path} cannot be exported: `tokenizers` gives {probe[:80]!r} other "
                f"ids than it does ({found[:9]} ... instead of {expected[:8].tolist()} ...). Train "
                "with a tokenizer.json, which is exported as it is."
            )
