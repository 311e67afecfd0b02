# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired files of a machine. Pure."""

from __future__ import annotations

__all__ = ("Bundle", "ClientOptions", "our_paths", "wanted_files")

import typing as t
from dataclasses import dataclass, field

from .._account.changes import PRIVATE, Wanted
from .._context.store import Context, docker_endpoint, render_meta
from .._shared.formats import Connection
from .contexts import context_names
from .env_file import render_env_file
from .layout import Layout


@dataclass(frozen=True)
class Bundle:
    """The three files; None: not known yet, and other than what is there."""

    ca: bytes
    certificate: bytes | None
    key: bytes | None = field(repr=False)


@dataclass(frozen=True)
class ClientOptions:
    """The options of client_bundle that decide which files there are."""

    client: str
    fleet: str
    endpoints: tuple[str, ...]
    env_files: bool
    contexts: bool

    @property
    def names_of_contexts(self) -> dict[str, str]:
        return context_names(self.endpoints) if self.contexts else {}


def wanted_files(
    layout: Layout,
    options: ClientOptions,
    bundle: Bundle | None,
    urls: t.Mapping[str, str],
    plain: t.Collection[str] = (),
) -> dict[str, Wanted]:
    """Return the files by path, in the order in which they are put in place.

    C(bundle): None if no endpoint needs an identity. C(plain): the endpoints without TLS, all of them without a bundle.
    A context of theirs that had certificates would make the CLI use TLS.
    """
    files = {}
    if bundle is not None:
        # New CAs before a certificate that needs them; key and certificate next to each other.
        files[layout.ca] = Wanted(bundle.ca)
        files[layout.key] = Wanted(bundle.key, PRIVATE)
        files[layout.certificate] = Wanted(bundle.certificate)
    for endpoint, context in options.names_of_contexts.items():
        description = f"client {options.client} of fleet {options.fleet}"
        if bundle is not None and endpoint not in plain:
            tls = layout.context_tls(context)
            # Copies, since the CLI knows no other way; all of them closed, as the CLI has them.
            files[f"{tls}/ca.pem"] = Wanted(bundle.ca, PRIVATE)
            files[f"{tls}/key.pem"] = Wanted(bundle.key, PRIVATE)
            files[f"{tls}/cert.pem"] = Wanted(bundle.certificate, PRIVATE)
        meta = Context({"Description": description}, docker_endpoint(urls[endpoint]))
        # SkipTLSVerify is never on: the contents of ca.pem decide.
        files[layout.context_meta(context)] = Wanted(render_meta(context, meta))
    if options.env_files:
        for endpoint in options.endpoints:
            connection = Connection(urls[endpoint], None if endpoint in plain else layout.folder)
            files[layout.env_file(endpoint)] = Wanted(render_env_file(connection))
    return files


def our_paths(layout: Layout, options: ClientOptions) -> list[str]:
    """Return where these files lie, if all endpoints have TLS; no URLs are needed for that."""
    unknown = Bundle(b"", None, None)
    return list(wanted_files(layout, options, unknown, dict.fromkeys(options.endpoints, "")))
