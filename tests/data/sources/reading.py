"""Reads a source as SeqIO does."""


def read(source, **kwargs):
    dataset = source.get_dataset("train", shuffle=False, **kwargs)
    return [
        {key: value.decode() for key, value in row.items()} for row in dataset.as_numpy_iterator()
    ]
