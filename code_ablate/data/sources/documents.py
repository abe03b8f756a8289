"""What a corpus is made of, in SeqIO's terms.

    seqio.TaskRegistry.add("my.text", source=Files("gs://bucket/*.jsonl.gz"),
                           preprocessors=[*filters.TEXT, *documents.TOKENIZE],
                           output_features=documents.FEATURES)

A source of ours yields documents as dicts of four strings: `text`, and the metadata `path`,
`language` and `source`. Filters look at them; `TOKENIZE` ends the chain. The vocabulary of
`FEATURES` stands in for the study's own, which replaces it when the corpus is prepared.
"""

import seqio
import tensorflow as tf

DOCUMENT_FIELDS = ("text", "path", "language", "source")

FEATURES = {"targets": seqio.Feature(vocabulary=seqio.ByteVocabulary(), add_eos=True)}


def to_targets(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Renames the feature `text` to `targets`; the metadata stays beside it."""

    def rename(document):
        metadata = {key: value for key, value in document.items() if key != "text"}
        return {**metadata, "targets": document["text"]}

    return dataset.map(rename, num_parallel_calls=tf.data.AUTOTUNE)


TOKENIZE = (to_targets, seqio.preprocessors.tokenize, seqio.preprocessors.append_eos)
