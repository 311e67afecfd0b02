# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust that stays fresh on one host: renewal, drift, revocation, CAs of the user's own, loss."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.attack import ADMIN, CLIENT_KEY, CONTROLLER, attack
from tests.integration.conftest import without_ssh
from tests.integration.controller import ROOT, Controller
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import started_at
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host
from tests.shown import shown

SIGN = ROOT / "tests" / "integration" / "sign.sh"


def _key(host: Host) -> str:
    return str(host.run("sha256sum /etc/docker/gangway/key.pem").stdout)


def _shifted(shift: str) -> dict[str, str]:
    """What shifts the clock of a program that is started with it."""
    return {"LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME": shift}


def _record(controller: Controller, host: Host) -> dict[str, t.Any]:
    record: dict[str, t.Any] = json.loads((controller.fleet / "endpoints" / f"{host.name}.json").read_text())
    return record


@pytest.mark.one_host
def test_what_is_due_is_renewed_and_the_reason_told(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_validity=10).code == 0
    key, started, client = _key(host), started_at(host, "witness"), (controller.client() / "key.pem").read_bytes()
    early = _record(controller, host)["not_after"]
    assert controller.playbook("renew", expose_renew_before="9d").changed(host.name) == 0, "not due yet"

    outcome = controller.playbook("renew", expose_renew_before="30d")
    assert outcome.code == 0, outcome.failures
    results = outcome.results(host.name)
    bundles = next(r for r in results if r.get("action") == "gangway.docker.tls_bundle")
    assert [i["reason"] for i in bundles["identities"]] == ["expires in 9 d"]
    assert outcome.listener(host.name)["reason"] == "expires in 9 d"
    assert _key(host) == key
    assert (controller.client() / "key.pem").read_bytes() == client
    assert started_at(host, "witness") == started
    assert _record(controller, host)["not_after"] > early
    assert outcome.listener(host.name)["endpoint"]["not_after"] == _record(controller, host)["not_after"]
    assert ask(host.address, bundle=controller.client()) == "answered"
    again = controller.playbook("renew", expose_renew_before="30d")
    assert (again.code, again.changed(host.name)) == (0, 0)


@pytest.mark.one_host
def test_other_playbooks_change_nothing_of_how_the_host_was_exposed(host: Host, controller: Controller) -> None:
    """Their caller may not know the variables that a site's playbook has exposed it with."""
    site = {
        "expose_listen": [f"{host.address}:9002"],
        "expose_allow": [f"{GATEWAY}/32", "10.9.0.0/16"],
        "expose_tls_sans": ["build.example.com"],
        "expose_clients": ["ci", "bob"],
        "expose_key_type": "ed25519",
    }
    assert controller.expose(**site, expose_validity=10).code == 0
    assert controller.playbook("renew", expose_renew_before="9d").changed(host.name) == 0
    kept = ("url", "listen", "allow", "server_names", "client", "key_origin", "verified")
    before = _record(controller, host)
    for name, asked in (
        ("renew", {"expose_renew_before": "30d"}),
        ("revoke", {"revoke_clients": ["bob"]}),
        ("rotate_authority", {}),
    ):
        outcome = controller.playbook(name, **asked)
        assert outcome.code == 0, outcome.failures
        record = _record(controller, host)
        assert {key: record[key] for key in kept} == {key: before[key] for key in kept}
        assert record["fingerprint"] != before["fingerprint"] or name == "revoke"
        before = record
    assert sorted(path.name for path in (controller.fleet / "clients").iterdir()) == ["ci"], "nobody was made"
    assert controller.expose(**{**site, "expose_clients": ["ci"]}).changed(host.name) == 0

    # A host without a record is left alone where it is not exposed, and told of where it is.
    record_file = controller.fleet / "endpoints" / f"{host.name}.json"
    content = record_file.read_text()
    record_file.unlink()
    assert controller.playbook("rotate_authority").failures[0] == "record_missing"
    record_file.write_text(content)
    assert controller.playbook("rotate_authority").code == 0
    assert controller.withdraw().code == 0
    for name in ("renew", "rotate_authority"):
        assert controller.playbook(name).code == 0
        assert not host.run("ls /etc/systemd/system/docker-gangway.socket 2>/dev/null; true").stdout


