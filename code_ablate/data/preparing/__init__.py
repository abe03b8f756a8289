"""From documents to token stores, in four passes.

1. `extract`: the documents of each Task become tokens, with signatures of each document.
2. `judge`: signatures decide which documents stay (`exact_duplicates`).
3. `assemble`: the tokens of the documents that stay become a token store.
4. `account`: what came and where it went, for the store's manifest.

`prepare` runs them; `runner` says what may be worked on elsewhere, `local` does it on this machine,
`beam` in Apache Beam's pipelines.
"""
