# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard: runs on the host before each start of dockerd and lets the port stay open only with mutual TLS in force.

C(-H fd://) on a TCP socket without TLS is a root shell for everyone, with no warning in any log. So the drop-in
runs this file first (as C(python3 -m guard DAEMON_JSON GOOD_COPY), with docker.service's ExecStart as systemctl
shows it on stdin, and the environment that dockerd will have) and closes docker-gangway.socket when it
exits with anything but 0. It also sees to it that dockerd itself still starts, and that the running containers
survive the start, since a port that closes must not take the containers with it:

- daemon.json is no JSON: it is kept as C(daemon.json.broken), and the last good one takes its place;
- certificate, key or CA can't be loaded: dockerd would not start with them, so the TLS keys go out of daemon.json;
- live-restore is gone: it is put back in, since a start without it stops the containers.

Other words before the files are for other methods: C(hosts) looks after a port that is in C(hosts) of daemon.json,
takes TCP out of there, and exits with 0 when dockerd may start; C(closed) takes it out in any case; C(flags), with CA,
certificate, key and hosts behind the files, says with 0 that dockerd can be started with these as flags; C(flags-in
VARIABLE) looks at what follows the variable on dockerd's command line, too.

It stands alone, on Python 3.9 or later and the standard library.
"""

from __future__ import annotations

__all__ = ("TLS_KEYS", "close", "files_problem", "flags_allowed", "hosts_allowed", "main", "tls_problem")

import json
import os
import re
import socket
import ssl
import sys
import typing as t

from .daemon_json import MalformedDaemonJson, merge, parse, restore
from .unit import daemon_flags

TLS_KEYS = ("tlsverify", "tlscacert", "tlscert", "tlskey")


def tls_problem(settings: t.Mapping[str, t.Any]) -> str | None:
    """Return why these settings of daemon.json would not ask each client for a certificate; None: they do."""
    if settings.get("tlsverify") is not True:
        return "tlsverify is not true"
    for key in TLS_KEYS[1:]:
        # Without tlscacert dockerd checks clients against the system's CAs: any public CA's client gets in.
        if not isinstance(settings.get(key), str) or not settings[key]:
            return f"{key} is not set"
    return None


def files_problem(settings: t.Mapping[str, t.Any]) -> str | None:
    """Return why dockerd could not start with these TLS keys; None: it can, or there are none."""
    if not any(key in settings for key in TLS_KEYS):
        return None
    if not isinstance(settings.get("tlsverify", False), bool):
        return "tlsverify is neither true nor false"
    for key in TLS_KEYS[1:]:
        if not isinstance(settings.get(key), str):
            return f"{key} is not set"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings["tlscert"], settings["tlskey"], password=_refuse_encrypted_key)
    except (OSError, ValueError) as exc:
        return f"{settings['tlscert']} and {settings['tlskey']} can't be loaded ({exc})"
    try:
        context.load_verify_locations(cafile=settings["tlscacert"])
    except OSError as exc:
        return f"{settings['tlscacert']} can't be loaded ({exc})"
    if not context.get_ca_certs() and not context.cert_store_stats()["x509"]:
        return f"{settings['tlscacert']} holds no certificate"
    return None


def command_problem(shown: str, environment: t.Mapping[str, str], path: str) -> str | None:
    """Return why this ExecStart, as C(systemctl show) prints it, would not take its TLS settings from daemon.json."""
    words = _words(shown)
    unclear = _unclear_problem(words, environment)
    if unclear is not None:
        return unclear
    flags = daemon_flags(words, environment)
    if os.path.basename(flags.program) != "dockerd":
        return f"docker.service starts {flags.program or 'nothing that can be read'}, not dockerd"
    if flags.tls:
        return f"{' '.join(flags.tls)} on dockerd's command line"
    if flags.config_file not in (None, path):
        return f"dockerd reads {flags.config_file} and not {path}"
    return None


def _words(shown: str) -> list[str]:
    match = re.search(r"argv\[\]=(.*?) ; ignore_errors=", shown)
    return match.group(1).split() if match else []


def _unclear_problem(words: t.Sequence[str], environment: t.Mapping[str, str]) -> str | None:
    unclear = next((word for word in words if not _is_clear(word, environment)), None)
    return None if unclear is None else f"what {unclear} on dockerd's command line stands for can't be told for certain"


def _is_clear(word: str, environment: t.Mapping[str, str]) -> bool:
    """Whether systemd's expansion of the word (quotes, escapes, variables within words) is plain to see."""
    variable = re.fullmatch(r"\$(\w+)|\$\{(\w+)\}", word)
    text = environment.get(variable.group(1) or variable.group(2), "") if variable else word
    return not re.search(r"[\"'\\$]", text)


def _listens_elsewhere(shown: str, environment: t.Mapping[str, str]) -> bool:
    """Whether dockerd has another TCP port: only the TLS keys in daemon.json keep that from being open to all.

    By a flag, or from a socket unit. Where that can't be told, it may have one.
    """
    words = _words(shown)
    hosts = daemon_flags(words, environment).hosts
    clear = bool(words) and _unclear_problem(words, environment) is None
    return not clear or bool(_foreign_streams(shown)) or any(not h.startswith(("fd://", "unix://")) for h in hosts)


def _foreign_streams(shown: str) -> list[str]:
    """Return the TCP addresses of socket units that are not ours, from what C(systemctl show) prints of them."""
    others = [block for block in shown.split("\n\n") if "Id=docker-gangway.socket" not in block.splitlines()]
    return [word for block in others for word in re.findall(r"^Listen=([^/@\s]\S*)", block, re.MULTILINE)]


def main(arguments: t.Sequence[str], shown: str, environment: t.Mapping[str, str]) -> int:
    """Return 0 where the port may stay open."""
    path, good_copy = arguments
    problem = _look_after(path, good_copy, shown, environment)
    if problem is None:
        return 0
    _say(f"mutual TLS is not in force: {problem}. Closing docker-gangway.socket; dockerd starts without the port")
    return 1


def hosts_allowed(arguments: t.Sequence[str], shown: str, environment: t.Mapping[str, str]) -> int:
    """Return 0 where dockerd may start with daemon.json: C(hosts) has TCP (now) only with mutual TLS in force."""
    path, good_copy = arguments
    problem = _look_after(path, good_copy, shown, environment)
    hosts = _parse_leniently(_read(path)).get("hosts")
    problem = problem or address_problem(hosts if isinstance(hosts, list) else [])
    if problem is None:
        return 0
    return close(path, problem)


def close(path: str, problem: str = "the access list is not in force") -> int:
    """Take TCP out of C(hosts) in daemon.json; return 0, since dockerd may start then."""
    _say(f"{problem}. dockerd starts without its TCP port")
    text = _read(path)
    closed = without_tcp_hosts(text)
    if closed != text:
        _write(path, closed, like=path)
    return 0


def trailing_problem(variable: str, shown: str, environment: t.Mapping[str, str]) -> str | None:
    """Return what follows the variable on dockerd's command line and sets TLS, too: the last flag wins."""
    words = _words(shown)
    if not words:
        return "dockerd's command line can't be read"
    index = max((i for i, word in enumerate(words) if word.strip("${}") == variable), default=len(words))
    trailing = words[index + 1 :]
    foreign = daemon_flags(trailing, environment).tls
    problem = f"{' '.join(foreign)} on dockerd's command line" if foreign else None
    return _unclear_problem(trailing, environment) or problem


def flags_allowed(arguments: t.Sequence[str], problem: str | None = None) -> int:
    """Return 0 where dockerd can start with CA, certificate and key as flags."""
    path, good_copy, ca, certificate, key, *hosts = arguments
    good_text = _read(good_copy)
    text = _mend_malformed(path, good_text or "{}\n")
    settings = _parse_leniently(text)
    problem = problem or files_problem({"tlsverify": True, "tlscacert": ca, "tlscert": certificate, "tlskey": key})
    problem = problem or address_problem(hosts)
    twice = [name for name in (*TLS_KEYS, "tls", "hosts") if name in settings]
    if twice:
        problem = f"dockerd would not start with {', '.join(twice)} both in {path} and as flags"
    if problem is None:
        if good_text != text:
            _write(good_copy, text, like=path)
        return 0
    if "live-restore" not in settings and "live-restore" in _parse_leniently(good_text):
        _write(path, merge(text, {"live-restore": True}), like=path)
    _say(f"{problem}. dockerd starts without its TCP port")
    return 1


def address_problem(hosts: t.Iterable[object]) -> str | None:
    """Return why dockerd could not listen on these hosts, and so not start: it has no FreeBind=."""
    for host in hosts:
        scheme, _separator, place = str(host).partition("://")
        if scheme != "tcp":
            continue
        address = place.rpartition(":")[0].strip("[]")
        try:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((address, 0))
        except OSError as exc:
            return f"{host} can't be listened on ({exc.strerror or exc})"
    return None


def without_tcp_hosts(text: str) -> str:
    """Return daemon.json without its TCP ports."""
    hosts = _parse_leniently(text).get("hosts")
    if not isinstance(hosts, list):
        return text
    kept = [host for host in hosts if str(host).startswith(("fd://", "unix://"))]
    if kept == hosts:
        return text
    return restore(text, {"hosts": json.dumps(kept) if kept else None})


def _look_after(path: str, good_copy: str, shown: str, environment: t.Mapping[str, str]) -> str | None:
    """Return why mutual TLS is not in force, with daemon.json mended so that dockerd starts; None: it is in force."""
    good_text = _read(good_copy)
    good = _parse_leniently(good_text)
    elsewhere = _listens_elsewhere(shown, environment)
    text = _mend_malformed(path, good_text if good or elsewhere else "{}\n")
    settings = _parse_leniently(text)
    unloadable = files_problem(settings)
    problem = tls_problem(settings) or unloadable or command_problem(shown, environment, path)
    if problem is None:
        if good_text != text:
            _write(good_copy, text, like=path)
        return None
    mended = text
    if unloadable is not None and not elsewhere:
        # Together with the ports in it: never the one without the other.
        mended = restore(without_tcp_hosts(mended), dict.fromkeys(TLS_KEYS))
    if "live-restore" not in settings and "live-restore" in good:
        mended = merge(mended, {"live-restore": True})
    if mended != text:
        _write(path, mended, like=path)
    return problem


def _mend_malformed(path: str, replacement: str) -> str:
    """Return the text of daemon.json; where dockerd could not read it, replace it and keep the user's beside it."""
    text = _read(path)
    try:
        parse(text)
        # dockerd before 23.0 does not start with an empty file.
        if not text.strip() and os.path.exists(path):
            raise MalformedDaemonJson("it is empty")
    except MalformedDaemonJson as exc:
        if not replacement:
            # Without TLS keys, the other port of this dockerd would be open to all; as it is, dockerd does not start.
            _say(f"{path} is malformed: {exc}")
            return text
        _say(f"{path} is malformed: {exc}; starting with the last good one")
        if text.strip():
            _write(f"{path}.broken", text, like=path)
            _say(f"the malformed one is kept as {path}.broken")
        _write(path, replacement, like=path)
        return replacement
    return text


def _parse_leniently(text: str) -> dict[str, t.Any]:
    try:
        return parse(text)
    except MalformedDaemonJson:
        return {}


def _refuse_encrypted_key() -> bytes:
    raise ValueError("the key is encrypted")


def _read(path: str) -> str:
    try:
        # What is not UTF-8 passes through as it is; dockerd takes it inside of strings.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str, *, like: str) -> None:
    """Replace the file at once, with the owner and mode of the file that is there, or of its model."""
    path = os.path.realpath(path)
    temporary = f"{path}.gangway-new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        model = path if os.path.exists(path) else like
        if os.path.exists(model):
            status = os.stat(model)
            os.fchown(stream.fileno(), status.st_uid, status.st_gid)
            os.fchmod(stream.fileno(), status.st_mode & 0o7777)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(temporary, path)


def _say(message: str) -> None:
    # <3> is "error" to the journal, see sd-daemon(3).
    sys.stderr.write(f"<3>gangway.docker: {message}\n")


def _run(words: t.Sequence[str]) -> int:
    if words[0] == "closed":
        return close(words[1])
    if words[0] == "flags":
        return flags_allowed(words[1:])
    if words[0] == "flags-in":
        return flags_allowed(words[2:], trailing_problem(words[1], sys.stdin.read(), os.environ))
    if words[0] == "hosts":
        return hosts_allowed(words[1:], sys.stdin.read(), os.environ)
    return main(words, sys.stdin.read(), os.environ)


if __name__ == "__main__":
    raise SystemExit(_run(sys.argv[1:]))
