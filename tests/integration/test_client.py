# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client identity on another machine: put there, used, renewed, revoked and taken away. The host is that machine."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

import pytest

from tests.attack import LOCAL_USER, attack
from tests.integration.controller import Controller, Outcome
from tests.lab.hosts import Host

HOME = "/home/deploy"
BUNDLE = f"{HOME}/.docker"
#: Ansible's own folder is none of ours; the user's login makes it.
_LISTING = (
    f"cd {HOME} && find . -path ./.ansible -prune -o -printf '%p %y %m %U %G %T@ %l\\n' | grep -v '^[.] ' | sort && "
    "find . -path ./.ansible -prune -o -type f -print0 | sort -z | xargs -0 sha256sum"
)


@pytest.fixture
def machine(host: Host) -> t.Iterator[Host]:
    """The host, its user deploy without a trace of earlier tests."""
    clear = f"rm -rf {BUNDLE} /opt/ci /etc/elsewhere"
    host.run(clear)
    yield host
    host.run(clear)


@pytest.fixture
def exposed(machine: Host, controller: Controller) -> Controller:
    outcome = controller.expose()
    assert outcome.code == 0, outcome.failures
    return controller


def play_of(controller: Controller, machine: Host, **variables: t.Any) -> list[dict[str, t.Any]]:
    given = {
        "docker_client_name": "ci",
        "docker_client_user": "deploy",
        "docker_client_endpoints": [machine.name],
        "docker_client_fleets_dir": str(controller.fleets_dir),
        **variables,
    }
    roles = [{"role": "gangway.docker.client", **given}]
    return [{"hosts": machine.name, "gather_facts": False, "roles": roles}]


def give(controller: Controller, machine: Host, *words: str, **variables: t.Any) -> dict[str, t.Any]:
    """Run the role, and return what its task tells."""
    return result_of(controller.play(play_of(controller, machine, **variables), *words), machine)


def result_of(outcome: Outcome, machine: Host) -> dict[str, t.Any]:
    return next(r for r in outcome.results(machine.name) if r.get("action") == "gangway.docker.client_bundle")


def as_user(machine: Host, command: str, *, check: bool = True) -> str:
    """Run a command in a login of the user, and return what it prints."""
    done = machine.run(f"su - deploy -c {shlex.quote(command)}", check=check)
    return done.stdout + ("" if check else done.stderr)


def listing(machine: Host) -> str:
    return str(machine.run(_LISTING).stdout)


@attack(
    "Reads a client's key on a machine of the role `client`",
    by=LOCAL_USER,
    expected="The key is 0600 in a 0700 folder, and in no log or output",
)
@pytest.mark.flavours("sid")
def test_the_user_connects_in_every_way_until_revoked_and_the_key_is_nowhere_else(
    machine: Host, exposed: Controller
) -> None:
    url = f"tcp://{machine.address}:2376"
    site = exposed.folder / "client.yml"
    site.write_text(json.dumps(play_of(exposed, machine)))
    first = exposed.raw(site, "-vvvv", "--diff")
    assert first.returncode == 0, first.stdout
    second = exposed.raw(site, "-vvvv", "--diff")
    executions = [len(re.findall(r"^Using module file ", done.stdout, re.MULTILINE)) for done in (first, second)]
    assert executions == [2, 1]
    assert re.search(rf"{machine.name}\s*: ok=\d+\s+changed=0 ", second.stdout)

    env = f"{BUNDLE}/gangway/{machine.name}.env"
    assert "witness" in as_user(machine, f"docker --tlsverify -H {url} ps")
    assert "witness" in as_user(machine, f"set -a; . {env}; docker ps")
    assert "witness" in as_user(machine, f"docker --context {machine.name} ps")
    in_container = machine.run(f"docker run --rm --env-file {env} bb /bin/sh -c 'echo $DOCKER_HOST'").stdout
    assert in_container == f"{url}\n"

    found = machine.run(f"find {BUNDLE} -printf '%U:%G %m %y %f\\n'").stdout.split("\n")[:-1]
    owner = machine.run("id -u deploy; id -g deploy").stdout.split()
    assert {line.split()[0] for line in found} == {":".join(owner)}
    assert {line.split()[1] for line in found if line.split()[2] == "d"} == {"700"}
    assert {line.split()[1] for line in found if line.endswith("key.pem")} == {"600"}
    assert machine.run(f"cd {BUNDLE}; stat -c %a ca.pem cert.pem {env}").stdout.split() == ["644", "644", "644"]

    key = machine.run(f"cat {BUNDLE}/key.pem").stdout
    logged = machine.run("journalctl --no-pager").stdout
    output = "".join(done.stdout + done.stderr for done in (first, second))
    held = [path.read_bytes().decode(errors="replace") for path in exposed.folder.rglob("*") if path.is_file()]
    for text in (output, logged, *held):
        assert key.splitlines()[1] not in text
    assert "PRIVATE KEY" not in output + logged

    revoked = exposed.playbook("revoke", revoke_clients=["ci"])
    assert revoked.code == 0, revoked.failures
    said = as_user(machine, f"docker --tlsverify -H {url} ps", check=False)
    assert "witness" not in said
    assert any(word in said for word in ("certificate", "EOF", "reset")), said
    assert give(exposed, machine)["failure"] == "client_revoked"
    assert give(exposed, machine, docker_client_state="absent")["changed"]
    assert machine.run(f"ls -d {BUNDLE}", check=False).stdout == ""


