"""The licence of a package, from its own metadata.

licence_of(package, archives)       # "MIT"; "" where it says nothing
"""

import email
import json
import re
from collections.abc import Sequence
from pathlib import Path

from code_ablate.data.building.archives import members
from code_ablate.data.building.packages import (
    DEBIAN,
    DEBIAN_SOURCE,
    NPM,
    PYPI,
    PYPI_SOURCE,
    Package,
)

_METADATA = {
    PYPI: re.compile(r"[^/]+\.dist-info/METADATA$"),
    PYPI_SOURCE: re.compile(r"PKG-INFO$"),
    NPM: re.compile(r"package\.json$"),
    DEBIAN: re.compile(r"usr/share/doc/[^/]+/copyright$"),
    DEBIAN_SOURCE: re.compile(r"(?:COPYING|COPYRIGHT|LICEN[CS]E)(?:\.\w+)?$"),
}
_CLASSIFIER = "License :: OSI Approved :: "
_KNOWN_TEXTS = (
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0"),
    ("GPL-3.0-or-later", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0-or-later", r"GNU GENERAL PUBLIC LICENSE\s+Version 2"),
    ("MPL-2.0", r"Mozilla Public License,? [Vv](?:ersion|\.)\s*2\.0"),
    ("BSD-3-Clause", r"Neither the name of|may not be used to endorse"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("PostgreSQL", r"PostgreSQL Database Management System"),
    ("MIT", r"Permission is hereby granted, free of charge"),
    ("ISC", r"Permission to use, copy, modify, and(?:/or)? distribute"),
)
_LONGEST = 60
"""Characters of a licence's name; what is longer is its text."""


def licence_of(package: Package, archives: Sequence[Path]) -> str:
    """SPDX identifier, or the package's own words for its licence; "" if it says nothing."""
    form = _METADATA[package.registry]
    for archive in archives:
        for member in members(archive, top_folder=package.registry != PYPI):
            if form.match(member.path):
                return _parsed(package.registry, member.read().decode("utf-8", "replace"))
    return ""


def _parsed(registry: str, text: str) -> str:
    if registry == NPM:
        licence = json.loads(text).get("license", "")
        return str(licence.get("type", "")) if isinstance(licence, dict) else str(licence)
    if registry in (PYPI, PYPI_SOURCE):
        return _of_python(text)
    named = re.findall(r"^License: *(\S.*)$", text, re.MULTILINE) if registry == DEBIAN else []
    if named:  # one for each group of files: the most frequent
        return max(dict.fromkeys(named), key=named.count)
    return next((name for name, words in _KNOWN_TEXTS if re.search(words, text)), "")


def _of_python(text: str) -> str:
    headers = email.message_from_string(text)
    expression = headers.get("License-Expression", "")
    if expression:
        return expression
    classifiers = [c for c in headers.get_all("Classifier", []) if c.startswith(_CLASSIFIER)]
    if classifiers:
        return classifiers[0].removeprefix(_CLASSIFIER)
    named = (headers.get("License") or "").strip()
    return named if len(named) <= _LONGEST and "\n" not in named else ""
