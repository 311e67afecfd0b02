# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's commands: what they read and print, and those that do not end."""

from __future__ import annotations

from ansible_collections.gangway.docker.plugins.module_utils._guard.command import run_command


def test_a_command_gets_its_input_and_its_output_is_told_apart() -> None:
    assert run_command(["sh", "-c", "cat; echo no >&2; exit 3"], "yes") == (3, "yes", "no\n")


def test_more_than_a_pipe_holds_goes_in_and_comes_out() -> None:
    text = "0123456789" * 50_000
    assert run_command(["cat"], text) == (0, text, "")


def test_a_command_that_is_not_there_has_status_127() -> None:
    code, stdout, stderr = run_command(["/no/such/command"])
    assert (code, stdout) == (127, "")
    assert "/no/such/command" in stderr


def test_a_command_that_does_not_end_is_killed_whatever_it_ignores() -> None:
    ignores = "trap '' TERM; while :; do sleep 1; done"
    assert run_command(["sh", "-c", ignores], seconds=1) == (127, "", "sh does not end")
