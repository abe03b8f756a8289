"""The vocabularies of a data folder by their digest, which stores and runs name.

    vocabulary = load_kept_vocabulary(digest, "data", "the store of demo.text")

Nothing is trained, and SeqIO is not needed.
"""

from etils import epath

from code_ablate.data.vocabulary import Vocabulary, VocabularyConfig, load_vocabulary
from code_ablate.data.vocabulary_files import file_digest
from code_ablate.errors import UserError


def load_kept_vocabulary(
    digest: str,
    data_dir: epath.PathLike,
    user: str,
    *,
    file: str = "",
    eos_token: str = "",
) -> Vocabulary:
    """The vocabulary with this digest: the one in `data_dir`, or the user's own `file`.

    `user`: what was made with it, for messages. `eos_token`: as in VocabularyConfig. Raises
    UserError if it is not there, or if `file` is another one.
    """
    path = file or _find(digest, data_dir, user)
    config = VocabularyConfig(path, size=0, allow_loss=True, eos_token=eos_token)
    vocabulary = load_vocabulary(path, config)
    if vocabulary.digest != digest:
        raise UserError(
            f"{user} was made with vocabulary {digest[:12]}, and {path} is "
            f"{vocabulary.digest[:12]}: name the file that it was made with."
        )
    return vocabulary


def _find(digest: str, data_dir: epath.PathLike, user: str) -> str:
    folder = epath.Path(data_dir) / "vocabularies"
    for file in sorted(folder.glob("*.model")) if folder.exists() else ():
        if file_digest(file) == digest:
            return str(file)
    raise UserError(
        f"the vocabulary of {user} (digest {digest[:12]}) is not in {folder}: name the data folder "
        "that it was made in, or the vocabulary's file if it was one of your own."
    )
