# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exported contexts: what the docker CLI writes and reads, and archives of somebody with other things in mind."""

from __future__ import annotations

import io
import tarfile
import typing as t
import zipfile

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._context.archive import LARGEST, pack, unpack
from ansible_collections.gangway.docker.plugins.module_utils._context.store import Context, docker_endpoint
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

META = b'{"Name":"other","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://h:2376","SkipTLSVerify":false}}}'
CONTEXT = Context({}, docker_endpoint("tcp://h:2376"), {"docker": {"ca.pem": b"ca", "key.pem": b"key"}})


def _tar(*files: tuple[str, bytes], compression: str = "", **of_last: t.Any) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if (name, content) == files[-1]:
                for key, value in of_last.items():
                    setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _zip(*files: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def test_an_exported_context_has_the_layout_of_the_cli() -> None:
    content = pack("web1", CONTEXT)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = [(m.name, m.isdir(), oct(m.mode), m.uid) for m in archive]
    assert found == [
        ("meta.json", False, "0o644", 0),
        ("tls", True, "0o700", 0),
        ("tls/docker", True, "0o700", 0),
        ("tls/docker/ca.pem", False, "0o600", 0),
        ("tls/docker/key.pem", False, "0o600", 0),
    ]
    assert unpack(content, "p") == CONTEXT
    assert pack("web1", CONTEXT) == content


@pytest.mark.parametrize("make", [_tar, _zip])
def test_both_kinds_of_archives_are_read(make: t.Callable[..., bytes]) -> None:
    files = [("meta.json", META), ("tls/docker/ca.pem", b"ca"), ("tls/docker/key.pem", b"key")]
    assert unpack(make(*files), "p") == CONTEXT


def test_the_end_may_be_missing_as_in_what_the_cli_exports() -> None:
    content = _tar(("meta.json", META), ("tls/docker/ca.pem", b"ca"))
    end = content.rindex(b"ca") + 2
    assert unpack(content[:end], "p").files == {"ca.pem": b"ca"}
    with pytest.raises(Failure):
        unpack(content[: end - 1], "p")


@pytest.mark.parametrize("make", [_tar, _zip])
@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/passwd", "tls/../../evil", "tls/docker/../../x", "tls/docker", "tls/docker/a/b", "tls//ca.pem",
        "tls/./ca.pem", "tls/docker/..", "tls/docker/a\\b", "tls/c:/x", "meta.json/x", "config.json", "./meta.json",
        "tls/docker/a\nb",
    ],
)  # fmt: skip
def test_nothing_leads_out_of_the_context(make: t.Callable[..., bytes], name: str) -> None:
    with pytest.raises(Failure) as error:
        unpack(make(("meta.json", META), (name, b"x")), "p")
    assert error.value.key == "context_archive_invalid"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_what_is_no_file_is_left_out_as_by_the_cli(kind: bytes) -> None:
    content = _tar(("meta.json", META), ("tls/docker/ca.pem", b""), type=kind, linkname="/etc/shadow")
    assert unpack(content, "p").tls == {}


def test_a_link_in_a_zip_is_left_out() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("meta.json", META)
        link = zipfile.ZipInfo("tls/docker/ca.pem")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/shadow")
    assert unpack(stream.getvalue(), "p").tls == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"no archive" * 100,
        _tar(("tls/docker/ca.pem", b"ca")),
        _tar(("meta.json", META), compression="gz"),
        _zip(("meta.json", META), ("tls/docker/bomb", bytes(LARGEST + 1))),
        _tar(("meta.json", META), ("tls/docker/large", bytes(LARGEST))),
        _tar(("meta.json", META), ("tls/docker/cut", bytes(4096)))[:2048],
    ],
    ids=["empty", "zip", "text", "no meta", "gzip", "bomb", "large", "cut"],
)
def test_what_is_no_context_or_too_large_is_refused(content: bytes) -> None:
    with pytest.raises(Failure) as error:
        unpack(content, "/x/web1.dockercontext")
    assert error.value.key == "context_archive_invalid"
    assert "/x/web1.dockercontext" in str(error.value)
