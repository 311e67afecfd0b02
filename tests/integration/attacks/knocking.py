# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that never stops knocking: it has an address of the access list, and no certificate that counts."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
import typing as t
from collections import Counter
from pathlib import Path

from tests.integration.port import PORT

REQUEST = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
#: Seconds after which a knock is given up. The patient ones wait in the port's queue while dockerd restarts.
_PATIENCE = (0.3, 10.0)
#: Seconds between two knocks of the same kind.
_PAUSE = 0.01


class Knocking:
    """Knocks in the clear, over TLS without a certificate, and with a foreign CA's, until it is left.

    C(others): further bundles that must not get in, by what they are.
    """

    def __init__(self, address: str, foreign: Path, others: t.Mapping[str, Path] | None = None) -> None:
        self._address = address
        self._kinds = {"plain": None, "TLS": _context(None), "TLS, foreign CA": _context(foreign)}
        self._kinds |= {f"TLS, {kind}": _context(bundle) for kind, bundle in (others or {}).items()}
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        #: How many knocks ended how: answered, refused (by TLS), silent (nothing came), closed, dropped (no SYN-ACK).
        self.counts: Counter[str] = Counter()
        #: The answers of the API: the kind of knock, and what came.
        self.answers: list[tuple[str, bytes]] = []

    def __enter__(self) -> Knocking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def wait_until_refused(self) -> None:
        """Return once knocks are answered by TLS: the port is open to this client's packets."""
        deadline = time.monotonic() + 10
        while self.counts["refused"] < 6:
            assert time.monotonic() < deadline, str(self)
            time.sleep(0.05)

    def __str__(self) -> str:
        ended = ", ".join(f"{self.counts[how]} {how}" for how in ("answered", "refused", "silent", "closed", "dropped"))
        return f"{self.counts.total()} requests: {ended}"

    async def _run(self) -> None:
        tasks = [
            asyncio.ensure_future(self._knock_on(kind, context, patience))
            for kind, context in self._kinds.items()
            for patience in _PATIENCE
        ]
        await self._stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _knock_on(self, kind: str, context: ssl.SSLContext | None, patience: float) -> None:
        while True:
            how, answer = await self._knock(context, patience)
            self.counts[how] += 1
            if how == "answered":
                self.answers.append((kind, answer))
            await asyncio.sleep(_PAUSE)

    async def _knock(self, context: ssl.SSLContext | None, patience: float) -> tuple[str, bytes]:
        stage, writer = "dropped", None
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_connection(self._address, PORT)
                stage = "silent"
                if context is not None:
                    await writer.start_tls(context)
                writer.write(REQUEST)
                answer = await reader.read(4096)
        except TimeoutError:
            return stage, b""
        except ConnectionRefusedError:
            return "closed", b""
        except (ssl.SSLError, OSError):
            return "refused", b""
        finally:
            if writer is not None:
                writer.transport.abort()
        return ("answered" if is_of_api(answer) else "refused"), answer


def is_of_api(answer: bytes) -> bool:
    """Whether this comes from the API, whatever it says, and not from TLS or from what serves HTTPS."""
    head = answer.lower()
    return any(sign in head for sign in (b" 200 ", b"api-version:", b"server: docker", b"application/json"))


def _context(bundle: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if bundle is not None:
        context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    return context
