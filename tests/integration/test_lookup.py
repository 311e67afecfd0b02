# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's formats, each used with a real daemon: shells, curl, the docker command, daemons of others."""

from __future__ import annotations

import json
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.controller import Controller
from tests.lab.hosts import Host

pytestmark = pytest.mark.one_host
#: The format that each reads, and its command: read the file, list containers, undo, and show that nothing is left.
_POSIX = ". {set}; docker ps; . {unset}; printenv DOCKER_HOST || true"
SHELLS: dict[str, tuple[str, list[str]]] = {
    "sh": ("sh", ["sh", "-c", _POSIX]),
    "bash": ("sh", ["bash", "-c", _POSIX]),
    "zsh": ("sh", ["zsh", "-f", "-c", _POSIX]),
    "fish": ("fish", ["fish", "--no-config", "-c", _POSIX.replace(". ", "source ")]),
    "tcsh": ("tcsh", ["tcsh", "-f", "-c", _POSIX.replace(". ", "source ")]),
    "emacs": (
        "emacs",
        [
            *("emacs", "--batch", "--quick", "--load", "{set}"),
            *("--eval", '(princ (shell-command-to-string "docker ps"))', "--load", "{unset}"),
            *("--eval", '(princ (getenv "DOCKER_HOST"))'),
        ],
    ),
}


@pytest.fixture
def exposed(host: Host, tmp_path: Path) -> Controller:
    """The fleets are in a folder whose name needs quotes in every shell."""
    controller = Controller(tmp_path / 'it\'s $5 "größe" !x', [host])
    outcome = controller.expose()
    assert outcome.code == 0, outcome.failures
    return controller


def _play(controller: Controller, *tasks: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Run tasks on the controller; return their results."""
    outcome = controller.play([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}])
    assert outcome.code == 0, outcome.failures
    return outcome.results("localhost")


def _lookup(name: str, form: str = "env") -> str:
    """Return the expression; where the fleets are comes from expose_fleets_dir."""
    return f"lookup('gangway.docker.docker_host', '{name}', format='{form}')"


def _found(controller: Controller, name: str, form: str) -> t.Any:
    """Return what the lookup gives in a play."""
    task = {"ansible.builtin.debug": {"msg": f"{{{{ {_lookup(name, form)} }}}}"}}
    return _play(controller, task)[0]["msg"]


def _run(words: t.Sequence[str], controller: Controller, **variables: str) -> str:
    environment = controller.environment(HOME=str(controller.folder), LC_ALL="C.UTF-8", **variables)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_shell_reaches_the_daemon_and_forgets_it_again(host: Host, exposed: Controller, tmp_path: Path) -> None:
    # The path of the file is the reader's to quote; what is in it is ours.
    (tmp_path / "env").symlink_to(exposed.fleet / "env")
    for form in dict.fromkeys(form for form, _words in SHELLS.values()):
        written = exposed.playbook("env", env_shell=form)
        assert (written.code, written.failures) == (0, [])
    for shell, (form, words) in SHELLS.items():
        suffix = {"emacs": "el"}.get(form, form)
        files = {"{set}": f"{tmp_path}/env/{host.name}.{suffix}", "{unset}": f"{tmp_path}/env/unset.{suffix}"}
        for placeholder, file in files.items():
            words = [word.replace(placeholder, file) for word in words]
        shown = _run(words, exposed)
        assert "witness" in shown, shell
        assert "tcp://" not in shown, shell
    assert exposed.playbook("env", env_shell="emacs").changed(host.name) == 0


def test_curl_takes_the_url_and_the_files(host: Host, exposed: Controller) -> None:
    url, files = (_found(exposed, host.name, form) for form in ("https_url", "files"))
    options = ["--cacert", files["ca"], "--cert", files["cert"], "--key", files["key"]]
    shown = _run(["curl", "--silent", "--fail", *options, f"{url}/containers/json"], exposed)
    assert [container["Names"] for container in json.loads(shown)] == [["/witness"]]


def test_a_tool_can_be_given_the_contents(host: Host, exposed: Controller) -> None:
    """With no_log, as the documentation advises, the key is in nothing that Ansible prints."""
    folder = exposed.folder / "copied"
    folder.mkdir()
    pem = _lookup(host.name, "pem")
    (result,) = _play(
        exposed,
        {
            "ansible.builtin.copy": {
                "content": f"{{{{ ({pem})[item] }}}}",
                "dest": f"{folder}/{{{{ item }}}}.pem",
                "mode": "0600",
            },
            "loop": ["ca", "cert", "key"],
            "no_log": True,
        },
    )
    key = (exposed.client() / "key.pem").read_text()
    assert (folder / "key.pem").read_text() == key
    assert key.splitlines()[1] not in repr(result)
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}
    assert "witness" in _run(["docker", "ps"], exposed, DOCKER_HOST=f"tcp://{host.address}:2376", **variables)


@pytest.fixture
def theirs(host: Host, tmp_path: Path, exposed: Controller) -> Controller:
    """Another controller, which has exposed nothing."""
    return Controller(tmp_path / "theirs", [host])


@pytest.mark.parametrize("copy", [False, True])
def test_a_daemon_of_others_is_recorded_and_used(
    host: Host, exposed: Controller, theirs: Controller, tmp_path: Path, copy: bool
) -> None:
    bundle = Path(shutil.copytree(exposed.client(), tmp_path / "bundle"))
    options = {"name": "build1", "url": f"tcp://{host.address}:2376", "cert_path": str(bundle), "copy": copy}
    task = {"gangway.docker.endpoint": {**options, "variables_prefix": "expose_"}}
    first, second = _play(theirs, task, task)
    assert (first["changed"], second["changed"]) == (True, False)
    if copy:
        shutil.rmtree(bundle)
    shown = _play(
        theirs,
        {
            "ansible.builtin.command": "docker ps",
            "environment": f"{{{{ {_lookup('build1')} }}}}",
            "changed_when": False,
        },
    )
    assert "witness" in shown[0]["stdout"]
    argv = _found(theirs, "build1", "argv")
    assert "witness" in _run(["docker", *argv, "ps"], theirs)


def test_a_machine_of_docker_machine_is_recorded_and_used(
    host: Host, exposed: Controller, theirs: Controller, tmp_path: Path
) -> None:
    """A folder as docker-machine's driver generic leaves it."""
    machine = Path(shutil.copytree(exposed.client(), tmp_path / "machines" / "legacy"))
    (machine / "server.pem").write_text(host.run("cat /etc/docker/gangway/cert.pem").stdout)
    auth = {
        "CaCertPath": "ca.pem",
        "ClientCertPath": "cert.pem",
        "ClientKeyPath": "key.pem",
        "ServerCertPath": "server.pem",
    }
    config = {
        "ConfigVersion": 3,
        "Driver": {"IPAddress": host.address, "MachineName": "legacy", "EnginePort": 2376},
        "DriverName": "generic",
        "HostOptions": {"AuthOptions": {name: str(machine / file) for name, file in auth.items()}},
        "Name": "legacy",
    }
    (machine / "config.json").write_text(json.dumps(config))
    options = {"machines": str(machine.parent), "variables_prefix": "expose_"}
    (result,) = _play(theirs, {"gangway.docker.endpoint": options})
    (endpoint,) = result["endpoints"]
    assert host.address in endpoint["server_names"]
    written = theirs.run(Path(__file__).parents[2] / "playbooks" / "env.yml", "--inventory=legacy,", "--limit=legacy")
    assert written.code == 0, written.failures
    assert "witness" in _run(["sh", "-c", f". {theirs.fleet}/env/legacy.sh; docker ps"], theirs)
