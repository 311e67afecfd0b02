# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of one run of docker_context."""

from __future__ import annotations

__all__ = ("ContextTask",)

import typing as t
from dataclasses import dataclass

from .store import Context


@dataclass(frozen=True)
class ContextTask:
    """The options; None stands for what is not requested. C(change) returns the context from the one that is there."""

    name: str
    #: The docker CLI's folder.
    config: str
    change: t.Callable[[t.Optional[Context]], t.Optional[Context]]
    #: Make it the current context, or see that it is not.
    current: t.Optional[bool] = None
    #: Remove a context even if it is the current one.
    force: bool = False
    export_to: t.Optional[str] = None
    check_mode: bool = False
    #: What is new is not described by its content, for a diff that is the same before the content is known.
    contents_unknown: bool = False
    #: The task's option that decides where the files are, for errors.
    option: str = "config_dir"
