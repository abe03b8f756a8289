"""What failed within tf.data, as it was raised: TensorFlow passes on the text of two tracebacks.

raise without_tensorflow("my.corpus", files_of(task.source, "train"), error) from None
"""

import re

import seqio
import tensorflow as tf

from code_ablate.errors import Failed, MissingData, UserError

_TRACEBACK = "\nTraceback (most recent call last)"
_FOR_USERS = {error.__name__: error for error in (UserError, MissingData, Failed)}
_SAID = re.compile(rf"\b({'|'.join(_FOR_USERS)}): (.*?){re.escape(_TRACEBACK)}", re.DOTALL)
"""How TensorFlow tells of an exception in a function of Python's: its type, its message."""
_NODE = re.compile(r"^\{\{function_node .*?\}\} |\s*\[\[\{\{node .*| \[Op:\w+\] name: *$")
"""Where in its graph TensorFlow was."""
_FILE_ERRORS = (tf.errors.NotFoundError, tf.errors.PermissionDeniedError, tf.errors.DataLossError)


def files_of(source: seqio.DataSource, split: str) -> str:
    """Which files TensorFlow reads, in words; it does not say in which of them an error is."""
    if not isinstance(source, seqio.FileDataSource):
        return ""
    files = list(source.list_shards(split))
    more = f" or {len(files) - 3} more" if len(files) > 3 else ""
    return f", in {', '.join(files[:3])}{more}"


def without_tensorflow(corpus: str, files: str, error: tf.errors.OpError) -> Exception:
    """What failed within tf.data, as it was raised where it was meant for the user."""
    if raised := _SAID.search(error.message):
        return _FOR_USERS[raised[1]](raised[2])
    if _TRACEBACK not in error.message and isinstance(error, _FILE_ERRORS):
        said = _without_frames_of_tensorflow(error.message)
        return UserError(
            f"the source of corpus {corpus!r} cannot be read ({said}{files}): are its files there, "
            "whole, and yours to read?"
        )
    said = _without_frames_of_tensorflow(error.message)
    return Failed(f"a preprocessor, or the source, of {corpus!r} failed: {said}")


def _without_frames_of_tensorflow(message: str) -> str:
    """What TensorFlow says of an exception, with the lines of its traceback that are the user's."""
    blocks = _NODE.sub("", message).strip().split("\n\n")
    frames = re.compile(r'  File ".*/tensorflow/')
    return "\n".join(block for block in blocks if block.strip() and not frames.match(block))
