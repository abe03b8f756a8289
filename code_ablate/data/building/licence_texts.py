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
    Package,
)

_METADATA = {
    PYPI: re.compile(r"[^/]+\.dist-info/METADATA$"),
    NPM: re.compile(r"package\.json$"),
    DEBIAN: re.compile(r"usr/share/doc/[^/]+/copyright$"),
    DEBIAN_SOURCE: re.compile(r"(?:COPYING|COPYRIGHT|LICEN[CS]E)(?:\.\w+)?$"),
}
_CLASSIFIER = "License :: OSI Approved :: "
_OF_CLASSIFIER = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU General Public License (GPL)": "GPL-2.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
}
"""SPDX identifier of a classifier; where it stands for several, the one that most packages mean."""
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
    if registry == PYPI:
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
        named = classifiers[0].removeprefix(_CLASSIFIER)
        return _OF_CLASSIFIER.get(named, named)
    named = (headers.get("License") or "").strip()
    return named if len(named) <= _LONGEST and "\n" not in named else ""
