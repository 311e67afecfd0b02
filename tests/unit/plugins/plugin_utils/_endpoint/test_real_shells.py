# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of the lookup's formats, given to the real shells; ./dev installs them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.shells import render_for_shell, render_unset

VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_MACHINE_NAME")
URL = "tcp://[2001:db8::1]:2376"
#: What a folder's name may hold that a shell has other plans for.
PATHS = {
    "plain": "/home/ci/.docker",
    "blanks": "/opt/docker  certs/ x ",
    "double quotes": '/opt/"quoted"',
    "single quotes": "/opt/it's 'so'",
    "dollar": "/opt/$HOME/${HOME}/$(id)/`id`",
    "backslashes": "/opt/back\\slash\\\\two\\$x\\n\\",
    "history": "/opt/!!/!x/a!b\\!c",
    "signs": "/opt/a;b#c&d*e?f|g<h>i(j)k[l]m{n,o}p%q%%r^s~t=u",
    "home": "~/x",
    "unicode": "/opt/größe/\u2018日本\u2019/\U0001f433",
    "tab": "/opt/a\tb",
}
LINE_BREAK = "/opt/a\nb"
#: Prints the variables with NUL between them, an unset one as C(-).
SHOW = f"import os, sys; sys.stdout.write(chr(0).join(os.environ.get(name, '-') for name in {VARIABLES!r}))"


def _show(folder: Path) -> str:
    """Return a command, in words that mean the same to every shell."""
    script = folder / "show.py"
    script.write_text(SHOW)
    return f"{sys.executable} {script}"


def _eval(shell: str, file: Path, show: str) -> list[str]:
    """Return the command line that has the shell eval what a command prints, as people do, and then show."""
    return {
        "sh": ["sh", "-eu", "-c", f'eval "$(cat {file})"; {show}'],
        "bash": ["bash", "-eu", "-c", f'eval "$(cat {file})"; {show}'],
        "zsh": ["zsh", "-f", "-e", "-u", "-c", f'eval "$(cat {file})"; {show}'],
        "fish": ["fish", "--no-config", "-c", f"eval (cat {file}); {show}"],
        "tcsh": ["tcsh", "-f", "-c", f'eval "`cat {file}`"; {show}'],
    }[shell]


def _source(shell: str, file: Path, show: str) -> list[str]:
    """Return the command line that has the shell read a file, and then show."""
    return {
        "sh": ["sh", "-eu", "-c", f". {file}; {show}"],
        "bash": ["bash", "-eu", "-c", f". {file}; {show}"],
        "zsh": ["zsh", "-f", "-e", "-u", "-c", f". {file}; {show}"],
        "fish": ["fish", "--no-config", "-c", f"source {file}; {show}"],
        "tcsh": ["tcsh", "-f", "-c", f"source {file}; {show}"],
        "emacs": [
            *("emacs", "--batch", "--quick", "--load", str(file)),
            *("--eval", f'(princ (shell-command-to-string "{show}"))'),
        ],
    }[shell]


Way = t.Callable[[str, Path, str], list[str]]
#: Each shell, the format that it reads, and how it reads it.
WAYS = [
    *((shell, "sh", way) for shell in ("sh", "bash", "zsh") for way in (_eval, _source)),
    *((shell, shell, way) for shell in ("fish", "tcsh") for way in (_eval, _source)),
    ("emacs", "emacs", _source),
]
IDS = [f"{shell}-{way.__name__.strip('_')}" for shell, _form, way in WAYS]


def _run(command: list[str], folder: Path, **variables: str) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr.decode()}"
    assert not done.stderr, done.stderr.decode()
    return done.stdout.decode().split("\0")


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize(("shell", "form", "way"), WAYS, ids=IDS)
def test_a_shell_gets_each_value_as_it_is(tmp_path: Path, shell: str, form: str, way: Way, path: str) -> None:
    file = tmp_path / "web1"
    file.write_bytes(render_for_shell(Connection(URL, path), "web1", form).encode())
    assert _run(way(shell, file, _show(tmp_path)), tmp_path) == ["1", URL, path, "web1"]


@pytest.mark.parametrize(("shell", "form", "way"), [way for way in WAYS if way[0] != "tcsh"])
def test_a_line_break_is_kept(tmp_path: Path, shell: str, form: str, way: Way) -> None:
    file = tmp_path / "web1"
    file.write_bytes(render_for_shell(Connection(URL, LINE_BREAK), "web1", form).encode())
    assert _run(way(shell, file, _show(tmp_path)), tmp_path) == ["1", URL, LINE_BREAK, "web1"]


@pytest.mark.parametrize(("shell", "form", "way"), WAYS, ids=IDS)
def test_undoing_removes_what_was_set_and_what_was_not(tmp_path: Path, shell: str, form: str, way: Way) -> None:
    file = tmp_path / "unset"
    file.write_bytes(render_unset(form).encode())
    # DOCKER_CERT_PATH is not set.
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_HOST": URL, "DOCKER_MACHINE_NAME": "web1"}
    assert _run(way(shell, file, _show(tmp_path)), tmp_path, **variables) == ["-"] * 4


@pytest.mark.parametrize(("shell", "form", "way"), WAYS, ids=IDS)
def test_an_endpoint_without_tls_undoes_the_one_before(tmp_path: Path, shell: str, form: str, way: Way) -> None:
    file = tmp_path / "lab"
    file.write_bytes(render_for_shell(Connection("tcp://lab:2375", None), "lab", form).encode())
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_HOST": URL, "DOCKER_CERT_PATH": "/x", "DOCKER_MACHINE_NAME": "web1"}
    shown = _run(way(shell, file, _show(tmp_path)), tmp_path, **variables)
    assert shown == ["-", "tcp://lab:2375", "-", "lab"]


def test_tcsh_keeps_its_history_out_of_it(tmp_path: Path) -> None:
    """At a prompt, C(!) in single quotes would be replaced by what was typed before, or be an error."""
    file = tmp_path / "web1"
    file.write_bytes(render_for_shell(Connection(URL, PATHS["history"]), "web1", "tcsh").encode())
    typed = f'echo x\neval "`cat {file}`"\n{_show(tmp_path)}\n'
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["tcsh", "-f", "-i"], env=environment, input=typed.encode(), capture_output=True, timeout=60, check=False
    )
    assert PATHS["history"].encode() in done.stdout, done.stdout + done.stderr
