"""Mixtures of corpora. Here a rate is a share of tokens, not of examples as elsewhere in SeqIO.

seqio.MixtureRegistry.get("demo.code")

Shares of `demo.code`:

    20% demo.markup
    80% demo.web_code
"""

import seqio

from tasks import corpora  # noqa: F401  (a mixture can only name what is registered)

# The paper's code: 80 % web code, 20 % markup.
seqio.MixtureRegistry.add("demo.code", [("demo.web_code", 0.8), ("demo.markup", 0.2)])
