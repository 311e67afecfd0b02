# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""sign_command: a CA elsewhere, here a script with a CA of its own, and what is refused of its answers."""

from __future__ import annotations

import datetime
import json
import shlex
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import (
    hashes,
    serialization,
    x509,
    x509_oid,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet import command
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.command import run_command
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, leads_to, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, signing_request
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import RenewBefore
from tests.attack import HOST, attack

MakeSigner = t.Callable[..., Signer]

SERVERS = [{"name": "web1", "tls_sans": ["web1.example.com", "10.20.0.5", "2001:db8::5"]}]

#: Signs what the request says, as `openssl ca` with copy_extensions does; its argument is how it goes wrong.
CA = r"""
import datetime, json, os, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder, fault = pathlib.Path(sys.argv[1]), sys.argv[2]
pem = sys.stdin.buffer.read()
request = x509.load_pem_x509_csr(pem)
said = {name: value for name, value in os.environ.items() if name.startswith("GANGWAY_")}
with open(folder / "calls", "a") as log:
    log.write(json.dumps({**said, "argv": sys.argv[3:], "subject": request.subject.rfc4514_string()}) + "\n")
if fault == "refuses":
    sys.exit("not on a Friday")
if fault == "garbage":
    print("no PEM at all")
    sys.exit()
if fault == "silence":
    sys.exit()
if fault == "other ca":
    folder = folder / "other"
chain = x509.load_pem_x509_certificates((folder / "ca.pem").read_bytes())
key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
now = datetime.datetime.now(datetime.timezone.utc)
public_key = ec.generate_private_key(ec.SECP256R1()).public_key() if fault == "other key" else request.public_key()
subject = x509.Name([]) if fault == "no CN" else request.subject
days = {"expired": -1, "short": 10.5}.get(fault, 100.5)
begin, end = now - datetime.timedelta(days=2), now + datetime.timedelta(days=days)
builder = x509.CertificateBuilder(chain[0].subject, subject, public_key, x509.random_serial_number())
builder = builder.not_valid_before(begin).not_valid_after(end)
for extension in request.extensions:
    value = extension.value
    if fault == "no names" and isinstance(value, x509.SubjectAlternativeName):
        continue
    if fault == "more names" and isinstance(value, x509.SubjectAlternativeName):
        value = x509.SubjectAlternativeName([*value, x509.DNSName("added-by-the-ca.example.com")])
    if fault == "other usage" and isinstance(value, x509.ExtendedKeyUsage):
        value = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CODE_SIGNING])
    if fault == "no usage" and isinstance(value, x509.ExtendedKeyUsage):
        continue
    builder = builder.add_extension(value, critical=extension.critical)
made = builder.sign(key, hashes.SHA256())
print("Certificate:\n    Data: as openssl prints it before the PEM")
for certificate in [made, *chain[:-1]]:
    print(certificate.public_bytes(serialization.Encoding.PEM).decode(), end="")
"""


@pytest.fixture
def ca(tmp_path: Path, make_signer: MakeSigner) -> Path:
    """The folder of a CA, and of another one."""
    for folder in (tmp_path / "ca", tmp_path / "ca" / "other"):
        folder.mkdir()
        signer = make_signer(common_name="company")
        (folder / "ca.pem").write_bytes(as_pem([signer.certificate]))
        (folder / "ca.key").write_bytes(private_key_pem(signer.key))
    (tmp_path / "ca" / "sign.py").write_text(CA)
    return tmp_path / "ca"


def _command(ca: Path, fault: str = "", *more: str) -> str:
    return shlex.join([sys.executable, str(ca / "sign.py"), str(ca), fault, *more])


def _fleet(ca: Path, fault: str = "", *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    wanted = {"authority_certificate": str(ca / "ca.pem"), "sign_command": _command(ca, fault), **settings}
    return Fleet(str(ca.parent / "fleets"), "default", Settings(**wanted), check_mode=check_mode, run=run_command)


def _calls(ca: Path) -> list[dict[str, t.Any]]:
    return [json.loads(line) for line in (ca / "calls").read_text().splitlines()]


def test_a_ca_elsewhere_signs_clients_and_servers(ca: Path) -> None:
    result = ensure_bundles(_fleet(ca), ["ci"], SERVERS)
    assert result["changed"] is True
    assert result["warnings"] == []
    fleets_dir, company = ca.parent / "fleets/default", try_chain((ca / "ca.pem").read_bytes())
    assert not (fleets_dir / "authority/ca-key.pem").exists()
    for member in ("clients/ci", "servers/web1"):
        assert leads_to(try_chain((fleets_dir / member / "cert.pem").read_bytes()), company)
        assert (fleets_dir / member / "ca.pem").read_bytes() == (ca / "ca.pem").read_bytes()
    server = try_chain((fleets_dir / "servers/web1/cert.pem").read_bytes())[0]
    assert names_in(server) == ["web1.example.com", "10.20.0.5", "2001:db8::5"]
    again = ensure_bundles(_fleet(ca), ["ci"], SERVERS)
    assert again["changed"] is False
    assert len(_calls(ca)) == 2, "nothing is asked where nothing is due"


def test_the_command_is_told_what_it_is_for_and_no_shell_reads_it(ca: Path) -> None:
    command = _command(ca, "", "$HOME; touch x", "a  b")
    ensure_bundles(_fleet(ca, sign_command=command), ["ci"], SERVERS)
    told = {"argv": ["$HOME; touch x", "a  b"]}
    assert _calls(ca) == [
        {**told, "GANGWAY_KIND": "client", "GANGWAY_NAME": "ci", "GANGWAY_NAMES": "", "subject": "CN=ci"},
        {
            **told,
            "GANGWAY_KIND": "server",
            "GANGWAY_NAME": "web1",
            "GANGWAY_NAMES": "web1.example.com,10.20.0.5,2001:db8::5",
            "subject": "CN=web1.example.com",
        },
    ]


def test_check_mode_asks_nobody(ca: Path) -> None:
    result = ensure_bundles(_fleet(ca, check_mode=True), ["ci"], SERVERS)
    assert result["changed"] is True
    ensure_bundles(_fleet(ca), [], [])
    ensure_bundles(_fleet(ca, check_mode=True), ["ci"], SERVERS)
    assert not (ca / "calls").exists()


@pytest.mark.parametrize(
    ("fault", "failure_key", "told"),
    [
        ("refuses", "sign_command_failed", "exit status 1; it said: not on a Friday"),
        ("garbage", "sign_command_failed", "no certificate in PEM"),
        ("silence", "sign_command_failed", "no certificate in PEM"),
        ("other key", "certificate_unfit", "another key"),
        ("other ca", "certificate_unfit", "does not lead to authority_certificate"),
        ("no names", "certificate_unfit", "lacks 10.20.0.5, 2001:db8::5, web1.example.com"),
        ("other usage", "certificate_unfit", "extended key usage is not that of a server"),
        ("expired", "certificate_unfit", "expired on"),
    ],
)
def test_an_answer_that_would_not_work_is_refused(ca: Path, fault: str, failure_key: str, told: str) -> None:
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(ca, fault), [], SERVERS)
    assert failure.value.key == failure_key
    assert told in str(failure.value)
    assert not (ca.parent / "fleets/default/servers/web1").exists()


@pytest.mark.parametrize(("fault", "told"), [("no CN", "its CN is not ci"), ("other usage", "not that of a client")])
def test_a_clients_certificate_has_its_name_and_usage(ca: Path, fault: str, told: str) -> None:
    """Else each run would have it made again."""
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(ca, fault), ["ci"], [])
    assert failure.value.key == "certificate_unfit"
    assert told in str(failure.value)


