# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing what nothing needs any more: our folders, and the journal as the last file."""

from __future__ import annotations

__all__ = ("discard_all", "forget_journal", "forget_state")

import contextlib
import os
import shutil

from .._host.runner import Host
from .._shared import layout
from .._shared.steps import Discard
from .gate import forget_gate


def discard_all(discard: Discard) -> None:
    """Remove what the step names, and the journal. What can't be removed stays: there is no way back."""
    for path in discard.files:
        with contextlib.suppress(OSError):
            os.unlink(path)
    for folder in discard.folders:
        if folder != layout.STATE:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in discard.empty_folders:
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    # Last: if this process is killed before, another one goes on.
    if layout.STATE in discard.folders:
        forget_gate()
        forget_state()
    else:
        forget_journal()


def forget_state() -> None:
    """Remove our own folder. The journal goes last: if this process is killed, another one finds it."""
    for name in os.listdir(layout.STATE) if os.path.isdir(layout.STATE) else ():
        path = os.path.join(layout.STATE, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        elif path not in (layout.JOURNAL, layout.KEY_IMAGE):
            with contextlib.suppress(OSError):
                os.unlink(path)
    forget_journal()
    with contextlib.suppress(OSError):
        os.rmdir(layout.STATE)


def forget_journal() -> None:
    """End the transaction."""
    # The journal first: as long as it is there, a rollback needs the key.
    for path in (layout.JOURNAL, layout.KEY_IMAGE):
        # A killed run may have begun to write it.
        Host.drop_unfinished(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
