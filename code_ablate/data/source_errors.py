"""What goes wrong in a source, in one message with the line of the user's code that it came from.

with reading("the source of corpus 'my.text'"):
    dataset = task.source.get_dataset(...)
"""

import contextlib
from collections.abc import Iterator

from code_ablate import storage
from code_ablate.errors import Failed, Interrupted, UserError, disk_failures, told


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Raises UserError for what goes wrong, and Failed where a disk does.

    What an object store or host refuses passes on as it is: the command line knows what to say.
    """
    try:
        with disk_failures(what):
            yield
    except (UserError, Failed, Interrupted):
        raise
    except Exception as error:
        if storage.failure_of(error):
            raise
        raise UserError(f"{what} cannot be read: {told(error)}.") from error