def test_names_that_the_ca_adds_are_its_own_affair(ca: Path) -> None:
    assert ensure_bundles(_fleet(ca, "more names"), ["ci"], SERVERS)["changed"] is True
    assert ensure_bundles(_fleet(ca, "more names"), ["ci"], SERVERS)["changed"] is False


def test_a_client_without_any_usage_is_taken_and_a_server_is_not(ca: Path) -> None:
    """A server's certificate that says nothing of its use is valid for clients, too."""
    assert ensure_bundles(_fleet(ca, "no usage"), ["ci"], [])["changed"] is True
    with pytest.raises(Failure, match="valid for clients, too") as failure:
        ensure_bundles(_fleet(ca, "no usage"), [], SERVERS)
    assert failure.value.key == "certificate_unfit"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/nowhere/sign", "No such file"),
        ("/", "ermission denied"),
        ('sign "unbalanced', "No closing quotation"),
        (" ", ""),
    ],
)
def test_a_command_that_cannot_be_run_is_named(ca: Path, command: str, told: str) -> None:
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(ca, sign_command=command), ["ci"], [])
    assert failure.value.key == "sign_command_failed"
    assert repr(command) in str(failure.value)
    assert told in str(failure.value)


def test_a_command_that_does_not_answer_is_ended(ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_TIMEOUT", 0.2)
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(ca, sign_command="sleep 60"), ["ci"], [])
    assert failure.value.key == "sign_command_failed"
    assert "took longer" in str(failure.value)


def test_a_life_that_is_too_short_for_renew_before_is_told(ca: Path) -> None:
    settings = {"renew_before": RenewBefore(datetime.timedelta(days=30))}
    (warning,) = ensure_bundles(_fleet(ca, "short", **settings), ["ci"], [])["warnings"]
    assert "client 'ci' expires in 10 d: by renew_before, each run has it made again" in warning
    assert ensure_bundles(_fleet(ca, "short"), ["ci"], [])["warnings"] == []


