# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands for hundreds of daemons: one port answers as dockerd does, to clients with a certificate; one hangs.

C(python -m tests.integration.many_daemons BUNDLE) prints both ports, and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import typing as t
from pathlib import Path

_ANSWERS: dict[str, dict[str, t.Any]] = {
    "/version": {"Version": "28.5.2", "ApiVersion": "1.51", "MinAPIVersion": "1.24"},
    "/info": {"LiveRestoreEnabled": True, "OSType": "linux", "SecurityOptions": ["name=seccomp,profile=builtin"]},
}


def main() -> None:
    asyncio.run(_serve(Path(sys.argv[1])))


async def _serve(bundle: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(bundle / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    # Nobody resumes a session here.
    context.num_tickets = 0
    answering = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context, backlog=1024)
    hanging = await asyncio.start_server(_hang, "127.0.0.1", 0, backlog=1024)
    print(*(server.sockets[0].getsockname()[1] for server in (answering, hanging)), flush=True)
    await asyncio.gather(answering.serve_forever(), hanging.serve_forever())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            body = next((json.dumps(said).encode() for end, said in _ANSWERS.items() if path.endswith(end)), b"OK")
            writer.write(
                b"HTTP/1.1 200 OK\r\nServer: Docker/28.5.2 (linux)\r\nApi-Version: 1.51\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()
    writer.close()


async def _hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


if __name__ == "__main__":
    main()