@pytest.mark.one_host
def test_a_renewal_that_is_not_due_asks_the_host_nothing(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    with without_ssh(host):
        outcome = controller.playbook("renew")
    assert outcome.code == 0, outcome.failures
    assert outcome.listener(host.name)["changed"] is False


@pytest.mark.one_host
def test_the_lookup_warns_of_what_is_about_to_expire(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_validity=10).code == 0
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {
                "ansible.builtin.debug": {
                    "msg": f"{{{{ lookup('gangway.docker.docker_host', '{host.name}', format='facts', "
                    f"fleets_dir='{controller.fleets_dir}') }}}}"
                }
            }
        ],
    }
    assert controller.play([play]).warnings("localhost") == []
    outcome = controller.play([play], environment=_shifted("+8d"))
    warnings = " ".join(outcome.warnings("localhost"))
    assert f"The certificate of {host.name} expires in 1 d" in warnings
    assert "The certificate of client admin expires in 1 d" in warnings
    assert (
        outcome.plays[0]["tasks"][0]["hosts"]["localhost"]["msg"]["not_after"] == _record(controller, host)["not_after"]
    )


@pytest.mark.one_host
def test_a_host_whose_address_changed_is_fixed_by_the_same_playbook(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    key, started = _key(host), started_at(host, "witness")
    old, new = host.address, f"{host.address.rpartition('.')[0]}.{int(host.address.rpartition('.')[2]) + 100}"
    device = host.run("ip -o -4 address show | awk '/172.30.77/ {print $2; exit}'").stdout.strip()
    host.run(f"ip address del {old}/24 dev {device} && ip address add {new}/24 dev {device}")
    try:
        controller.set_address(host, new)
        outcome = controller.expose()
        assert outcome.code == 0, outcome.failures
        assert outcome.listener(host.name)["reason"] == f"lacks {new} and contains {old}, which is no longer requested"
        assert ask(new, bundle=controller.client(), ca=controller.client() / "ca.pem") == "answered"
        assert (_key(host), started_at(host, "witness")) == (key, started)
        assert controller.expose().changed(host.name) == 0
    finally:
        host.run(f"ip address del {new}/24 dev {device}; ip address add {old}/24 dev {device}")


@pytest.mark.one_host
def test_drifted_files_are_mended_and_the_drift_is_told(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    key = _key(host)
    host.run("chmod 0644 /etc/docker/gangway/key.pem; chmod 0755 /etc/docker/gangway")
    (controller.client() / "key.pem").chmod(0o644)
    (controller.client() / "ca.pem").write_text("")
    predicted = controller.expose("--check")
    outcome = controller.expose()
    for result in (predicted, outcome):
        bundles = next(r for r in result.results(host.name) if r.get("action") == "gangway.docker.tls_bundle")
        assert bundles["identities"][0]["reason"] == "ca.pem is not as it was; key.pem is 0644"
        assert "close /etc/docker/gangway to others" in " ".join(result.listener(host.name)["actions"])
    assert outcome.listener(host.name)["restarted"] is False, "no certificate changed"
    assert host.run("stat -c %a /etc/docker/gangway /etc/docker/gangway/key.pem").stdout.split() == ["700", "400"]
    assert (controller.client() / "key.pem").stat().st_mode & 0o777 == 0o600
    assert _key(host) == key
    assert controller.expose().changed(host.name) == 0


@pytest.mark.flavours("bookworm", "sid")
def test_another_key_type_is_a_new_key_and_certificate(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    outcome = controller.expose(expose_key_type="ed25519")
    assert outcome.listener(host.name)["reason"] == "key type is ecdsa_p256"
    assert any("rotate_authority" in warning for warning in outcome.warnings(host.name))
    assert controller.docker(host, "ps", "--quiet").returncode == 0


@attack(
    "Connects with a certificate that was revoked",
    by=CLIENT_KEY,
    expected="Refused by every daemon that was visited, after a rotation as well; other clients are not affected",
)
@pytest.mark.flavours("bookworm", "sid")
def test_one_client_is_shut_out_and_the_others_notice_nothing(
    host: Host, controller: Controller, tmp_path: Path
) -> None:
    names = ["admin", "bob", "carol"]
    assert controller.expose(expose_clients=names).code == 0
    before = {name: (controller.client(name) / "cert.pem").read_bytes() for name in ("admin", "carol")}
    stolen = shutil.copytree(controller.client("bob"), tmp_path / "stolen")
    assert ask(host.address, bundle=stolen) == "answered"

    outcome = controller.playbook("revoke", revoke_clients=["bob"], expose_clients=names)
    assert outcome.code == 0, outcome.failures
    assert _record(controller, host)["refused"] == ["bob"], "seen from the controller, with bob's certificate"
    assert ask(host.address, bundle=stolen) == "refused"
    assert is_safe(host.address)
    assert started_at(host, "witness")
    for name in ("admin", "carol"):
        assert (controller.client(name) / "cert.pem").read_bytes() == before[name]
        assert controller.docker(host, "ps", "--quiet", client=name).returncode == 0, (
            "Go picks its certificate by issuer"
        )
        assert ask(host.address, bundle=controller.client(name)) == "answered"

    # It stays revoked: a second run changes nothing, and a list that still has the name is refused.
    again = controller.playbook("revoke", revoke_clients=["bob"], expose_clients=names)
    assert (again.code, again.changed(host.name)) == (0, 0)
    assert controller.expose(expose_clients=names).failures == ["client_revoked"]
    # New and renewed clients need no visit to any daemon.
    later = controller.expose(expose_clients=["admin", "carol", "dave"])
    assert later.listener(host.name)["changed"] is False
    assert controller.docker(host, "ps", "--quiet", client="dave").returncode == 0
    # A second one.
    assert controller.playbook("revoke", revoke_clients=["dave"]).code == 0
    for name, code in (("admin", 0), ("carol", 0)):
        assert controller.docker(host, "ps", "--quiet", client=name).returncode == code
    assert ask(host.address, bundle=controller.fleet / "revoked" / "dave") == "refused"
    assert controller.playbook("revoke", revoke_clients=["nobody"]).failures == ["client_missing"]

    # A rotation after that: the daemon, not visited yet, knows the clients' issuer only, and lets new identities in.
    kept = {name: shutil.copytree(controller.client(name), tmp_path / name) for name in ("admin", "carol")}
    current = {"expose_clients": ["admin", "carol"]}
    with without_ssh(host):
        assert controller.playbook("rotate_authority", **current).failures == ["rotation_unfinished"]
    for visited in (False, True):
        if visited:
            assert controller.playbook("rotate_authority", rotate_finish=False, **current).code == 0
        for name in kept:
            assert controller.docker(host, "ps", "--quiet", client=name).returncode == 0
            assert ask(host.address, bundle=controller.client(name)) == "answered"
            assert ask(host.address, bundle=kept[name]) == "answered"
        assert ask(host.address, bundle=stolen) == "refused"
    assert controller.playbook("rotate_authority", **current).code == 0
    assert [ask(host.address, bundle=bundle) for bundle in (stolen, *kept.values())] == ["refused"] * 3
    assert controller.docker(host, "ps", "--quiet", client="carol").returncode == 0


@attack(
    "Connects with a certificate of the old authority that was revoked while a rotation waits",
    by=CLIENT_KEY,
    expected="Refused; other clients of the old authority are not affected until the grace is over",
)
@pytest.mark.one_host
def test_a_rotation_with_a_grace_waits_and_a_renewal_after_it_ends_it(
    host: Host, controller: Controller, tmp_path: Path
) -> None:
    names = ["admin", "bob"]
    assert controller.expose(expose_clients=names).code == 0
    # What a process has read at its start.
    old = {name: Path(shutil.copytree(controller.client(name), tmp_path / name)) for name in names}
    current = {"expose_clients": names}
    predicted = controller.playbook("rotate_authority", "--check", rotate_grace="7d", **current)
    assert predicted.code == 0, predicted.failures
    assert not (controller.fleet / "authority" / "rotation").exists()
    begun = controller.playbook("rotate_authority", rotate_grace="7d", **current)
    assert begun.code == 0, begun.failures
    assert any("stays trusted until" in warning for warning in begun.warnings(host.name))

    def works(name: str) -> list[bool]:
        """With the old identity and the new one: by OpenSSL, and by Go, which picks its certificate by issuer."""
        bundles = (old[name], controller.client(name))
        return [
            ask(host.address, bundle=bundle, ca=bundle / "ca.pem") == "answered"
            and controller.docker(host, "ps", "--quiet", client=str(bundle)).returncode == 0
            for bundle in bundles
            if bundle.exists()
        ]

    assert works("admin") == works("bob") == [True, True]
    for again in ("renew", "rotate_authority"):
        outcome = controller.playbook(again, **current)
        assert (outcome.failures, outcome.changed(host.name)) == ([], 0)
        assert any("stays trusted until" in warning for warning in outcome.warnings(host.name))

    revoked = controller.playbook("revoke", revoke_clients=["bob"], **current)
    assert revoked.code == 0, revoked.failures
    assert (works("admin"), works("bob")) == ([True, True], [False])
    assert ask(host.address, bundle=controller.fleet / "revoked" / "bob") == "refused"
    current = {"expose_clients": ["admin"], "environment": _shifted("+8d")}
    done = controller.playbook("renew", **current)
    assert done.code == 0, done.failures
    assert (works("admin"), works("bob")) == ([False, True], [False])
    assert ask(host.address, bundle=controller.fleet / "revoked" / "bob") == "refused"
    assert not (controller.fleet / "authority" / "rotation").exists(), "the last daemon has closed it"
    again = controller.playbook("renew", **current)
    assert (again.code, again.changed(host.name), again.warnings(host.name)) == (0, 0, [])


class _Processes(threading.Thread):
    """Looks at every process of the machine, those of its hosts as well, for a text on its command line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text, self._stop_now = text.encode(), threading.Event()
        self.seen: set[bytes] = set()
        self.looked_at = 0

    def run(self) -> None:
        while not self._stop_now.wait(0.005):
            for path in Path("/proc").glob("[1-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    words = path.read_bytes()
                    self.looked_at += 1
                    if self._text in words:
                        self.seen.add(words)

    def __enter__(self) -> _Processes:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_now.set()
        self.join()


@attack("Looks for the passphrase in files, output, logs and on command lines", by=CONTROLLER, expected="Found nowhere")
@pytest.mark.one_host
def test_a_vaulted_passphrase_and_the_keys_show_nowhere(host: Host, controller: Controller) -> None:
    # Tests of other hosts run at the same time, and look for theirs.
    passphrase = f"nine small vaulted horses {secrets.token_hex(8)}"
    vault = controller.folder / "vault-password"
    vault.write_text("open")
    variables = controller.folder / "group_vars" / "docker_hosts.yml"
    variables.parent.mkdir()
    variables.write_text(json.dumps({"expose_passphrase": passphrase, "expose_clients": ["admin", "bob"]}))
    words = [f"--vault-password-file={vault}"]
    encrypt = ["ansible-vault", "encrypt", *words, str(variables)]
    subprocess.run(encrypt, env=controller.environment(), check=True, capture_output=True)
    output, private = "", {passphrase, "PRIVATE KEY"}
    with _Processes(passphrase) as processes:
        for name, asked in (
            ("expose_docker", {}),
            ("rotate_authority", {}),
            ("revoke", {"revoke_clients": ["bob"]}),
            ("renew", {"expose_clients": ["admin"], "expose_key_type": "ed25519"}),
        ):
            done = controller.raw(ROOT / "playbooks" / f"{name}.yml", "-vvvv", "--diff", *words, **asked)
            assert done.returncode == 0, done.stdout
            output += done.stdout + done.stderr
            private |= {key.read_text().splitlines()[1] for key in controller.fleets_dir.rglob("*key.pem")}
            private.add(host.run("sed -n 2p /etc/docker/gangway/key.pem").stdout.strip())
    assert processes.looked_at > 1000
    assert processes.seen == set()
    logged = host.run("journalctl --no-pager; cat /var/log/*.log 2>/dev/null; true").stdout
    assert [secret for secret in private if secret in output or secret in logged] == []
    written = [path for path in controller.folder.rglob("*") if path.is_file()]
    assert [path for path in written if passphrase.encode() in path.read_bytes()] == []
    assert not host.run(f"grep -rlsF '{passphrase}' /etc /home /root /tmp /run /var/lib/gangway-docker; true").stdout
    for key in controller.fleets_dir.rglob("*key.pem"):
        assert key.stat().st_mode & 0o077 == 0
        assert ("ENCRYPTED" in key.read_text()) == (key.parent.name == "authority")


def _company(folder: Path, *words: str) -> None:
    """Make a root CA, an intermediate one below it, and their files, with openssl."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["sh", str(SIGN), *words, str(folder)], check=True, capture_output=True)


@pytest.mark.flavours("bookworm", "sid")
def test_an_intermediate_authority_of_the_users_own(host: Host, controller: Controller, tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    _company(pki, "init")
    mine = {
        "expose_authority_certificate": str(pki / "chain.pem"),
        "expose_authority_key": str(pki / "issuing-key.pem"),
        "expose_passphrase": "the company's secret",
    }
    outcome = controller.expose(**mine)
    assert outcome.code == 0, outcome.failures
    assert (controller.client() / "ca.pem").read_text() == (pki / "root.pem").read_text(), "clients trust the root"
    assert "ENCRYPTED" in (controller.fleet / "authority" / "ca-key.pem").read_text()
    assert controller.docker(host, "ps", "--quiet").returncode == 0
    assert ask(host.address, bundle=controller.client(), ca=controller.client() / "ca.pem") == "answered"
    # A client of the company's root that is not of this CA stays outside.
    _company(pki, "stranger")
    assert ask(host.address, bundle=pki / "stranger") == "refused"
    assert controller.expose(**mine).changed(host.name) == 0


@pytest.mark.one_host
def test_a_command_signs_and_the_controller_holds_no_authority_key(
    host: Host, controller: Controller, tmp_path: Path
) -> None:
    pki = tmp_path / "pki"
    _company(pki, "init")
    mine = {"expose_authority_certificate": str(pki / "chain.pem"), "expose_sign_command": f"sh {SIGN} sign {pki}"}
    outcome = controller.expose(**mine)
    assert outcome.code == 0, outcome.failures
    assert not list(controller.fleet.rglob("ca-key.pem"))
    assert controller.docker(host, "ps", "--quiet").returncode == 0
    assert controller.expose(**mine).changed(host.name) == 0
    assert controller.playbook("revoke", revoke_clients=["admin"], **mine).failures == ["revocation_unsupported"]
    # It is the fleet's from now on: no variable has to name it, and none brings another one.
    marker = tmp_path / "marker"
    other = controller.expose(expose_sign_command=f"touch {marker}", expose_tls_sans=["other.example.com"])
    assert other.failures == ["sign_command_differs"]
    assert not marker.exists()
    more = controller.expose(expose_tls_sans=["other.example.com"], expose_clients=["admin", "bob"])
    assert more.code == 0, more.failures
    assert "other.example.com" in _record(controller, host)["server_names"]
    assert controller.docker(host, "ps", "--quiet", client="bob").returncode == 0


@pytest.mark.one_host
@pytest.mark.parametrize("with_key", [True, False])
def test_a_folder_of_docker_machine_is_adopted(
    host: Host, controller: Controller, tmp_path: Path, with_key: bool
) -> None:
    """With its CA's key, the fleet goes on with that CA; without, with the certificates that are there."""
    old = tmp_path / "machine" / "certs"
    old.mkdir(parents=True)
    subprocess.run(["sh", str(SIGN), "machine", str(old), host.address], check=True, capture_output=True)
    if with_key:
        variables = shown("docs/trust.md", "expose_authority_certificate: ~/.docker/machine/certs/ca.pem")
    else:
        variables = shown("docs/trust.md", "expose_client_ca: ~/.docker/machine/certs/ca.pem")
        shutil.copytree(old, old.parent / "machines" / host.name)
        shutil.copytree(old, controller.client())
    mine = yaml.safe_load(variables.replace("~/.docker/machine", str(old.parent)))
    outcome = controller.expose(**mine)
    assert outcome.code == 0, outcome.failures
    old_client = {"DOCKER_HOST": f"tcp://{host.address}:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(old)}
    command, environment = ["docker", "ps"], controller.environment(**old_client)

    def asked() -> int:
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    assert asked() == 0, "the old client goes on"
    assert controller.docker(host, "ps", "--quiet").returncode == 0
    assert controller.expose(**mine).changed(host.name) == 0
    if with_key:
        # Such a CA fails strict verifiers. A rotation replaces it, and the old client works until it lets go.
        assert any("is not acceptable" in warning for warning in outcome.warnings(host.name))
        assert controller.playbook("rotate_authority", rotate_finish=False).code == 0
        assert asked() == 0, "the old CA vouches for the new one"
        finished = controller.playbook("rotate_authority")
        assert finished.code == 0, finished.failures
        assert asked() != 0
        assert controller.expose().warnings(host.name) == []


@attack(
    "Uses a copy of the fleet's folder after the hosts were given a new authority",
    by=CONTROLLER,
    expected="Its clients are refused",
)
@attack(
    "Exposes hosts of another controller",
    by=ADMIN,
    expected="Refused (`other_controller`), unless `expose_replace_controller` is set",
)
@pytest.mark.one_host
def test_a_lost_folder_is_said_so_and_taken_over_when_asked(host: Host, controller: Controller, tmp_path: Path) -> None:
    assert controller.expose().code == 0
    started, etc = started_at(host, "witness"), host.run("find /etc -type f -exec sha256sum {} +").stdout
    lost = controller.fleets_dir.rename(tmp_path / "lost")
    for words in (["--check"], []):
        assert controller.expose(*words).failures == ["other_controller"]
    assert host.run("find /etc -type f -exec sha256sum {} +").stdout == etc
    outcome = controller.expose(expose_replace_controller=True)
    assert outcome.code == 0, outcome.failures
    assert controller.docker(host, "ps", "--quiet").returncode == 0
    assert ask(host.address, bundle=lost / "default" / "clients" / "admin") == "refused"
    assert started_at(host, "witness") == started
    assert controller.expose().changed(host.name) == 0, "asked for once, it need not be asked for again"


@pytest.mark.one_host
def test_a_second_controller_takes_over_with_a_copy_of_the_folder(
    host: Host, controller: Controller, tmp_path: Path
) -> None:
    assert controller.expose().code == 0
    shutil.copytree(controller.fleets_dir, tmp_path / "second")
    second = controller.expose(expose_fleets_dir=str(tmp_path / "second"))
    assert (second.code, second.changed(host.name)) == (0, 0)


@pytest.mark.one_host
@pytest.mark.parametrize(
    ("shift", "failures", "told"),
    [
        ("+4m", [], ""),
        ("-7h", [], "7.0 h ahead of"),
        ("+7h", ["clock_skew"], "7.0 h behind"),
        ("-2y", ["clock_skew"], "ahead of"),
    ],
)
def test_clocks_that_differ(host: Host, controller: Controller, shift: str, failures: list[str], told: str) -> None:
    """The controller's clock is shifted, which is the same as the host's being so."""
    outcome = controller.expose(environment=_shifted(shift))
    assert outcome.failures == failures
    result = outcome.listener(host.name)
    assert told in result.get("msg", "") + " ".join(result.get("warnings", []))
    if failures:
        assert not host.run("ls /etc/docker/gangway 2>/dev/null; true").stdout
    else:
        assert outcome.listener(host.name)["endpoint"]["verified"]
        assert bool(told) == bool(outcome.warnings(host.name))
        assert controller.docker(host, "ps", "--quiet").returncode == 0