@pytest.mark.one_host
def test_check_mode_renewal_and_repair_and_then_no_trace(machine: Host, exposed: Controller) -> None:
    machine.run(f"install -d -o deploy -g deploy -m 0775 {BUNDLE}")
    machine.run(f"printf '{{}}' > {BUNDLE}/config.json; chown deploy: {BUNDLE}/config.json")
    # What others may write to is closed, and stays so.
    before = listing(machine).replace("./.docker d 775", "./.docker d 755")
    predicted = give(exposed, machine, "--check", "--diff", docker_client_validity="240h")
    assert listing(machine).replace("./.docker d 775", "./.docker d 755") == before
    assert not (exposed.fleet / "machines").exists()
    real = give(exposed, machine, "--diff", docker_client_validity="240h")
    assert [real[key] for key in ("changed", "actions", "diff", "reason")] == [
        predicted[key] for key in ("changed", "actions", "diff", "reason")
    ]
    assert real["reason"] == "missing"

    key = machine.run(f"sha256sum {BUNDLE}/key.pem").stdout
    renewed = give(exposed, machine, docker_client_renew_before="30d")
    assert renewed["reason"] in ("expires in 9 d", "expires in 10 d")
    assert machine.run(f"sha256sum {BUNDLE}/key.pem").stdout == key
    assert "witness" in as_user(machine, f"docker --context {machine.name} ps")

    # What a machine that stopped between key and certificate would leave.
    as_user(machine, f"openssl genpkey -quiet -algorithm ED25519 -out {BUNDLE}/key.pem")
    repaired = give(exposed, machine, docker_client_validity=365)
    assert repaired["reason"] == "key and certificate do not belong together"
    assert "witness" in as_user(machine, f"docker --context {machine.name} ps")
    # A lost record is made again, and nothing on the machine changes.
    record = exposed.fleet / "machines" / machine.name / "ci.pem"
    content = record.read_bytes()
    record.unlink()
    assert not give(exposed, machine, docker_client_validity=365)["changed"]
    assert record.read_bytes() == content

    as_user(machine, f"docker context use {machine.name}")
    config = machine.run(f"cat {BUNDLE}/config.json").stdout
    predicted_end = give(exposed, machine, "--check", docker_client_state="absent")
    end = give(exposed, machine, docker_client_state="absent")
    assert (end["changed"], end["actions"]) == (True, predicted_end["actions"])
    assert "docker context use default" in " ".join(end["warnings"])
    assert machine.run(f"cat {BUNDLE}/config.json").stdout == config
    machine.run(f"printf '{{}}' > {BUNDLE}/config.json")
    assert without_times(listing(machine)) == without_times(before)
    assert not (exposed.fleet / "machines").exists()
    assert not give(exposed, machine, docker_client_state="absent")["changed"]


def without_times(text: str) -> str:
    """Folders that files came to and went from have another time than before."""
    return re.sub(r" \d+\.\d+ ", " ", text)


