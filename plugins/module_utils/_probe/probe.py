# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probing one endpoint: as its client, as strangers, and what to say of it. The way in.

Thread-safe: a probe shares nothing with another one.
"""

from __future__ import annotations

__all__ = ("AskApi", "probe")

import datetime
import socket
import ssl
import typing as t

from .as_client import connect_as_client
from .connecting import Address, resolve
from .deadline import Deadline, run_within
from .findings.access import find_access, find_http2, find_wildcards
from .findings.certificates import find_certificates, find_clock, find_trust
from .findings.finding import Finding, sort_findings
from .findings.settings import find_settings, listeners_in
from .request import Api, Request, Result
from .states import ANSWERS, Problem
from .strangers import try_as_strangers
from .target import Target
from .tls.certificates import describe, read_pem
from .tls.contexts import make_context
from .tls.errors import problem_of
from .tls.session import offers_http2

#: Asks more than a ping does, once a ping is answered, and yields what is known by then; see M(api.sdk).
AskApi = t.Callable[[Target, t.Optional[ssl.SSLContext], str, Deadline], t.Iterator[Api]]
#: Nobody would get an answer.
_NO_ANSWER = ("name_unresolved", "nothing_listens", "unreachable", "filtered", "silent")


def probe(request: Request, ask_api: t.Optional[AskApi] = None) -> Result:
    """Return what an endpoint is for this client, and what is wrong with it; at most C(request.timeout) later.

    Without C(ask_api), the engine is known by its answer to a ping only. Failure: the client's own files.
    """
    deadline = Deadline(request.timeout)
    result = Result(request.target.url)
    if request.tls is not None:
        # The client's own files, before anything is sent.
        make_context(request.tls)
        result.client = next(iter(describe(read_pem(request.tls.certificate)[:1], "client")), None)
    addresses: t.List[Address] = []
    try:
        addresses = resolve(request.target, deadline)
        context = connect_as_client(request, addresses, result, deadline)
        if ask_api is not None:
            _ask(ask_api, request, context, result, deadline)
    except Problem as exc:
        result.state, result.reason = exc.state, exc.reason
    except socket.timeout as exc:
        problem = problem_of(exc)
        result.state, result.reason = problem.state, problem.reason
    address = next((found for found in addresses if found.text == result.address), None)
    if address is not None and result.state not in _NO_ANSWER and not deadline.is_over:
        _look_further(request, address, result, deadline)
    result.findings = sort_findings(_findings(request, result))
    return result


def _ask(
    ask_api: AskApi, request: Request, context: t.Optional[ssl.SSLContext], result: Result, deadline: Deadline
) -> None:
    def ask() -> None:
        for result.api in ask_api(request.target, context, request.server_name, deadline):
            pass

    run_within(deadline, ask)


def _look_further(request: Request, address: Address, result: Result, deadline: Deadline) -> None:
    """Try what a client does not do."""
    has_tls = result.tls_version is not None or result.state == "tls_required"
    if request.as_strangers:
        result.strangers = try_as_strangers(address, request.server_name, deadline, has_tls=has_tls)
    version = result.api.engine_version if result.api is not None else None
    if request.tls is not None and any(find_http2(version, offered=None, strangers=False)):
        try:
            context = make_context(request.tls)
            result.http2 = offers_http2(address, context, request.server_name, deadline)
        except (OSError, Problem):
            result.http2 = None


def _findings(request: Request, result: Result) -> t.Iterator[Finding]:
    now = datetime.datetime.now(datetime.timezone.utc)
    strangers, api = result.strangers, result.api
    is_plain = result.tls_version is None and result.state == ANSWERS
    plain = "answered" if is_plain else strangers.plain
    access = list(
        find_access(
            plain=plain,
            no_certificate=strangers.no_certificate,
            foreign_certificate=strangers.foreign_certificate,
        )
    )
    yield from access
    if request.tls is not None and result.tls_version is not None:
        # A server that is not accepted at all has a state that says so.
        strict = result.tls_strict if result.tls_verified else None
        yield from find_trust(verifies=request.tls.verify, strict=strict)
    certificates = [*result.chain, *([result.client] if result.client is not None else [])]
    yield from find_certificates(certificates, now)
    yield from find_clock(result.clock_skew)
    if api is not None:
        yield from find_http2(api.engine_version, offered=result.http2, strangers=bool(access))
        yield from find_settings(api.info)
        yield from find_wildcards(listeners_in(api.info), severity="high")
