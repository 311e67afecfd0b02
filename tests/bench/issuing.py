# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Issuing many server identities: tls_bundle's work against bare loops, in this process.

C(python -m tests.bench.issuing COUNT REPEATS FOLDER), with the collection on PYTHONPATH; prints seconds as JSON.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import resource
import sys
import time
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet

_Made = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def main(count: int, repeats: int, folder: Path) -> None:
    # Nothing is deleted in between: for minutes, ext4 gives away no inode that was in use, and looking for others
    # takes it longer than all else here.
    rounds = [_measure(count, folder / f"round-{number}") for number in range(repeats)]
    print(json.dumps({name: min(figures[name] for figures in rounds) for name in rounds[0]}))


def _measure(count: int, folder: Path) -> dict[str, float]:
    names = {f"host-{number}": f"10.20.{number // 250}.{number % 250 + 1}" for number in range(count)}
    servers = [{"name": name, "tls_sans": [name, address]} for name, address in names.items()]
    fleets_dir = folder / "fleets"
    bare_cpu, _wall = _seconds(lambda: _issue_bare(names))
    written_cpu, bare_wall = _seconds(lambda: _write_bare(folder / "bare", _issue_bare(names)))
    cpu, wall = _seconds(lambda: _ensure(fleets_dir, servers, changes=count + 1))
    unchanged_cpu, _wall = _seconds(lambda: _ensure(fleets_dir, servers, changes=0))
    return {
        "bare_cpu": bare_cpu,
        "written_cpu": written_cpu,
        "bare_wall": bare_wall,
        "cpu": cpu,
        "wall": wall,
        "unchanged_cpu": unchanged_cpu,
    }


def _ensure(fleets_dir: Path, servers: t.Sequence[t.Mapping[str, t.Any]], *, changes: int) -> None:
    """Do what one call of tls_bundle does."""
    result = ensure_bundles(Fleet(str(fleets_dir), "bench"), [], servers)
    if len(result["diff"]) != changes:
        raise RuntimeError(f"{changes} identities were to change, {len(result['diff'])} did")


def _issue_bare(names: t.Mapping[str, str]) -> dict[str, _Made]:
    """The same keys and certificates, as cryptography's own tutorial makes them."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _self_signed(authority_key)
    made = {}
    for name, address in names.items():
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        san = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
        issuer_key_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(san), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_id), critical=False
            )
        )
        made[name] = key, builder.sign(authority_key, hashes.SHA256())
    return made


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench authority")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write_bare(folder: Path, made: t.Mapping[str, _Made]) -> None:
    """The same three files for each, synced; the folders are not."""
    pem = serialization.Encoding.PEM
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for name, (key, certificate) in made.items():
        (folder / name).mkdir(parents=True)
        content = certificate.public_bytes(pem)
        for file, data in {
            "ca.pem": content,
            "cert.pem": content,
            "key.pem": key.private_bytes(pem, pkcs8, plain),
        }.items():
            with (folder / name / file).open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())


def _seconds(work: t.Callable[[], t.Any]) -> tuple[float, float]:
    """Return the CPU time (user and system) and the wall time of this work."""
    os.sync()  # What was written before is not this work's.
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    after, end = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, end - begin


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