@attack(
    "Lays symbolic links where the role `client` writes as root",
    by=LOCAL_USER,
    expected="Refused; nothing is written elsewhere",
)
@pytest.mark.one_host
def test_other_places_other_accounts_and_what_is_not_ours(machine: Host, exposed: Controller) -> None:
    machine.run("install -d /opt/ci")
    elsewhere = {"docker_client_path": "/opt/ci/docker certs", "docker_client_contexts": False}
    assert give(exposed, machine, **elsewhere)["changed"]
    assert machine.run("stat -c '%U %G %a' '/opt/ci/docker certs'").stdout.split() == ["deploy", "deploy", "700"]
    env = f"'/opt/ci/docker certs/gangway/{machine.name}.env'"
    assert "witness" in as_user(machine, f"set -a; . {env}; docker ps")
    unit = f"systemd-run --quiet --pipe --wait --property=User=deploy --property=EnvironmentFile={env}"
    assert "witness" in machine.run(f"{unit} docker ps").stdout
    assert not give(exposed, machine, docker_client_name="cd", docker_client_state="absent", **elsewhere)["changed"]

    as_user(machine, f"mkdir -m 700 {BUNDLE} {BUNDLE}/other; echo mine > {BUNDLE}/key.pem")
    as_user(machine, f"docker context create {machine.name} --docker host=tcp://192.0.2.1:1")
    # Traps for a root that follows links.
    as_user(machine, f"ln -s /etc/elsewhere {BUNDLE}/link; ln -s /etc {BUNDLE}/etc")
    machine.run("install -d -m 700 /etc/elsewhere")
    refused: dict[str, dict[str, t.Any]] = {
        "bundle_not_ours": {},
        "bundle_taken": {"name": "cd", "path": "/opt/ci/docker certs"},
        "context_not_ours": {"path": "~/.docker/other"},
        "folder_unsafe": {"path": "/tmp"},
        "folder_not_writable": {"path": "~/.docker/link"},
        "folder_not_writable, in /etc": {"path": "~/.docker/etc/gangway-trap"},
        "folder_not_writable, of root": {"path": "/opt/ci"},
    }
    common = {"name": "ci", "user": "deploy", "fleets_dir": str(exposed.fleets_dir), "endpoints": [machine.name]}
    tasks = [
        {"gangway.docker.client_bundle": {**common, "contexts": "context" in key, **options}, "ignore_errors": True}
        for key, options in refused.items()
    ]
    before = listing(machine)
    outcome = exposed.play([{"hosts": machine.name, "gather_facts": False, "tasks": tasks}])
    assert outcome.failures == [key.split(",")[0] for key in refused]
    assert listing(machine) == before
    assert machine.run("ls -A /etc/elsewhere; ls -d /etc/gangway-trap", check=False).stdout == ""

    assert give(exposed, machine, docker_client_state="absent", **elsewhere)["changed"]
    assert machine.run("ls -A /opt/ci").stdout == ""
    plain = Controller(exposed.folder, [machine], ansible_user="deploy")
    assert give(plain, machine, docker_client_user="root")["failure"] == "not_root"
    machine.run(f"rm -r {BUNDLE}")
    assert give(plain, machine, docker_client_user="")["client"]["user"] == "deploy"
    assert "witness" in as_user(machine, f"docker --context {machine.name} ps")


@pytest.mark.one_host
def test_a_daemon_without_tls_is_used_without_an_identity(machine: Host, controller: Controller) -> None:
    exposed = controller.expose(expose_tls=False, expose_insecure=True, expose_allow=[machine.address])
    assert exposed.code == 0, exposed.failures
    before = listing(machine)
    predicted = give(controller, machine, "--check")
    assert listing(machine) == before
    done = give(controller, machine)
    assert (predicted["actions"], predicted["diff"]) == (done["actions"], done["diff"])
    env = f"{BUNDLE}/gangway/{machine.name}.env"
    # What another endpoint has left in the shell does no harm.
    left = "DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=/nowhere"
    assert "witness" in as_user(machine, f"export {left}; set -a; . {env}; docker ps")
    assert "witness" in as_user(machine, f"docker --context {machine.name} ps")
    assert ".pem" not in listing(machine)
    assert not give(controller, machine)["changed"]
    assert give(controller, machine, docker_client_endpoints=[])["failure"] == "endpoints_missing"
    give(controller, machine, docker_client_state="absent")
    assert listing(machine) == before
