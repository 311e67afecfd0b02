# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strict verifiers take every kind of certificate that is made here, in every state of a fleet.

OpenSSL and GnuTLS by their commands, Python by handshakes in memory, and pkilint for the letter of RFC 5280. Go is
modelled here (see lets_in) and met for real, as dockerd and docker CLI, by the integration tests.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import inspect
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import hashes, x509, x509_oid
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, try_chain

LetsIn = t.Callable[[bytes, bytes], bool]

NAMES = ["web1.example.com", "*.web1.example.com", "10.20.0.5", "2001:db8::5"]
CI, LATE, GONE, WEB1 = "clients/ci", "clients/late", "revoked/gone", "servers/web1"
SERVER_AUTH, CLIENT_AUTH = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"
#: Whom a daemon lets in, beside the fleet's folders in each stage.
TRUST = "trust.pem"

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not there")
needs_certtool = pytest.mark.skipif(shutil.which("certtool") is None, reason="GnuTLS's certtool is not there")


@dataclasses.dataclass(frozen=True)
class Case:
    """A bundle of one stage, and who is to take it: a client's or a daemon's file of trust in another stage.

    A server's trust is what a client has. C(listed): only as one of the certificates that a daemon has one by one.
    """

    bundle: str
    trust: str
    listed: bool = False

    @property
    def is_server(self) -> bool:
        return "/servers/" in self.bundle

    def __str__(self) -> str:
        return f"{self.bundle} by {self.trust}"


#: Where a rotation begins in normal: old is normal, both is overlap, new is after.
TAKEN = [
    Case(f"normal/{WEB1}", f"normal/{CI}/ca.pem"),
    Case(f"normal/{CI}", f"normal/{TRUST}"),
    # After a revocation: a client that was there before, and one that came later.
    Case(f"revoked/{WEB1}", f"revoked/{CI}/ca.pem"),
    Case(f"revoked/{CI}", f"normal/{TRUST}"),
    Case(f"revoked/{CI}", f"revoked/{TRUST}", listed=True),
    Case(f"revoked/{LATE}", f"revoked/{TRUST}"),
    # A rotation: servers and clients that were visited, those that were not, and all that can meet.
    Case(f"overlap/{WEB1}", f"normal/{CI}/ca.pem"),
    Case(f"overlap/{WEB1}", f"overlap/{CI}/ca.pem"),
    Case(f"overlap/{WEB1}", f"after/{CI}/ca.pem"),
    Case(f"normal/{WEB1}", f"overlap/{CI}/ca.pem"),
    Case(f"overlap/{CI}", f"normal/{TRUST}"),
    Case(f"overlap/{CI}", f"overlap/{TRUST}"),
    Case(f"overlap/{CI}", f"after/{TRUST}"),
    Case(f"normal/{CI}", f"overlap/{TRUST}"),
    Case(f"after/{WEB1}", f"after/{CI}/ca.pem"),
    Case(f"after/{WEB1}", f"overlap/{CI}/ca.pem"),
    Case(f"after/{CI}", f"after/{TRUST}"),
    Case(f"after/{CI}", f"overlap/{TRUST}"),
    # A rotation after a revocation: daemons know the issuer, not the authority that the new one is to follow.
    Case(f"revoked-overlap/{WEB1}", f"revoked/{CI}/ca.pem"),
    Case(f"revoked-overlap/{CI}", f"revoked/{TRUST}"),
    Case(f"revoked-overlap/{CI}", f"revoked-overlap/{TRUST}"),
    Case(f"revoked-overlap/{LATE}", f"revoked/{TRUST}"),
    Case(f"revoked/{LATE}", f"revoked-overlap/{TRUST}"),
    Case(f"revoked/{CI}", f"revoked-overlap/{TRUST}", listed=True),
    Case(f"revoked-after/{CI}", f"revoked-after/{TRUST}"),
    Case(f"revoked-after/{WEB1}", f"revoked-after/{CI}/ca.pem"),
]
REFUSED = [
    Case(f"revoked/{GONE}", f"revoked/{TRUST}"),
    Case(f"revoked/{GONE}", f"revoked-overlap/{TRUST}"),
    Case(f"revoked/{GONE}", f"revoked-after/{TRUST}"),
    Case(f"normal/{CI}", f"after/{TRUST}"),
    Case(f"revoked/{CI}", f"revoked-after/{TRUST}"),
    Case(f"revoked/{LATE}", f"revoked-after/{TRUST}"),
    Case(f"normal/{WEB1}", f"after/{CI}/ca.pem"),
]


