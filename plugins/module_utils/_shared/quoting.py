# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each program that reads assignments wants a value quoted. Pure."""

from __future__ import annotations

__all__ = (
    "quote_for_cmd",
    "quote_for_elisp",
    "quote_for_env_file",
    "quote_for_fish",
    "quote_for_powershell",
    "quote_for_sh",
    "quote_for_tcsh",
)

import re
import shlex

from .failure import Failure

#: Means itself to all readers of an env file, so it needs no quotes. C(~) is not here: a shell would expand it.
_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./\[\]-]*\Z")
#: What keeps a meaning inside double quotes: the same in POSIX sh (2.2.3) and in systemd.exec(5), EnvironmentFile=.
_SPECIAL = re.compile(r'([\\"$`])')
#: PowerShell takes all of these for the single quote (about_Quoting_Rules).
_SINGLE_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
_LINE_BREAK = re.compile(r"[\r\n]")


def quote_for_env_file(value: str) -> str:
    """For a shell, for systemd and, as far as it can, for docker --env-file.

    docker --env-file takes quotes for a part of the value, so there are none where it goes without.
    """
    return value if _PLAIN.match(value) else '"' + _SPECIAL.sub(r"\\\1", value) + '"'


def quote_for_sh(value: str) -> str:
    """For sh, bash and zsh. In single quotes C(!) is safe as well, where somebody pastes it."""
    return shlex.quote(value)


def quote_for_fish(value: str) -> str:
    """In single quotes only C(\\) and C(') are special. C(eval) joins lines by blanks, so a line break is C(\\n)."""
    quoted = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "'\\n'")
    return f"'{quoted}'"


def quote_for_tcsh(value: str) -> str:
    """History is expanded in single quotes, too, but not after a backslash, which then goes away.

    Failure: C(value_unquotable) for a line break, which C(eval) can't be given.
    """
    _check(value, _LINE_BREAK, "tcsh")
    quoted = value.replace("'", "'\\''").replace("!", "\\!")
    return f"'{quoted}'"


def quote_for_powershell(value: str) -> str:
    """In single quotes nothing is special but the quotes, which are doubled."""
    return "'" + _SINGLE_QUOTES.sub(r"\1\1", value) + "'"


def quote_for_cmd(value: str) -> str:
    """For C(SET "NAME=VALUE") in a batch file, where C(%) is doubled and C(^), C(&) and C(|) are safe in quotes.

    Failure: C(value_unquotable) for a quote or a line break, for which cmd has no rule that always holds.
    """
    _check(value, re.compile('[\r\n"]'), "cmd")
    return value.replace("%", "%%")


def quote_for_elisp(value: str) -> str:
    """For a string in Emacs Lisp."""
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def _check(value: str, impossible: re.Pattern[str], shell: str) -> None:
    found = impossible.search(value)
    if found:
        raise Failure(
            "value_unquotable",
            thing=repr(value),
            reason=f"{shell} can't be given a value with {found[0]!r}",
            cure="Rename the folder, or choose another format",
        )
