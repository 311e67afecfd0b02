# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A daemon seen from the controller: its client gets in, revoked ones do not, and nothing less is taken for a proof."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import struct
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.probe import is_turned_away
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.verification import Verification, verify_endpoint
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke, revoked_bundles

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"


@pytest.fixture(scope="module")
def fleets_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet that has revoked gone; before.pem and after.pem are what daemons trust before and after it."""
    fleets_dir = tmp_path_factory.mktemp("fleets")
    for name in ("default", "theirs"):
        ensure_bundles(Fleet(str(fleets_dir), name), ["ci", "gone"], [{"name": "loopback", "tls_sans": ["127.0.0.1"]}])
    fleet = Fleet(str(fleets_dir), "default")
    (fleets_dir / "before.pem").write_bytes(fleet.required_authority().client_trust)
    revoke(fleet, ["gone"])
    (fleets_dir / "after.pem").write_bytes(fleet.required_authority().client_trust)
    return fleets_dir


@contextlib.contextmanager
def _daemon(
    fleets_dir: Path,
    trust: Path,
    answer: bytes = PONG,
    fleet: str = "default",
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
) -> t.Iterator[str]:
    """A daemon that answers any number of requests, and accepts the clients that the file names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(trust))
    context.minimum_version = least
    context.verify_mode = ssl.CERT_REQUIRED
    # As Go does: what is listed is trusted, whoever signed it.
    context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
    bundle = fleets_dir / fleet / "servers" / "loopback"
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                plain, _address = listener.accept()
                plain.settimeout(5)
                with plain, context.wrap_socket(plain, server_side=True) as secured:
                    if secured.recv(4096):
                        secured.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield url
    finally:
        ended.set()
        with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
            pass
        thread.join(timeout=10)
        listener.close()


@contextlib.contextmanager
def _breaking(fleets_dir: Path, *, reset: bool, times: int = 99) -> t.Iterator[str]:
    """A daemon that takes every client of the fleet, and breaks off the first connections, as a busy machine may."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(fleets_dir / "before.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    bundle = fleets_dir / "default" / "servers" / "loopback"
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    left = [times]

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                plain, _address = listener.accept()
                plain.settimeout(5)
                with plain, context.wrap_socket(plain, server_side=True) as secured:
                    if left[0]:
                        left[0] -= 1
                        if reset:
                            secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    elif secured.recv(4096):
                        secured.sendall(PONG)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
            pass
        thread.join(timeout=10)
        listener.close()


def _ci(fleets_dir: Path, fleet: str = "default") -> Path:
    return fleets_dir / fleet / "clients" / "ci"


def _ca(fleets_dir: Path) -> str:
    return str(_ci(fleets_dir) / "ca.pem")


def _gone(fleets_dir: Path) -> Path:
    return fleets_dir / "default" / "revoked" / "gone"


def test_the_client_gets_in_and_the_revoked_one_does_not(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "after.pem") as url:
        seen = verify_endpoint("web1", url, _ci(fleets_dir), revoked_bundles(Fleet(str(fleets_dir), "default")))
    assert seen == Verification(None, ["gone"])
    assert seen.verified is True


def test_a_daemon_that_has_not_heard_of_it_is_a_failure(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "before.pem") as url, pytest.raises(Failure) as failure:
        verify_endpoint("web1", url, _ci(fleets_dir), {"gone": _gone(fleets_dir)})
    assert failure.value.key == "revoked_client_let_in"
    assert "'gone'" in str(failure.value)
    assert url in str(failure.value)


def test_a_port_that_lets_nobody_in_proves_nothing(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "theirs" / "authority" / "ca.pem") as url:
        seen = verify_endpoint("web1", url, _ci(fleets_dir), {"gone": _gone(fleets_dir)})
    assert seen.verified is False
    assert seen.problem
    assert seen.refused == []


def test_nothing_revoked_nothing_refused(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "before.pem") as url:
        assert verify_endpoint("web1", url, _ci(fleets_dir), {}) == Verification(None, [])


def test_being_turned_away_is_told_from_being_let_in(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "after.pem") as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is True
        assert is_turned_away(Connection(url, str(_ci(fleets_dir, "theirs"))), _ca(fleets_dir)) is True
        assert is_turned_away(Connection(url, str(_ci(fleets_dir))), _ca(fleets_dir)) is False


@pytest.mark.parametrize("reset", [True, False])
def test_a_connection_that_breaks_is_no_refusal(fleets_dir: Path, reset: bool) -> None:
    with _breaking(fleets_dir, reset=reset) as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is None


@pytest.mark.parametrize("reset", [True, False])
def test_one_that_breaks_once_is_tried_again(fleets_dir: Path, reset: bool) -> None:
    with _breaking(fleets_dir, reset=reset, times=1) as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is False


def test_a_port_without_tls_turns_nobody_away(fleets_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    plain, _address = listener.accept()
                    with plain:
                        plain.recv(64)
                        plain.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is None
        ended.set()
        with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
            pass
        thread.join(timeout=10)


def test_a_daemon_that_speaks_no_older_tls_is_understood(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "after.pem", least=ssl.TLSVersion.TLSv1_3) as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is not False
        assert is_turned_away(Connection(url, str(_ci(fleets_dir))), _ca(fleets_dir)) is False


def test_whoever_gets_an_answer_was_let_in(fleets_dir: Path) -> None:
    """An authorization plugin may say no to a ping; the certificate was taken all the same."""
    with _daemon(fleets_dir, fleets_dir / "before.pem", FORBIDDEN) as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is False


def test_another_server_than_the_one_that_is_meant_proves_nothing(fleets_dir: Path) -> None:
    with _daemon(fleets_dir, fleets_dir / "after.pem", fleet="theirs") as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), _ca(fleets_dir)) is None


def test_a_closed_port_proves_nothing(fleets_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert is_turned_away(Connection(f"tcp://127.0.0.1:{port}", str(_gone(fleets_dir))), _ca(fleets_dir)) is None


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", "another's"])
def test_a_bundle_that_cannot_be_shown_proves_nothing(
    fleets_dir: Path, tmp_path: Path, name: str, content: bytes | str | None
) -> None:
    """It never came to a handshake, so nobody turned it away: not even where the daemon would let the client in."""
    broken = Path(shutil.copytree(_gone(fleets_dir), tmp_path / "gone"))
    if content is None:
        (broken / name).unlink()
    else:
        own = (_ci(fleets_dir) / name).read_bytes()
        (broken / name).write_bytes(own if isinstance(content, str) else content)
    with _daemon(fleets_dir, fleets_dir / "before.pem") as url:
        assert is_turned_away(Connection(url, str(broken)), _ca(fleets_dir)) is None
        assert verify_endpoint("web1", url, _ci(fleets_dir), {"gone": broken}).refused == []


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_a_file_of_cas_that_cannot_be_read_proves_nothing(
    fleets_dir: Path, tmp_path: Path, content: bytes | None
) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    with _daemon(fleets_dir, fleets_dir / "after.pem") as url:
        assert is_turned_away(Connection(url, str(_gone(fleets_dir))), str(ca)) is None
