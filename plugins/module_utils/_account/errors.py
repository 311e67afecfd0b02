# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the system, while an account's files are read and written, as failures."""

from __future__ import annotations

__all__ = ("system_errors_as_failures",)

import contextlib
import typing as t

from .._shared.failure import Failure


@contextlib.contextmanager
def system_errors_as_failures(user: str, path: str, option: str) -> t.Iterator[None]:
    """C(option) decides where the files are. Failures: C(folder_not_writable), C(host_error)."""
    try:
        yield
    except PermissionError as exc:
        raise Failure(
            "folder_not_writable",
            thing=str(exc.filename or path),
            reason=f"user {user} may not do there what is needed ({exc.strerror})",
            cure=f"Give it to that user (chown {user}), or set another path ({option})",
        ) from exc
    except OSError as exc:
        raise Failure(
            "host_error",
            thing=str(exc.filename or path),
            reason=f"the system refuses it ({exc.strerror or exc})",
            cure="Mend that, and run again",
        ) from exc