@pytest.fixture(scope="module", params=["ecdsa_p256", "rsa_2048", "ed25519"])
def stages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders normal, overlap and after of one fleet, and of another, which has revoked a client, the same."""
    fleets_dir = tmp_path_factory.mktemp(request.param)
    settings = Settings(key_type=request.param, authority_key_type=request.param)

    def fleet() -> Fleet:
        return Fleet(str(fleets_dir), "fleet", settings)

    def keep(stage: str) -> None:
        shutil.copytree(fleets_dir / "fleet", fleets_dir / stage)
        (fleets_dir / stage / TRUST).write_bytes(fleet().required_authority().client_trust)

    def rotate(overlap: str, after: str) -> None:
        begin(fleet())
        keep(overlap)
        drop(fleet(), [], [])
        end(fleet(), [], [])
        keep(after)

    ensure_bundles(fleet(), ["ci", "gone"], [{"name": "web1", "tls_sans": NAMES}])
    keep("normal")
    rotate("overlap", "after")
    shutil.rmtree(fleets_dir / "fleet")
    shutil.copytree(fleets_dir / "normal", fleets_dir / "fleet", ignore=shutil.ignore_patterns(TRUST))
    assert revoke(fleet(), ["gone"]) == ["gone"]
    ensure_bundles(fleet(), ["ci", "late"], [])
    keep("revoked")
    rotate("revoked-overlap", "revoked-after")
    return fleets_dir


def _openssl(fleets_dir: Path, trust: str, certificates: str, *options: str) -> bool:
    """A daemon's file of trust may hold CAs that are no roots, as Go takes them; a client's holds roots alone."""
    words = ["openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", trust, *options]
    words += ["-partial_chain"] if trust.endswith((TRUST, "issuer.pem")) else []
    done = subprocess.run(
        [*words, "-untrusted", certificates, certificates], cwd=fleets_dir, capture_output=True, check=False
    )
    return done.returncode == 0


@needs_openssl
@pytest.mark.parametrize("case", TAKEN, ids=str)
def test_openssl_takes_it_strictly_and_for_its_purpose_alone(stages: Path, case: Case) -> None:
    purposes = ["sslserver", "sslclient"]
    right, wrong = purposes if case.is_server else reversed(purposes)
    names = ["-verify_hostname", "x.web1.example.com", "-verify_ip", "2001:db8::5"] if case.is_server else []
    certificates = f"{case.bundle}/cert.pem"
    assert _openssl(stages, case.trust, certificates, "-purpose", right, *names)
    assert not _openssl(stages, case.trust, certificates, "-purpose", wrong)
    if case.is_server:
        assert not _openssl(stages, case.trust, certificates, "-verify_ip", "10.20.0.6")


@needs_openssl
@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_openssl_refuses_what_is_no_longer_good(stages: Path, case: Case) -> None:
    assert not _openssl(stages, case.trust, f"{case.bundle}/cert.pem")


@needs_openssl
@pytest.mark.parametrize(
    ("anchor", "certificate"),
    [
        ("normal/authority/ca.pem", "normal/authority/ca.pem"),
        ("revoked/authority/ca.pem", "revoked/authority/issuer.pem"),
        ("normal/authority/ca.pem", "overlap/authority/cross.pem"),
        ("revoked/authority/ca.pem", "revoked-overlap/authority/cross.pem"),
        ("revoked/authority/issuer.pem", "revoked-overlap/authority/client-cross.pem"),
    ],
)
def test_openssl_takes_each_authority(stages: Path, anchor: str, certificate: str) -> None:
    assert _openssl(stages, anchor, certificate)


def _gnutls(fleets_dir: Path, trust: str, certificates: str, usage: str) -> bool:
    words = ["certtool", "--verify", "--verify-profile=medium", f"--verify-purpose={usage}"]
    words += [f"--load-ca-certificate={trust}", f"--infile={certificates}"]
    return subprocess.run(words, cwd=fleets_dir, capture_output=True, check=False).returncode == 0


@needs_certtool
@pytest.mark.parametrize("case", TAKEN, ids=str)
def test_gnutls_takes_it_for_its_purpose_alone(stages: Path, case: Case) -> None:
    usages = [SERVER_AUTH, CLIENT_AUTH]
    right, wrong = usages if case.is_server else reversed(usages)
    certificates = f"{case.bundle}/cert.pem"
    # GnuTLS knows trusted CAs only: what is listed one by one is for dockerd, which is written in Go.
    assert _gnutls(stages, case.trust, certificates, right) is not case.listed
    assert not _gnutls(stages, case.trust, certificates, wrong)


@needs_certtool
@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_gnutls_refuses_what_is_no_longer_good(stages: Path, case: Case) -> None:
    assert not _gnutls(stages, case.trust, f"{case.bundle}/cert.pem", SERVER_AUTH if case.is_server else CLIENT_AUTH)


@pytest.mark.parametrize(("cases", "taken"), [(TAKEN, True), (REFUSED, False)])
def test_go_lets_in_the_same_clients(stages: Path, lets_in: LetsIn, cases: list[Case], taken: bool) -> None:
    for case in cases:
        if not case.is_server:
            sent = (stages / case.bundle / "cert.pem").read_bytes()
            assert lets_in((stages / case.trust).read_bytes(), sent) is taken, str(case)


def handshake(strict: bool, name: str, server: str, trust: str, client: str, ca: str) -> str:
    """Have them meet under mutual TLS, and a byte go each way; return what went wrong, if anything.

    Runs in other Pythons, too, so it needs nothing but its arguments. C(strict): ask for what Python 3.13 has on.
    """
    import contextlib
    import ssl

    daemon = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=trust)
    visitor = ssl.create_default_context(cafile=ca)
    daemon.verify_mode = ssl.CERT_REQUIRED
    daemon.load_cert_chain(f"{server}/cert.pem", f"{server}/key.pem")
    visitor.load_cert_chain(f"{client}/cert.pem", f"{client}/key.pem")
    wanted = ssl.VERIFY_X509_STRICT | getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
    for context in (daemon, visitor):
        if strict:
            context.verify_flags |= wanted
        elif context.verify_flags & wanted != wanted:
            return "this Python is not strict by default"
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        visitor.wrap_bio(back, there, server_hostname=name),
        daemon.wrap_bio(there, back, server_side=True),
    ]
    try:
        for _round in range(4):
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        # Under TLS 1.3, a client learns with the first byte that it was refused.
        for writer, reader in (ends, reversed(ends)):
            writer.write(b"x")
            if reader.read(1) != b"x":
                return "nothing came"
    except ssl.SSLError as exc:
        return str(exc)
    return ""


def _meetings() -> list[tuple[str, str, str, str]]:
    """Who meets whom while a rotation goes on: every server's and client's state, and whom each trusts."""
    met = []
    for prefix, old in (("", "normal"), ("revoked-", "revoked")):
        overlap, after = f"{prefix}overlap", f"{prefix}after"
        met += [
            (old, old, old, old),
            # Neither was visited; only the client; only the daemon; both.
            (old, old, overlap, overlap),
            (overlap, overlap, old, old),
            (overlap, overlap, overlap, overlap),
            # The old authority is gone from one side, then from both.
            (after, after, overlap, overlap),
            (overlap, overlap, after, after),
            (after, after, after, after),
        ]
    return met


def _arguments(fleets_dir: Path, name: str, stages: tuple[str, str, str, str], client: str = CI) -> tuple[str, ...]:
    server, trust, who, ca = stages
    places = (f"{server}/{WEB1}", f"{trust}/{TRUST}", f"{who}/{client}", f"{ca}/{CI}/ca.pem")
    return (name, *(str(fleets_dir / place) for place in places))


@pytest.mark.parametrize("met", _meetings(), ids=" ".join)
def test_this_python_meets_strictly(stages: Path, met: tuple[str, str, str, str]) -> None:
    for name in ("web1.example.com", "10.20.0.5", "2001:db8::5"):
        assert handshake(True, *_arguments(stages, name, met)) == ""
    assert "mismatch" in handshake(True, *_arguments(stages, "web2.example.com", met))


def test_this_python_turns_the_revoked_away(stages: Path) -> None:
    assert (
        handshake(True, *_arguments(stages, "10.20.0.5", ("normal", "normal", "normal", "normal"), "clients/gone"))
        == ""
    )
    met = ("revoked", "revoked", "revoked", "revoked")
    assert handshake(True, *_arguments(stages, "10.20.0.5", met, LATE)) == ""
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(True, *_arguments(stages, "10.20.0.5", met, GONE))


@functools.lru_cache
def _strict_python() -> str | None:
    """Return a Python that is strict by default (3.13 or later): this one, on the PATH, or where pyenv has it."""
    if sys.version_info >= (3, 13):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)] + list(pyenv.glob("versions/*/bin"))
    for minor in (14, 13):
        for path in (folder / f"python3.{minor}" for folder in folders if "shims" not in folder.parts):
            if (
                path.is_file()
                and subprocess.run([path, "-c", "import ssl"], capture_output=True, check=False).returncode == 0
            ):
                return str(path)
    return None


def test_python_3_13_meets_by_its_defaults(stages: Path) -> None:
    python = _strict_python()
    if python is None:
        pytest.skip("no Python 3.13 or later is here")
    meetings = [_arguments(stages, "10.20.0.5", met) for met in _meetings()]
    meetings.append(_arguments(stages, "10.20.0.5", ("revoked",) * 4, LATE))
    refused = _arguments(stages, "10.20.0.5", ("revoked",) * 4, GONE)
    code = f"{inspect.getsource(handshake)}\nimport json, sys\nmeetings = json.load(sys.stdin)\n"
    code += "print(json.dumps([handshake(False, *meeting) for meeting in meetings]))\n"
    done = subprocess.run(
        [python, "-I", "-c", code], input=json.dumps([*meetings, refused]), capture_output=True, text=True, check=True
    )
    *taken, turned_away = json.loads(done.stdout)
    assert taken == [""] * len(meetings)
    assert "CERTIFICATE_VERIFY_FAILED" in turned_away


def _certificates(fleets_dir: Path) -> dict[str, x509.Certificate]:
    """All that was ever made, by file and place in it."""
    paths = [path for path in sorted(fleets_dir.rglob("*.pem")) if not path.name.endswith("key.pem")]
    chains = {str(path.relative_to(fleets_dir)): try_chain(path.read_bytes()) for path in paths}
    return {f"{name} {place}": found for name, chain in chains.items() for place, found in enumerate(chain)}


def _lint(certificate: x509.Certificate) -> list[str]:
    """Return what pkilint's profile of RFC 5280 finds worse than a notice."""
    linter = pytest.importorskip("pkilint.pkix.certificate", reason="pkilint is not there")
    from pkilint import loader
    from pkilint.pkix import extension, name
    from pkilint.validation import ValidationFindingSeverity

    parts = ["issuer", "subject", "extensions", "spki"]
    containers = [getattr(linter, f"create_{part}_validator_container")([]) for part in parts]
    containers.append(linter.create_validity_validator_container())
    decoders = linter.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS)
    validator = linter.create_pkix_certificate_validator_container(decoders, containers)
    document = loader.load_pem_certificate(as_pem([certificate]).decode(), "certificate")
    return [
        f"{description.finding.code}: {description.message}"
        for result in validator.validate(document.root)
        for description in result.finding_descriptions
        if description.finding.severity <= ValidationFindingSeverity.WARNING
    ]


def test_pkilint_finds_nothing(stages: Path) -> None:
    certificates = _certificates(stages)
    kinds = {"ca.pem", "cert.pem", "issuer.pem", "cross.pem", "client-cross.pem"}
    assert kinds <= {Path(name.partition(" ")[0]).name for name in certificates}
    # RFC 5280, 4.2.1.6, leaves wildcards to applications; pkilint goes by the rest of its letter.
    wildcard = f'pkix.invalid_domain_name_syntax: Invalid domain name syntax: "{NAMES[1]}"'
    findings = {name: [f for f in _lint(found) if f != wildcard] for name, found in certificates.items()}
    assert {name: found for name, found in findings.items() if found} == {}


def test_pkilint_is_asked_in_earnest(stages: Path) -> None:
    """An authority without its key identifier is one that it must not take."""
    name = x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, "no authority of ours")])
    now, key = datetime.datetime(2026, 1, 1), generate_key("ecdsa_p256")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    findings = _lint(builder.sign(key, hashes.SHA256()))
    assert "pkix.certificate_skid_ca_missing: None" in findings
