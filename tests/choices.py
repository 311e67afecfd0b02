# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choices and defaults that are documented in several places, each copied from the one place that decides them.

Ansible wants them in the documentation of each module and in the specification and the defaults of each role.
"""

from __future__ import annotations

import importlib
import re
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SHARED = "ansible_collections.gangway.docker.plugins.module_utils._shared"


def _options() -> dict[str, tuple[t.Sequence[str], str]]:
    """Return choices and default by option; roles' variables have a prefix."""
    sys.path.insert(0, str(ROOT / ".cache" / "collections"))
    key_types = importlib.import_module(f"{_SHARED}.key_types")
    arguments = importlib.import_module(f"{_SHARED}.listener_options").LISTENER_ARGUMENTS
    of_keys = (key_types.KEY_TYPES, key_types.DEFAULT_KEY_TYPE)
    listed = {name: (arguments[name]["choices"], arguments[name]["default"]) for name in ("method", "firewall")}
    return {"key_type": of_keys, "authority_key_type": of_keys, **listed}


OPTIONS = _options()
FILES = ("plugins/modules/*.py", "plugins/doc_fragments/*.py", "roles/*/meta/argument_specs.yml")
DEFAULTS = "roles/*/defaults/main.yml"
_NAME = rf"(?:expose_|docker_client_)?(?P<name>{'|'.join(OPTIONS)})"
#: An option and what is indented below it.
_BLOCK = re.compile(rf"^(?P<indent> +){_NAME}:\n(?:(?P=indent) .*\n|\n)+", re.MULTILINE)
_CHOICES = re.compile(r"^( +choices: )\[.*\]$", re.MULTILINE)
_DEFAULT = re.compile(r"^( +default: ).*$", re.MULTILINE)
_VARIABLE = re.compile(rf"^(?P<variable>{_NAME}: ).*$", re.MULTILINE)


def stale_files() -> dict[Path, str]:
    """Return the files that differ, with the text that they should have."""
    found = {path: documented(path.read_text(encoding="utf-8")) for pattern in FILES for path in ROOT.glob(pattern)}
    found.update({path: defaults(path.read_text(encoding="utf-8")) for path in ROOT.glob(DEFAULTS)})
    return {path: text for path, text in found.items() if text != path.read_text(encoding="utf-8")}


def documented(text: str) -> str:
    """Return the documentation or specification with these choices and defaults; options without choices stay."""
    return _BLOCK.sub(lambda match: _block(match[0], *OPTIONS[match["name"]]), text)


def defaults(text: str) -> str:
    """Return a role's defaults with these."""
    return _VARIABLE.sub(lambda match: match["variable"] + OPTIONS[match["name"]][1], text)


def _block(text: str, choices: t.Sequence[str], default: str) -> str:
    if not _CHOICES.search(text):
        return text
    text = _CHOICES.sub(rf"\g<1>[{', '.join(choices)}]", text)
    return _DEFAULT.sub(rf"\g<1>{default}", text)
