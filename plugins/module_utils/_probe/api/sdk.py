# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking the Engine API through the Docker SDK for Python: the one place that imports it."""

from __future__ import annotations

__all__ = ("ask_api", "require_sdk", "sdk_versions")

import dataclasses
import ssl
import sys
import typing as t

from ..._shared.failure import Failure
from ..deadline import Deadline
from ..request import Api
from ..states import Problem
from ..target import Target
from .versions import Range, as_numbers, negotiate

try:
    import docker
    import docker.constants
    import docker.errors
    import requests
    import requests.adapters
except ImportError:
    HAS_SDK = False
    _Adapter: t.Any = object
else:
    HAS_SDK = True
    _Adapter = requests.adapters.HTTPAdapter


def require_sdk() -> None:
    """Raise M(Failure) where the Docker SDK for Python is missing."""
    if not HAS_SDK:
        raise Failure(
            "docker_sdk_missing",
            thing="Python package docker",
            reason=f"it is not installed for {sys.executable}",
            cure="Install it there, for example with 'python3 -m pip install docker', or set "
            "ansible_python_interpreter to a Python that has it",
        )


def sdk_versions() -> Range:
    """Return the versions of the API that the installed SDK speaks."""
    return Range(docker.constants.MINIMUM_DOCKER_API_VERSION, docker.constants.DEFAULT_DOCKER_API_VERSION)


def ask_api(
    target: Target, context: t.Optional[ssl.SSLContext], name: str, versions: Range, deadline: Deadline
) -> t.Iterator[Api]:
    """Yield what C(/version) says, then with C(/info), by the newest version that the client and the daemon speak.

    C(context): None without TLS. Problem: C(api_too_old), C(api_too_new), C(rights_refused), C(silent) and others.
    """
    sdk = sdk_versions()
    with _client(target, context, name, sdk.newest, deadline) as client:
        said = _ask(lambda: client.version(api_version=False))
    newest, oldest = said.get("ApiVersion"), said.get("MinAPIVersion")
    api = Api(_text(said.get("Version")), _text(newest), _text(oldest))
    yield api
    negotiated = negotiate(versions, str(newest), _text(oldest))
    api = dataclasses.replace(api, negotiated=negotiated)
    yield api
    if as_numbers(negotiated) < as_numbers(sdk.oldest):
        # An older client than this one could ask.
        return
    with _client(target, context, name, negotiated, deadline) as client:
        yield dataclasses.replace(api, info=_ask(client.info))


class _OwnContext(_Adapter):  # type: ignore[misc]
    """TLS by our context, so that no other CA than the client's is trusted."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._options = {"ssl_context": context, "server_hostname": name}
        if context.check_hostname:
            self._options["assert_hostname"] = name
        super().__init__()

    def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
        super().init_poolmanager(*arguments, **{**options, **self._options})

    def build_connection_pool_key_attributes(self, request: t.Any, verify: t.Any, cert: t.Any = None) -> t.Any:
        """From requests 2.32 on: those of the server; the context says all about certificates."""
        attributes, _certificates = super().build_connection_pool_key_attributes(request, verify, cert)
        return attributes, {}

    def cert_verify(self, *_arguments: t.Any, **_options: t.Any) -> None:
        """Leave the context as it is."""


def _client(target: Target, context: t.Optional[ssl.SSLContext], name: str, version: str, deadline: Deadline) -> t.Any:
    """Return a client that has not asked anything yet: with C(version=auto) it would, before it is set up."""
    url = f"{'http' if context is None else 'https'}://{target.netloc}"
    client = docker.APIClient(base_url=url, version=version, timeout=t.cast(int, deadline.left()))
    # Neither REQUESTS_CA_BUNDLE nor proxies nor .netrc; and whoever answers can't send us elsewhere.
    client.trust_env = False
    client.max_redirects = 0
    if context is not None:
        client.mount("https://", _OwnContext(context, name))
    return client


def _ask(question: t.Callable[[], t.Any]) -> t.Mapping[str, t.Any]:
    try:
        said = question()
    except docker.errors.APIError as exc:
        raise _problem_of(exc.status_code, str(exc.explanation or exc)) from exc
    except requests.exceptions.Timeout as exc:
        raise Problem("silent", "the daemon accepts the client, and does not answer in time") from exc
    except ValueError as exc:
        # JSON is what both requests and docker expect.
        raise Problem("not_docker", "what answers is not a Docker Engine API") from exc
    except requests.exceptions.RequestException as exc:
        raise Problem("broken_off", f"the connection ends without an answer ({exc})") from exc
    if not isinstance(said, dict):
        raise Problem("not_docker", "what answers is not a Docker Engine API")
    return said


def _problem_of(status: t.Optional[int], message: str) -> Problem:
    said = f"HTTP {status} {' '.join(message.split())[:200]}"
    if status in (401, 403):
        return Problem("rights_refused", f"the client is known, and may not do this ({said})")
    if status is not None and status >= 500:
        return Problem("unhealthy", f"the daemon reports an error ({said})")
    if "is too old" in message:
        return Problem("api_too_new", f"the daemon wants a newer client ({said})")
    if "is too new" in message:
        return Problem("api_too_old", f"the daemon wants an older client ({said})")
    return Problem("not_docker", f"what answers is not a Docker Engine API ({said})")


def _text(value: t.Any) -> t.Optional[str]:
    return None if value is None else str(value)
