# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A daemon seen from the controller: its client gets in, revoked ones do not, and nothing less is taken for a proof."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
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

PONG = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet that has revoked gone; before.pem and after.pem are whom daemons let in before and after it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("default", "theirs"):
        ensure_bundles(Fleet(str(home), name), ["ci", "gone"], [{"name": "loopback", "names": ["127.0.0.1"]}])
    fleet = Fleet(str(home), "default")
    (home / "before.pem").write_bytes(fleet.required_authority().client_trust)
    revoke(fleet, ["gone"])
    (home / "after.pem").write_bytes(fleet.required_authority().client_trust)
    return home


@contextlib.contextmanager
def _daemon(home: Path, trust: Path, answer: bytes = PONG, fleet: str = "default") -> t.Iterator[str]:
    """A daemon that answers as often as it is asked, and lets in whom the file says."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(trust))
    context.verify_mode = ssl.CERT_REQUIRED
    # As Go does: what is listed is trusted, whoever signed it.
    context.verify_flags |= getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
    bundle = home / fleet / "servers" / "loopback"
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


def _ci(home: Path, fleet: str = "default") -> Path:
    return home / fleet / "clients" / "ci"


def _ca(home: Path) -> str:
    return str(_ci(home) / "ca.pem")


def _gone(home: Path) -> Path:
    return home / "default" / "revoked" / "gone"


def test_the_client_gets_in_and_the_revoked_one_does_not(home: Path) -> None:
    with _daemon(home, home / "after.pem") as url:
        seen = verify_endpoint("web1", url, _ci(home), revoked_bundles(Fleet(str(home), "default")))
    assert seen == Verification(None, ["gone"])
    assert seen.verified is True


def test_a_daemon_that_has_not_heard_of_it_is_a_failure(home: Path) -> None:
    with _daemon(home, home / "before.pem") as url, pytest.raises(Failure) as failure:
        verify_endpoint("web1", url, _ci(home), {"gone": _gone(home)})
    assert failure.value.key == "revoked_client_let_in"
    assert "'gone'" in str(failure.value)
    assert url in str(failure.value)


def test_a_port_that_lets_nobody_in_proves_nothing(home: Path) -> None:
    with _daemon(home, home / "theirs" / "authority" / "ca.pem") as url:
        seen = verify_endpoint("web1", url, _ci(home), {"gone": _gone(home)})
    assert seen.verified is False
    assert seen.problem
    assert seen.refused == []


def test_nothing_revoked_nothing_refused(home: Path) -> None:
    with _daemon(home, home / "before.pem") as url:
        assert verify_endpoint("web1", url, _ci(home), {}) == Verification(None, [])


def test_being_turned_away_is_told_from_being_let_in(home: Path) -> None:
    with _daemon(home, home / "after.pem") as url:
        assert is_turned_away(Connection(url, str(_gone(home))), _ca(home)) is True
        assert is_turned_away(Connection(url, str(_ci(home, "theirs"))), _ca(home)) is True
        assert is_turned_away(Connection(url, str(_ci(home))), _ca(home)) is False


def test_whoever_gets_an_answer_was_let_in(home: Path) -> None:
    """An authorization plugin may say no to a ping; the certificate was taken all the same."""
    with _daemon(home, home / "before.pem", FORBIDDEN) as url:
        assert is_turned_away(Connection(url, str(_gone(home))), _ca(home)) is False


def test_another_server_than_the_one_that_is_meant_proves_nothing(home: Path) -> None:
    with _daemon(home, home / "after.pem", fleet="theirs") as url:
        assert is_turned_away(Connection(url, str(_gone(home))), _ca(home)) is None


def test_a_closed_port_proves_nothing(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert is_turned_away(Connection(f"tcp://127.0.0.1:{port}", str(_gone(home))), _ca(home)) is None


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", "another's"])
def test_a_bundle_that_cannot_be_shown_proves_nothing(
    home: Path, tmp_path: Path, name: str, content: bytes | str | None
) -> None:
    """It never came to a handshake, so nobody turned it away: not even where the daemon would let the client in."""
    broken = Path(shutil.copytree(_gone(home), tmp_path / "gone"))
    if content is None:
        (broken / name).unlink()
    else:
        own = (_ci(home) / name).read_bytes()
        (broken / name).write_bytes(own if isinstance(content, str) else content)
    with _daemon(home, home / "before.pem") as url:
        assert is_turned_away(Connection(url, str(broken)), _ca(home)) is None
        assert verify_endpoint("web1", url, _ci(home), {"gone": broken}).refused == []


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_a_file_of_cas_that_cannot_be_read_proves_nothing(home: Path, tmp_path: Path, content: bytes | None) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    with _daemon(home, home / "after.pem") as url:
        assert is_turned_away(Connection(url, str(_gone(home))), str(ca)) is None
