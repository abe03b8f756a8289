"""The commands of the command line, a module for each subject.

A module's `add_to` says what its commands take, and a function for each what it does: parse, call
one typed function, print. What is worth calling from a notebook is in code_ablate.jobs and
code_ablate.config. Heavy modules are imported within the functions, so that `code-ablate --help`
is instant.

To add a command: `commands.add(name, function, text)` in the `add_to` of its subject.
"""
