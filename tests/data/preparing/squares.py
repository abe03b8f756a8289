"""Work for worker processes that start at once: this module imports no TensorFlow."""

from code_ablate.data.preparing.runner import Place


def square(piece: int, place: Place) -> int:
    place.report(1, 10)
    if piece < 0:
        raise ValueError(f"{piece} is below 0")
    return piece * piece
