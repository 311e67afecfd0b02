# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd_listener with method gateway: check mode predicts it, a second run changes nothing, dockerd runs on."""

from __future__ import annotations

import contextlib
import re
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._run import gateway
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_server
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, let_go

from .folder_host import FolderHost
from .listener_site import EXPOSED, Site

GATEWAY: dict[str, t.Any] = {**EXPOSED, "method": "gateway", "firewall": "systemd", "clients": ["admin", "ci"]}
DUE: dict[str, t.Any] = {"validity": 800, "renew_before": "400d"}
PREDICTED = ("changed", "actions", "diff", "restarted", "reason", "listen", "allow", "method", "firewall")
SERVICE = layout.GATEWAY_SERVICE


class GatewayHost(FolderHost):
    """With HAProxy. C(loaded): its files as it has read them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.worker = 1000
        self.denies = ""
        self.loaded: dict[str, str] = {}
        self.write("/usr/sbin/haproxy")
        self.real("/usr/sbin/haproxy").chmod(0o755)
        self.write(layout.FILTERING_SEEN)

    @property
    def verbs(self) -> list[str]:
        """What was done to dockerd's unit."""
        return [call.split()[1] for call in self.changes() if call.endswith(f" {layout.DOCKER_SERVICE}")]

    def _has_tls(self) -> bool:
        return SERVICE in self.active or super()._has_tls()

    @contextlib.contextmanager
    def _as_host(self) -> t.Iterator[None]:
        with super()._as_host(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(gateway, "_ask", self._answer)
            patch.setattr(gateway, "_RELOAD_TIMEOUT", 0.1)
            yield

    def _answer(self, command: str) -> str:
        return f"# workers\n{self.worker} worker 0\n" if command == "show proc" and SERVICE in self.active else ""

    def _systemctl(self, verb: str, words: t.Sequence[str]) -> tuple[int, str, str]:
        if verb == "set-property":
            values = dict(word.partition("=")[::2] for word in words[2:])
            self.allowed, self.denies = values["IPAddressAllow"], values["IPAddressDeny"]
        elif verb in ("start", "reload", "restart") and words[-1] == SERVICE:
            self.worker += 1
            paths = (layout.GATEWAY_CONFIGURATION, layout.GATEWAY_CLIENTS, layout.CA, layout.CRL, layout.CERTIFICATE)
            # Those of the run are below the folder.
            names = [path.replace(str(self.root), "") for path in paths]
            self.loaded = {name: self.text(name) for name in names}
        elif verb == "start" and words[-1] == layout.GANGWAY_SOCKET:
            unit = self.text("/etc/systemd/system/docker-gangway.socket")
            self.denies = "any" if "IPAddressDeny=any" in unit else ""
            self.allowed = " ".join(re.findall("^IPAddressAllow=(.*)$", unit, re.M))
        return super()._systemctl(verb, words)

    def _properties(self, unit: str) -> dict[str, str]:
        properties = super()._properties(unit)
        if unit == layout.GANGWAY_SOCKET:
            properties["IPAddressDeny"] = self.denies
        if unit == SERVICE:
            properties["MainPID"] = "77" if SERVICE in self.active else "0"
        return properties


@pytest.fixture
def site(site: Site, tmp_path: Path) -> Site:
    site.host = GatewayHost(tmp_path / "gateway-host")
    return site


def _run(site: Site, **arguments: t.Any) -> dict[str, t.Any]:
    """Run; check mode has predicted it, and a second run changes nothing."""
    before = site.host.image()
    predicted = site.run(check_mode=True, **arguments)
    assert site.host.image() == before
    done = site.run(**arguments)
    assert not done.get("failed"), done
    assert {key: predicted.get(key) for key in PREDICTED} == {key: done.get(key) for key in PREDICTED}
    assert "PRIVATE KEY" not in str(done)
    again = site.run(**arguments)
    assert (again["changed"], again["actions"]) == (False, [])
    return done


def _listed(site: Site) -> list[set[int]]:
    """The serial numbers on each list that the host has."""
    end = "-----END X509 CRL-----\n"
    lists = [x509.load_pem_x509_crl((part + end).encode()) for part in site.host.text(layout.CRL).split(end)[:-1]]
    return [{revoked.serial_number for revoked in each} for each in lists]


@pytest.mark.parametrize("key_origin", ["host", "controller"])
@pytest.mark.parametrize("is_new", [True, False])
def test_everything_that_changes_is_predicted_and_dockerd_runs_on(site: Site, key_origin: str, is_new: bool) -> None:
    host = t.cast(GatewayHost, site.host)
    before = host.image()
    if not is_new:
        ensure_authority(site.fleet)
    options = {**GATEWAY, "key_origin": key_origin}
    first = _run(site, **options)
    assert (first["method"], first["restarted"]) == ("gateway", False)
    assert first["actions"][-1] == f"start {SERVICE}"
    actions = [
        _run(site, **{**options, **changes})["actions"][-1]
        for changes in (
            {"allow": ["10.0.0.0/16"]},
            {"clients": ["admin", {"name": "ci", "rights": "read"}]},
            {"clients": ["admin", {"name": "ci", "rights": "read"}], "log": "none"},
            {"listen": ["10.0.0.6:2376"]},
        )
    ]
    ends = "end connections of clients without access"
    assert actions == ["load the firewall's rules", ends, ends, f"start {SERVICE}"]
    renewed = _run(site, **{**options, "listen": ["10.0.0.6:2376"]}, tls_sans=["docker.example.com"])
    assert f"reload {SERVICE}" in renewed["actions"]
    assert renewed["identity_changed"]
    assert host.loaded[layout.CERTIFICATE] == site.certificate
    assert _run(site, state="absent")["actions"][0].startswith("remove ")
    assert (host.verbs, host.pid, host.started_with) == ([], 100, [])
    after = {path for path in host.image() if not path.startswith(("proc", "run"))}
    assert after == {path for path in before if not path.startswith(("proc", "run"))}
    assert host.daemon_json() == {"mtu": 1400}


def test_a_certificate_that_is_due_brings_new_lists(site: Site) -> None:
    _run(site, **GATEWAY, validity="30d")
    lists = site.host.text(layout.CRL)
    assert f"reload {SERVICE}" in _run(site, **GATEWAY, **DUE)["actions"]
    assert site.host.text(layout.CRL) != lists


def test_switches_are_predicted(site: Site) -> None:
    options = {**GATEWAY, "method": "socket"}
    _run(site, **options)
    there = _run(site, **GATEWAY)
    assert (there["restarted"], there["actions"][-1]) == (True, f"start {SERVICE}")
    assert site.host.daemon_json() == {"mtu": 1400}
    back = _run(site, **options)
    assert back["restarted"]
    assert SERVICE not in site.host.active
    assert not site.host.real(layout.CRL).exists()
    assert _run(site, state="absent")["changed"]
    assert site.host.daemon_json() == {"mtu": 1400}


def test_who_is_revoked_is_on_the_list_and_not_in_the_map(site: Site) -> None:
    _run(site, **GATEWAY)
    assert _listed(site) == [set()]
    chain = x509.load_pem_x509_certificate((site.fleet.client_folder("ci") / "cert.pem").read_bytes())
    revoke(site.fleet, ["ci"])
    done = _run(site, **GATEWAY)
    assert f"reload {SERVICE}" in done["actions"]
    assert "end connections of clients without access" in done["actions"]
    assert chain.serial_number in _listed(site)[0]
    assert "ci" not in site.host.text(layout.GATEWAY_CLIENTS).split()
    shutil.rmtree(site.fleet.revoked_folder("ci"))


def test_a_rotation_is_followed_without_a_restart(site: Site) -> None:
    host = t.cast(GatewayHost, site.host)
    _run(site, **GATEWAY)
    cas = host.text(layout.CA).count("BEGIN CERTIFICATE")
    begin(site.fleet)
    _run(site, **GATEWAY)
    assert host.text(layout.CA).count("BEGIN CERTIFICATE") == cas + 1 == len(_listed(site))
    let_go(site.fleet)
    _run(site, **GATEWAY)
    assert host.text(layout.CA).count("BEGIN CERTIFICATE") == cas == len(_listed(site))
    assert host.verbs == []


def test_it_needs_the_fleets_own_certificates(site: Site, tmp_path: Path) -> None:
    ensure_authority(site.fleet)
    ensure_server(site.fleet, "web1", ["10.0.0.5"])
    folder = site.fleet.server_folder("web1")
    brought = {option: str(folder / f"{name}.pem") for option, name in (("certificate", "cert"), ("key", "key"))}
    ca = {"client_ca": str(folder / "ca.pem")}
    for options in (ca, {**brought, **ca}):
        for check_mode in (True, False):
            result = site.run(check_mode=check_mode, **GATEWAY, **options)
            assert result["failure"] == "gateway_authority"
    assert site.host.modules == ["observe"]


@pytest.mark.parametrize(
    ("clients", "failure"),
    [
        ([{"name": "ci", "right": "read"}], "invalid_client"),
        (["a b"], "invalid_name"),
        (["x\nbackend y"], "invalid_name"),
        ([["ci"]], "invalid_client"),
    ],
)
def test_clients_are_judged_before_the_host_is_asked(site: Site, clients: list[t.Any], failure: str) -> None:
    result = site.run(**{**GATEWAY, "clients": clients})
    assert result["failure"] == failure
    assert site.host.modules == []


def test_a_renewal_leaves_clients_and_rights_as_they_were(site: Site) -> None:
    options = {**GATEWAY, "clients": ["admin", {"name": "ci", "rights": "read"}], "log": "requests"}
    _run(site, **options, validity="30d")
    before = {path: site.host.text(path) for path in (layout.GATEWAY_CLIENTS, layout.GATEWAY_CONFIGURATION)}
    certificate = site.certificate
    renewed = site.run(state="renewed", **DUE)
    assert not renewed.get("failed"), renewed
    assert (renewed["changed"], renewed["method"], renewed["restarted"]) == (True, "gateway", False)
    assert site.certificate != certificate
    assert {path: site.host.text(path) for path in before} == before
