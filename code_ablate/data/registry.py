"""Names that SeqIO knows, as this project's values.

    resolve_mixture("demo.code")                 # a registered SeqIO Mixture or Task
    resolve_mixture({"demo.text": 0.8, "demo.code": 0.2})

SeqIO (and with it TensorFlow) is imported only when a name has to be looked up.
"""

from collections.abc import Mapping

from code_ablate.data.mixing import Mixture
from code_ablate.errors import UserError, unknown_name

MixtureSpec = Mixture | Mapping[str, float] | str
"""A mixture, {corpus: rate}, or the name of a registered SeqIO Mixture or Task."""

INSTALL = "pip install 'code-ablate[data]'"
"""What to do where SeqIO is missing."""


def seqio_is_installed() -> bool:
    """Whether SeqIO can be imported here; imports it."""
    try:
        import seqio  # noqa: F401
    except ImportError:
        return False
    return True


def resolve_mixture(spec: MixtureSpec) -> Mixture:
    """A mixture of corpora from rates, or from the name of a SeqIO Mixture or Task.

    Rates of a SeqIO Mixture are read as shares of tokens. Raises UserError for unknown names, and
    for any name where SeqIO is not installed.
    """
    if isinstance(spec, Mixture):
        return spec
    if isinstance(spec, Mapping):
        return Mixture.of(spec)
    if not isinstance(spec, str):
        raise UserError(f"a mixture is a registered name or {{corpus: rate}}, not {spec!r}.")
    if not seqio_is_installed():
        raise UserError(
            f"the mixture {spec!r} is a name, and SeqIO, which knows what it stands for, is not "
            f"installed: {INSTALL}, or write the mixture as {{corpus: rate}}."
        )
    import seqio

    if spec in seqio.TaskRegistry.names():
        return Mixture.of({spec: 1.0})
    if spec not in seqio.MixtureRegistry.names():
        names = (*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names())
        raise unknown_name("mixture or corpus", spec, names)
    mixture = seqio.MixtureRegistry.get(spec)
    return Mixture.of({task.name: float(mixture.get_rate(task)) for task in mixture.tasks})


def require_tasks(kind: str, names: tuple[str, ...]) -> None:
    """Raises UserError for the first of `names` that is not a registered SeqIO Task.

    Where SeqIO is not installed nothing is known, and nothing is raised: whoever then looks for
    the data of a name (`find_stores`) raises if there are none.
    """
    if not seqio_is_installed():
        return
    import seqio

    known = seqio.TaskRegistry.names()
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known)