def test_renewing_keeps_the_key(ca: Path) -> None:
    ensure_bundles(_fleet(ca), ["ci"], [])
    folder = ca.parent / "fleets/default/clients/ci"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = ensure_bundles(_fleet(ca, renew_before=RenewBefore(datetime.timedelta(days=101))), ["ci"], [])
    assert result["identities"][0]["reason"] == "expires in 100 d"
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after["key.pem"] == before["key.pem"]
    assert after["cert.pem"] != before["cert.pem"]


def _request(**changes: t.Any) -> bytes:
    wanted = {"names": (), "common_name": None, **changes}
    return signing_request(generate_key("ecdsa_p256"), **wanted).public_bytes(serialization.Encoding.PEM)


def _greedy(common_name: str, names: list[str], *asked: x509.ExtensionType) -> bytes:
    """A request for more than its sender is to have."""
    subject = x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    for extension in asked:
        builder = builder.add_extension(extension, critical=False)
    request = builder.sign(generate_key("ecdsa_p256"), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


CLIENT_AUTH, SERVER_AUTH = x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH, x509_oid.ExtendedKeyUsageOID.SERVER_AUTH


def test_a_hosts_request_goes_to_the_ca_as_it_is(ca: Path) -> None:
    ensure_bundles(_fleet(ca), [], [])
    (certificate,) = _fleet(ca).sign_server_csr(_request(names=["web1"]), ["web1"], "web1")
    assert names_in(certificate) == ["web1"]
    (certificate,) = _fleet(ca).sign_client_csr(_request(common_name="far"), "far")
    assert certificate.subject.rfc4514_string() == "CN=far"


@attack(
    "Requests a certificate with names of other hosts, or for clients, from `expose_sign_command`",
    by=HOST,
    expected="Refused before the command runs",
)
@pytest.mark.parametrize(
    ("csr_pem", "told"),
    [
        (_greedy("web1", ["web1", "bank.example.com"]), "asks for the names bank.example.com, web1"),
        (_greedy("web1", []), "asks for the names none"),
        (_greedy("web1", ["web1"], x509.ExtendedKeyUsage([SERVER_AUTH, CLIENT_AUTH])), "extended key usage"),
        (_greedy("web1", ["web1"], x509.ExtendedKeyUsage([CLIENT_AUTH])), "extended key usage"),
        (_greedy("web1", ["web1"], x509.BasicConstraints(ca=True, path_length=None)), "of a CA"),
        (b"garbage", "it is none"),
    ],
)
def test_a_host_that_asks_for_more_than_its_own_is_refused_before_the_ca_hears_of_it(
    ca: Path, csr_pem: bytes, told: str
) -> None:
    """The CA takes names and usage from the request: a host could ask for a client's certificate."""
    ensure_bundles(_fleet(ca), [], [])
    with pytest.raises(Failure) as failure:
        _fleet(ca).sign_server_csr(csr_pem, ["web1"], "web1")
    assert failure.value.key == "request_invalid"
    assert told in str(failure.value)
    assert not (ca / "calls").exists()


@pytest.mark.parametrize(
    ("csr_pem", "told"),
    [
        (_greedy("admin", []), "asks for the CN admin and not for far"),
        (_greedy("far", ["web1"]), "asks for the names web1"),
        (_greedy("far", [], x509.ExtendedKeyUsage([SERVER_AUTH])), "extended key usage"),
        (_greedy("far", [], x509.BasicConstraints(ca=True, path_length=None)), "of a CA"),
    ],
)
def test_a_client_that_asks_for_more_than_its_own_is_refused_before_the_ca_hears_of_it(
    ca: Path, csr_pem: bytes, told: str
) -> None:
    ensure_bundles(_fleet(ca), [], [])
    with pytest.raises(Failure) as failure:
        _fleet(ca).sign_client_csr(csr_pem, "far")
    assert failure.value.key == "request_invalid"
    assert told in str(failure.value)
    assert not (ca / "calls").exists()


def test_what_harms_nobody_may_stand_in_a_request(ca: Path) -> None:
    ensure_bundles(_fleet(ca), [], [])
    asked = (x509.BasicConstraints(ca=False, path_length=None), x509.ExtendedKeyUsage([SERVER_AUTH]))
    assert _fleet(ca).sign_server_csr(_greedy("web1", ["web1"], *asked), ["web1"], "web1")


def test_clients_signed_elsewhere_cannot_be_revoked_here_nor_their_authority_rotated(ca: Path) -> None:
    ensure_bundles(_fleet(ca), ["ci"], [])
    with pytest.raises(Failure) as failure:
        revoke(_fleet(ca), ["ci"])
    assert failure.value.key == "revocation_unsupported"
    with pytest.raises(Failure) as failure:
        begin(_fleet(ca))
    assert failure.value.key == "rotation_impossible"
    assert (ca.parent / "fleets/default/clients/ci").is_dir()
