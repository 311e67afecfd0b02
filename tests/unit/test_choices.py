# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choices and defaults that several files repeat."""

from __future__ import annotations

import yaml

from tests.choices import OPTIONS, defaults, documented

_TEXT = """\
options:
  key_type:
    description: Any.
    choices: [one]
    default: one
  expose_method:
    type: str
    choices: [one]
    default: one

  key:
    suboptions:
      key_type:
        description: Its choices are not documented.
        required: true
    default: one
"""


def test_choices_and_defaults_are_replaced_where_they_are_documented() -> None:
    options = yaml.safe_load(documented(_TEXT))["options"]
    for name, option in (("key_type", "key_type"), ("method", "expose_method")):
        choices, default = OPTIONS[name]
        assert options[option]["choices"] == list(choices)
        assert options[option]["default"] == default
    assert options["key"] == yaml.safe_load(_TEXT)["options"]["key"]


def test_a_roles_defaults_are_replaced() -> None:
    text = defaults("expose_key_type: x\nexpose_key: x\n")
    assert text == f"expose_key_type: {OPTIONS['key_type'][1]}\nexpose_key: x\n"
