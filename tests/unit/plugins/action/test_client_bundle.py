# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""client_bundle from end to end, in one process: the action plugin here, and the module's work in a folder beside."""

from __future__ import annotations

import datetime
import functools
import os
import shutil
import ssl
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader

from ansible_collections.gangway.docker.plugins.module_utils._account.account import Account
from ansible_collections.gangway.docker.plugins.module_utils._client import machine as machine_module
from ansible_collections.gangway.docker.plugins.module_utils._client.machine import run_client_bundle
from ansible_collections.gangway.docker.plugins.module_utils._client.task import Instructions
from ansible_collections.gangway.docker.plugins.module_utils._client.task import Task as ClientTask
from ansible_collections.gangway.docker.plugins.module_utils._client.wanted import ClientOptions
from ansible_collections.gangway.docker.plugins.module_utils._host.keys import make_csr, make_key
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.issued import issued_to, read_issued
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, let_go
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, try_chain

FILES = ("ca.pem", "cert.pem", "key.pem")


@dataclass
class Site:
    """A controller's fleets, and a machine with one account whose home folder is a folder beside."""

    folder: Path
    openssl: str | None = None
    #: What went to the machine, phase by phase, and what came back.
    sent: list[dict[str, t.Any]] = field(default_factory=list)
    answers: list[dict[str, t.Any]] = field(default_factory=list)
    #: What a machine that lies makes of an answer.
    lie: t.Callable[[dict[str, t.Any]], t.Any] = dict

    @property
    def fleets_dir(self) -> Path:
        return self.folder / "controller"

    @property
    def bundle(self) -> Path:
        return self.folder / "user" / ".docker"

    @property
    def fleet(self) -> Fleet:
        return Fleet(str(self.fleets_dir), "default")

    @property
    def record(self) -> Path:
        return self.fleet.machines_folder / "runner%201" / "ci.pem"

    @property
    def phases(self) -> list[str]:
        return [args["instructions"]["phase"] for args in self.sent]

    def run(self, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        self.sent.clear()
        self.answers.clear()
        task = Task()
        task.args = {"fleets_dir": str(self.fleets_dir), "name": "ci", **arguments}
        task.check_mode = check_mode
        task.async_val = 0
        plugin = action_loader.get(
            "gangway.docker.client_bundle",
            task=task,
            connection=mock.Mock(spec_set=["_shell", "_play_context", "transport"]),
            play_context=mock.Mock(),
            loader=DataLoader(),
            templar=mock.Mock(),
            shared_loader_obj=None,
        )

        def execute(module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
            assert module_name == "gangway.docker.client_bundle"
            return self.execute(module_args, check_mode)

        with mock.patch.object(type(plugin), "_execute_module", side_effect=execute):
            result: dict[str, t.Any] = plugin.run(task_vars={"inventory_hostname": "runner 1"})
        return result

    def execute(self, args: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
        """Do what the module's main() does."""
        self.sent.append(args)
        task = ClientTask(
            state=args["state"],
            check_mode=check_mode,
            user=args["user"],
            path=args["path"],
            options=ClientOptions(
                args["name"], args["fleet"], tuple(args["endpoints"]), args["env_files"], args["contexts"]
            ),
            instructions=Instructions(**args["instructions"]),
            make_key=functools.partial(make_key, _run, self.openssl, args["key_type"]),
            make_csr=lambda path, client: make_csr(_run, self.openssl, path, client=client),
            can_make_keys=True,
        )
        account = Account("me", os.geteuid(), os.getegid(), str(self.folder / "user"))
        try:
            with mock.patch.object(machine_module, "find_account", return_value=account):
                answer = run_client_bundle(task)
        except Failure as exc:
            answer = {"failed": True, **exc.as_result()}
        self.answers.append(answer)
        return t.cast("dict[str, t.Any]", self.lie(answer))

    def contents(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted((self.folder / "user").rglob("*")) if path.is_file()}

    def works(self) -> bool:
        """Whether the bundle and every context hold a certificate with its key, and the same one."""
        ssl.create_default_context().load_cert_chain(self.bundle / "cert.pem", self.bundle / "key.pem")
        copies = [path.parent for path in self.bundle.glob("contexts/tls/*/docker/key.pem")]
        return all((copy / n).read_bytes() == (self.bundle / n).read_bytes() for copy in copies for n in FILES)


def _run(words: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def site(tmp_path: Path, make_record: t.Callable[..., EndpointRecord]) -> Site:
    site = Site(tmp_path)
    (tmp_path / "user").mkdir(mode=0o700)
    ensure_authority(site.fleet)
    for name in ("web1", "web 2"):
        write_record(site.fleet.endpoints_folder, make_record(name=name, url=f"tcp://{name[:3]}:2376"))
    return site


@pytest.fixture
def placed(site: Site) -> Site:
    """The identity is there, with a context and an env file."""
    result = site.run(endpoints=["web1"])
    assert result["changed"], result
    return site


@pytest.mark.parametrize("openssl", [shutil.which("openssl"), None])
def test_one_execution_when_nothing_changes_and_two_when_something_does(site: Site, openssl: str | None) -> None:
    site.openssl = openssl
    first = site.run(endpoints=["web1", "web 2"])
    assert (first["changed"], first["reason"], site.phases) == (True, "missing", ["plan", "apply"])
    assert site.works()
    assert first["client"]["endpoints"][1] == {
        "name": "web 2",
        "url": "tcp://web:2376",
        "env_file": f"{site.bundle}/gangway/web%202.env",
        "context": "web-2",
    }
    before = site.contents()
    second = site.run(endpoints=["web1", "web 2"])
    assert (second["changed"], second["reason"], site.phases) == (False, "", ["plan"])
    assert (second["actions"], second["diff"]) == ([], [])
    assert second["client"] == first["client"]
    assert site.contents() == before
    assert not site.run(endpoints=["web1", "web 2"], check_mode=True)["changed"]


def test_the_key_is_in_nothing_that_leaves_the_machine(placed: Site) -> None:
    result = placed.run(endpoints=["web1"], key_type="ed25519")
    secret = (placed.bundle / "key.pem").read_text().splitlines()[1]
    assert secret not in repr([result, placed.sent, placed.answers])
    held = [path.read_bytes() for path in placed.fleets_dir.rglob("*") if path.is_file()]
    assert not any(secret.encode() in content for content in held)


@pytest.mark.parametrize(
    "arguments",
    [
        {"endpoints": ["web1"]},
        {"endpoints": ["web1"], "path": "~/elsewhere/deep", "env_files": False},
        {"endpoints": ["web1"], "contexts": False},
    ],
)
def test_check_mode_predicts_everything_and_absent_leaves_nothing(site: Site, arguments: dict[str, t.Any]) -> None:
    keys = ("changed", "actions", "diff", "reason")
    predicted = site.run(check_mode=True, **arguments)
    assert not site.contents()
    assert not site.fleet.machines_folder.exists()
    real = site.run(**arguments)
    assert {key: real[key] for key in keys} == {key: predicted[key] for key in keys}
    predicted = site.run(check_mode=True, **{**arguments, "state": "absent"})
    real = site.run(**{**arguments, "state": "absent"})
    assert site.phases == ["apply"]
    assert [real[key] for key in keys[:3]] == [predicted[key] for key in keys[:3]]
    assert os.listdir(site.folder / "user") == []
    assert not site.fleet.machines_folder.exists()
    assert not site.run(**{**arguments, "state": "absent"})["changed"]


def test_absent_needs_no_list_of_endpoints(placed: Site) -> None:
    assert placed.run(state="absent")["changed"]
    assert os.listdir(placed.folder / "user") == []


def test_renewal_keeps_the_key(placed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Days are told whole: what is predicted and what is done may lie on two sides of a second.
    later = clock.now() + datetime.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    key = (placed.bundle / "key.pem").read_bytes()
    serial = try_chain((placed.bundle / "cert.pem").read_bytes())[0].serial_number
    predicted = placed.run(endpoints=["web1"], validity=800, renew_before="400d", check_mode=True)
    renewed = placed.run(endpoints=["web1"], validity=800, renew_before="400d")
    assert (renewed["actions"], renewed["diff"]) == (predicted["actions"], predicted["diff"])
    assert renewed["reason"].startswith("expires in 36")
    assert placed.phases == ["plan", "apply"]
    assert (placed.bundle / "key.pem").read_bytes() == key
    assert try_chain((placed.bundle / "cert.pem").read_bytes())[0].serial_number != serial
    assert placed.works()
    assert not placed.run(endpoints=["web1"], validity=800, renew_before="400d")["changed"]


def test_another_key_type_is_a_new_key(placed: Site) -> None:
    assert placed.run(endpoints=["web1"], key_type="ed25519")["reason"] == "key type is ecdsa_p256"
    assert placed.phases == ["plan", "apply"]
    assert placed.works()
    assert not placed.run(endpoints=["web1"], key_type="ed25519")["changed"]


def test_each_certificate_is_noted_for_revocation_and_a_revoked_client_is_refused(placed: Site) -> None:
    assert [issued_to(c) for c in read_issued(placed.fleet.issued_folder, clock.now())] == ["ci"]
    assert revoke(placed.fleet, ["ci"]) == ["ci"]
    refused = placed.run(endpoints=["web1"])
    assert (refused["failed"], refused["failure"], placed.phases) == (True, "client_revoked", [])
    assert placed.run(state="absent")["changed"]


def test_another_clients_revocation_changes_nothing_here(placed: Site) -> None:
    ensure_client(placed.fleet, "bob")
    revoke(placed.fleet, ["bob"])
    assert not placed.run(endpoints=["web1"])["changed"]


def test_a_rotation_brings_a_new_certificate_and_both_authorities(placed: Site) -> None:
    old = placed.fleet.required_authority().certificate
    with placed.fleet.lock():
        begin(placed.fleet)
    rotated = placed.run(endpoints=["web1"])
    assert rotated["reason"] == "another authority"
    assert placed.phases == ["plan", "apply"]
    trusted = try_chain((placed.bundle / "ca.pem").read_bytes())
    assert old in trusted
    assert len(trusted) == 2
    # The new authority as signed by the old one comes along, for daemons that were not visited yet.
    assert len(try_chain((placed.bundle / "cert.pem").read_bytes())) == 2
    assert placed.works()
    assert not placed.run(endpoints=["web1"])["changed"]


def test_what_stands_behind_the_certificate_is_mended_without_a_new_one(placed: Site) -> None:
    file = placed.bundle / "cert.pem"
    wanted = file.read_bytes()
    file.write_bytes(wanted + as_pem([placed.fleet.required_authority().certificate]))
    mended = placed.run(endpoints=["web1"])
    assert (mended["reason"], mended["actions"]) == ("", [f"write {file}"])
    assert file.read_bytes() == wanted


def test_a_lost_record_is_made_again_from_what_the_machine_shows(placed: Site) -> None:
    record = placed.record.read_bytes()
    placed.record.unlink()
    assert not placed.run(endpoints=["web1"])["changed"]
    assert placed.phases == ["plan"]
    assert placed.record.read_bytes() == record


def test_a_lost_record_of_a_certificate_that_is_due_takes_one_more_execution(placed: Site) -> None:
    placed.record.unlink()
    renewed = placed.run(endpoints=["web1"], validity=800, renew_before="400d")
    assert renewed["reason"].startswith("expires in 36")
    assert placed.phases == ["plan", "plan", "apply"]
    assert placed.works()
    assert not placed.run(endpoints=["web1"], validity=800, renew_before="400d")["changed"]


def test_a_lost_manifest_is_made_again(placed: Site) -> None:
    manifest = placed.bundle / "gangway" / ".client-bundle.json"
    manifest.unlink()
    assert placed.run(endpoints=["web1"])["actions"] == [f"write {manifest}"]
    assert not placed.run(endpoints=["web1"])["changed"]


def test_endpoints_come_and_go(placed: Site) -> None:
    placed.run(endpoints=["web1", "web 2"])
    assert len(list(placed.bundle.glob("gangway/*.env"))) == len(list(placed.bundle.glob("contexts/meta/*"))) == 2
    placed.run(endpoints=["web 2"], env_files=False)
    assert len(list(placed.bundle.glob("gangway/*.env"))) == 0
    assert len(list(placed.bundle.glob("contexts/meta/*"))) == len(list(placed.bundle.glob("contexts/tls/*"))) == 1
    placed.run()
    assert not (placed.bundle / "contexts").exists()
    assert sorted(os.listdir(placed.bundle)) == [*FILES[:2], "gangway", "key.pem"]


def test_a_daemon_that_moved_is_followed(placed: Site, make_record: t.Callable[..., EndpointRecord]) -> None:
    write_record(placed.fleet.endpoints_folder, make_record(name="web1", url="tcp://10.0.0.9:9002"))
    moved = placed.run(endpoints=["web1"])
    assert (moved["reason"], len(moved["actions"])) == ("", 2)
    assert "tcp://10.0.0.9:9002" in (placed.bundle / "gangway" / "web1.env").read_text()


def test_a_daemon_that_others_expose_has_no_use_for_the_identity(
    placed: Site, make_record: t.Callable[..., EndpointRecord]
) -> None:
    record = make_record(name="web1", url="tcp://10.0.0.9:2376", foreign=True, bundle="/bundle")
    write_record(placed.fleet.endpoints_folder, record)
    assert placed.run(endpoints=["web1"])["failure"] == "endpoint_foreign"


def test_a_daemon_without_tls_gets_a_context_without_certificates(
    placed: Site, make_record: t.Callable[..., EndpointRecord]
) -> None:
    write_record(placed.fleet.endpoints_folder, make_record(name="web1", url="tcp://10.0.0.9:2375", tls=False))
    plain = placed.run(endpoints=["web1"])
    assert (plain["reason"], placed.phases) == ("", ["plan", "apply"])
    assert not (placed.bundle / "contexts" / "tls").exists()
    assert len(list(placed.bundle.glob("contexts/meta/*/meta.json"))) == 1
    assert not placed.run(endpoints=["web1"])["changed"]
    assert not placed.run(endpoints=["web1"], check_mode=True)["changed"]
    write_record(placed.fleet.endpoints_folder, make_record(name="web1"))
    assert placed.run(endpoints=["web1"])["changed"]
    assert len(list(placed.bundle.glob("contexts/tls/*/docker/*.pem"))) == 3
    assert placed.works()


@pytest.fixture
def plain(tmp_path: Path, make_record: t.Callable[..., EndpointRecord]) -> Site:
    """A fleet that never had an authority, since its daemons have no TLS."""
    site = Site(tmp_path)
    (tmp_path / "user").mkdir(mode=0o700)
    for name in ("web1", "web2"):
        _write_plain(site, make_record, name)
    return site


def _write_plain(site: Site, make_record: t.Callable[..., EndpointRecord], name: str) -> None:
    empty: dict[str, t.Any] = {**dict.fromkeys(("not_after", "fingerprint", "certificate"), ""), "issuer": None}
    record = make_record(name=name, url=f"tcp://{name}:2375", tls=False, trust=None, **empty)
    write_record(site.fleet.endpoints_folder, record)


def test_a_fleet_without_tls_gets_env_files_and_contexts_and_no_identity(plain: Site) -> None:
    keys = ("changed", "actions", "diff", "reason", "identity_changed", "client")
    predicted = plain.run(endpoints=["web1", "web2"], check_mode=True)
    assert plain.contents() == {}
    done = plain.run(endpoints=["web1", "web2"])
    assert {key: predicted[key] for key in keys} == {key: done[key] for key in keys}
    assert (done["changed"], done["reason"], done["identity_changed"]) == (True, "", False)
    assert "fingerprint" not in done["client"]
    assert (plain.bundle / "gangway" / "web1.env").read_text() == (
        "DOCKER_HOST=tcp://web1:2375\nDOCKER_TLS_VERIFY=\nDOCKER_CERT_PATH=\n"
    )
    assert len(list(plain.bundle.glob("contexts/meta/*/meta.json"))) == 2
    assert not list(plain.bundle.rglob("*.pem"))
    assert sorted(path.name for path in plain.fleet.folder.iterdir()) == ["endpoints"]
    again = plain.run(endpoints=["web1", "web2"])
    assert (again["changed"], plain.phases) == (False, ["plan"])
    assert plain.run(state="absent")["changed"]
    assert plain.contents() == {}


def test_a_bundle_of_somebody_else_does_not_matter_where_none_is_needed(plain: Site) -> None:
    plain.bundle.mkdir()
    (plain.bundle / "cert.pem").write_text("mine")
    assert plain.run(endpoints=["web1"])["changed"]
    assert plain.run(state="absent")["changed"]
    assert list(plain.contents().values()) == [b"mine"]


def test_an_identity_comes_with_the_first_daemon_that_has_tls(
    plain: Site, make_record: t.Callable[..., EndpointRecord]
) -> None:
    assert plain.run(endpoints=["web1"])["changed"]
    ensure_authority(plain.fleet)
    write_record(plain.fleet.endpoints_folder, make_record(name="web1"))
    assert plain.run(endpoints=["web1"])["reason"] == "missing"
    assert plain.works()
    assert b"DOCKER_TLS_VERIFY=1" in (plain.bundle / "gangway" / "web1.env").read_bytes()
    assert not plain.run(endpoints=["web1"])["changed"]


def test_a_client_of_a_fleet_without_tls_has_to_name_endpoints(plain: Site) -> None:
    refused = plain.run()
    assert (refused["failure"], plain.phases) == ("endpoints_missing", [])
    assert "docker_client_endpoints" in refused["msg"]


def test_an_authority_that_was_lost_takes_no_identity_away(
    placed: Site, make_record: t.Callable[..., EndpointRecord]
) -> None:
    """The daemons have lost their TLS meanwhile, so that nothing else names the authority."""
    for name in ("web1", "web 2"):
        _write_plain(placed, make_record, name)
    before = placed.contents()
    shutil.rmtree(placed.fleet.authority_folder)
    assert placed.run(endpoints=["web1"])["failure"] == "authority_missing"
    assert placed.contents() == before


DAMAGE: dict[str, t.Callable[[Path], object]] = {
    "incomplete": lambda bundle: (bundle / "key.pem").unlink(),
    "incomplete ": lambda bundle: (bundle / "cert.pem").unlink(),
    "missing": lambda bundle: [(bundle / name).unlink() for name in FILES],
    "missing ": shutil.rmtree,
    "unreadable": lambda bundle: (bundle / "cert.pem").write_text("junk"),
    "key and certificate do not belong together": lambda bundle: (bundle / "key.pem").write_bytes(
        private_key_pem(generate_key("ecdsa_p256"))
    ),
    "key and certificate do not belong together ": lambda bundle: (bundle / "key.pem").write_text("junk"),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_damage_is_repaired_and_the_reason_told(placed: Site, reason: str) -> None:
    DAMAGE[reason](placed.bundle)
    repaired = placed.run(endpoints=["web1"])
    assert (repaired["changed"], repaired["reason"]) == (True, reason.strip())
    assert placed.works()
    assert not placed.run(endpoints=["web1"])["changed"]
    placed.run(state="absent")
    assert os.listdir(placed.folder / "user") == []


def test_a_copy_that_is_stale_is_refreshed(placed: Site) -> None:
    (copy,) = placed.bundle.glob("contexts/tls/*/docker/cert.pem")
    copy.write_text("stale")
    assert placed.run(endpoints=["web1"])["actions"] == [f"write {copy}"]
    assert placed.works()


@pytest.mark.parametrize(
    ("call", "step"),
    [(call, step) for call, steps in (("replace", 30), ("mkdir", 9), ("unlink", 20)) for step in range(1, steps)],
)
def test_a_run_that_is_cut_off_anywhere_is_mended_by_the_next(site: Site, call: str, step: int) -> None:
    """As if the power went: nothing after the step is done, no cleaning up either."""
    with PowerCut(site, call, step):
        site.run(endpoints=["web1"])
    site.run(state="absent")
    assert not any(b"PRIVATE KEY" in content for content in site.contents().values())
    for arguments in ({"endpoints": ["web1", "web 2"]}, {"endpoints": ["web1"], "key_type": "ed25519"}):
        with PowerCut(site, call, step):
            site.run(**arguments)
        site.run(**arguments)
        assert site.works()
        assert not site.run(**arguments)["changed"]
    with PowerCut(site, call, step):
        site.run(state="absent")
    site.run(state="absent")
    assert site.contents() == {}


class _Gone(BaseException):
    """The machine is off."""


class PowerCut:
    """After so many calls of os.CALL, every call that would change something fails."""

    CALLS = ("replace", "mkdir", "unlink", "rmdir", "open")

    def __init__(self, site: Site, call: str, step: int) -> None:
        self.machine, self.call, self.left = str(site.folder / "user"), call, step
        self.off = False
        self.patches = [mock.patch.object(os, name, self.wrapped(name, getattr(os, name))) for name in self.CALLS]

    def wrapped(self, name: str, real: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
            on_the_machine = any(str(arg).startswith(self.machine) for arg in args)
            if on_the_machine and name == self.call:
                self.left -= 1
                self.off = self.off or self.left == 0
            if self.off and on_the_machine:
                raise _Gone
            return real(*args, **kwargs)

        return call

    def __enter__(self) -> None:
        for patch in self.patches:
            patch.start()

    def __exit__(self, kind: type[BaseException] | None, *_unused: object) -> bool:
        for patch in self.patches:
            patch.stop()
        return kind is _Gone


def test_a_signature_that_fails_leaves_nothing_on_the_machine(site: Site) -> None:
    (site.folder / "user" / ".docker").mkdir(mode=0o700)
    failed = site.run(endpoints=["web1"], sign_command="false", path="~/.docker/ci")
    assert failed["failure"] == "sign_command_failed"
    assert site.phases == ["plan", "forget"]
    assert os.listdir(site.bundle) == []


@pytest.mark.parametrize("arguments", [{}, {"state": "absent"}, {"sign_command": "false"}, {"user": "x"}], ids=str)
def test_a_machine_sets_no_facts(site: Site, arguments: dict[str, t.Any]) -> None:
    """A fact is a variable for all later tasks of its host, and overrides those of the inventory."""
    added: dict[str, t.Any] = {"ansible_facts": {"expose_key": "x"}, "_ansible_facts_cacheable": True}
    site.lie = lambda answer: {**answer, **added}
    if arguments.get("user"):
        added["failed"] = True
    assert "ansible_facts" not in str(site.run(**arguments))


def test_a_ca_elsewhere_gets_name_and_usage_in_the_request(site: Site) -> None:
    seen = site.folder / "request.pem"
    site.run(sign_command=f"tee {seen}")
    text = subprocess.run(
        ["openssl", "req", "-noout", "-text", "-in", seen], capture_output=True, text=True, check=True
    )
    assert "CN = ci" in text.stdout or "CN=ci" in text.stdout
    assert "TLS Web Client Authentication" in text.stdout


@pytest.mark.parametrize(
    ("arguments", "key", "phases"),
    [
        ({"endpoints": ["nowhere"]}, "not_exposed", []),
        ({"name": "../ci"}, "invalid_name", []),
        ({"fleet": "another"}, "authority_missing", []),
        ({"renew_before": "soon"}, "invalid_renew_before", []),
        ({"passphrase": "unneeded"}, "passphrase_unneeded", []),
        ({"path": "relative"}, "invalid_path", ["plan"]),
    ],
)
def test_bad_input_shows_before_anything_is_made(
    site: Site, arguments: dict[str, t.Any], key: str, phases: list[str]
) -> None:
    refused = site.run(**arguments)
    assert (refused["failed"], refused["failure"], site.phases) == (True, key, phases)
    assert site.contents() == {}


def test_an_empty_option_is_as_good_as_none(placed: Site) -> None:
    options = ("user", "fleet", "validity", "renew_before", "sign_command", "passphrase")
    assert not placed.run(endpoints=["web1"], **dict.fromkeys(options, ""))["changed"]


def test_a_bundle_that_is_not_ours_stays_as_it_is(site: Site) -> None:
    site.bundle.mkdir()
    (site.bundle / "cert.pem").write_text("mine")
    refused = site.run()
    assert (refused["failure"], site.phases) == ("bundle_not_ours", ["plan"])
    assert str(site.bundle / "cert.pem") in refused["msg"]
    assert not site.run(state="absent")["changed"]
    assert list(site.contents().values()) == [b"mine"]


def test_where_home_or_account_are_gone_nothing_is_left_to_take_away(placed: Site) -> None:
    shutil.rmtree(placed.folder / "user")
    assert placed.run()["failure"] == "home_missing"
    assert not placed.run(state="absent")["changed"]
    assert not placed.record.exists()
    path = placed.folder / "elsewhere"
    assert placed.run(path=str(path), contexts=False)["changed"]
    assert placed.run(path=str(path), state="absent")["changed"]
    assert not path.exists()


def test_the_same_client_in_two_folders_costs_nothing_more(placed: Site) -> None:
    other = {"path": "~/other", "contexts": False}
    assert placed.run(**other)["changed"]
    for arguments in ({"endpoints": ["web1"]}, other, {"endpoints": ["web1"]}):
        assert not placed.run(**arguments)["changed"]
        assert placed.phases == ["plan"]


def test_another_clients_bundle_is_neither_replaced_nor_removed(placed: Site) -> None:
    before = placed.contents()
    assert placed.run(name="cd")["failure"] == "bundle_taken"
    assert not placed.run(name="cd", state="absent")["changed"]
    assert placed.contents() == before


#: What is not an answer of our module to the phase C(plan) or to any phase.
_LIES: list[dict[str, t.Any]] = [
    {"changed": "yes"},
    {"changed": None},
    {"actions": None},
    {"actions": "write"},
    {"actions": [1]},
    {"actions": ["\x1b[2J"]},
    {"diff": {}},
    {"diff": ["x"]},
    {"diff": [{"before": 1}]},
    {"notes": "x"},
    {"notes": [None]},
    {"user": None},
    {"user": ["me"]},
    {"user": "me\nroot"},
    {"path": "relative"},
    {"config": 1},
    {"problem": None},
    {"problem": []},
    {"identity_is_due": "no"},
    {"certificate": 5},
    {"csr": {"a": 1}},
    {"pending": "../../etc/shadow"},
    {"pending": 7},
]


class TestMachinesThatLie:
    @pytest.mark.parametrize("change", _LIES, ids=str)
    @pytest.mark.parametrize("check_mode", [False, True])
    def test_a_plan_that_is_none_is_refused(self, site: Site, change: dict[str, t.Any], check_mode: bool) -> None:
        site.lie = lambda answer: {**answer, **change}
        result = site.run(endpoints=["web1"], check_mode=check_mode)
        assert (result["failed"], result["failure"]) == (True, "host_answer_invalid")
        assert "exception" not in result
        assert not site.record.exists()

    @pytest.mark.parametrize("answer", [{}, {"observation": {}}, {"changed": False}], ids=str)
    def test_another_modules_answer_is_refused(self, placed: Site, answer: dict[str, t.Any]) -> None:
        placed.lie = lambda _answer: answer
        for arguments in ({"endpoints": ["web1"]}, {"state": "absent"}):
            result = placed.run(**arguments)
            assert (result["failed"], result["failure"]) == (True, "host_answer_invalid")
        assert placed.record.exists()

    @pytest.mark.parametrize("change", [{"changed": 1}, {"diff": [[]]}, {"gone": "yes"}], ids=str)
    def test_a_result_of_a_removal_that_is_none_is_refused(self, placed: Site, change: dict[str, t.Any]) -> None:
        placed.lie = lambda answer: {**answer, **change}
        result = placed.run(state="absent")
        assert (result["failed"], result["failure"]) == (True, "host_answer_invalid")
        assert placed.record.exists()

    @pytest.mark.parametrize("csr", [None, "", "garbage", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
    def test_a_request_that_is_none_gets_no_certificate(self, site: Site, csr: str | None) -> None:
        site.lie = lambda answer: {**answer, "csr": csr}
        result = site.run(endpoints=["web1"])
        assert (result["failed"], result["failure"]) == (True, "request_invalid")
        assert site.phases == ["plan", "forget"]
        assert not list(site.fleet.issued_folder.glob("*.pem"))

    def test_nothing_else_of_an_answer_gets_into_a_result(self, site: Site) -> None:
        more = {
            "ansible_facts": {"ansible_python_interpreter": "/tmp/x"},
            "_ansible_no_log": False,
            "add_host": {"host_name": "evil"},
            "invocation": {"module_args": {}},
            "hunter2": "hunter2",
            "diff": [{"before_header": "a", "after_header": "b", "before": "", "after": "", "prepared": "hunter2"}],
        }
        site.lie = lambda answer: {**answer, **more}
        for arguments in ({"endpoints": ["web1"]}, {"state": "absent"}):
            result = site.run(**arguments)
            assert not result.get("failed"), result
            assert not {*more} & {*result} - {"diff"}
            assert "hunter2" not in repr(result)

    def test_what_a_failed_module_printed_is_not_shown(self, site: Site) -> None:
        site.lie = lambda _answer: {"failed": True, "msg": "no", "module_stdout": "hunter2", "ansible_facts": {"a": 1}}
        result = site.run(endpoints=["web1"])
        assert (result["failed"], result["msg"]) == (True, "no")
        assert "hunter2" not in repr(result)
        assert "ansible_facts" not in result


def test_a_client_whose_name_differs_by_case_only_is_refused_before_the_machine_is_asked(site: Site) -> None:
    ensure_client(site.fleet, "CI")
    result = site.run(endpoints=["web1"])
    assert (result["failed"], result["failure"], site.phases) == (True, "client_name_taken", [])


def test_the_result_says_whether_what_is_read_at_a_start_has_changed(site: Site) -> None:
    for arguments, changed in (
        ({}, True),
        ({}, False),
        ({"key_type": "ed25519"}, True),
        ({"key_type": "ed25519"}, False),
    ):
        for check_mode in (True, False):
            assert site.run(check_mode=check_mode, **arguments)["identity_changed"] is changed, arguments
    begin(site.fleet)
    for check_mode in (True, False):
        assert site.run(check_mode=check_mode, key_type="ed25519")["identity_changed"] is True
    assert site.run(key_type="ed25519")["identity_changed"] is False
    # Its ca.pem alone.
    let_go(site.fleet)
    for check_mode in (True, False):
        result = site.run(check_mode=check_mode, key_type="ed25519")
        assert (result["reason"], result["identity_changed"]) == ("", True)
