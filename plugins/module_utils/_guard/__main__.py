# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard: runs on the host before each start of dockerd, and keeps the port open only with mutual TLS in force.

C(-H fd://) on a TCP socket without TLS gives everyone root, with no warning in any log. So the drop-in runs this
program first (as C(python3 -m guard DAEMON_JSON GOOD_COPY), with docker.service's ExecStart as systemctl shows it on
stdin, and the environment that dockerd will have) and closes docker-gangway.socket if it exits with anything but 0.
dockerd must still start, and the running containers must survive that start. So:

- If daemon.json is no JSON, it is kept as C(daemon.json.broken), and the last good one replaces it.
- If certificate, key or CA can't be loaded, dockerd would not start with them: the TLS keys leave daemon.json.
- If live-restore is gone, it is put back: a start without it stops the containers.

Words before the files are for other methods: C(hosts) looks after a port in C(hosts) of daemon.json, removes TCP from
it if need be, and exits with 0 if dockerd may start; C(flags), with CA, certificate, key and hosts after the files,
exits with 0 if dockerd can start with these as flags; C(flags-in VARIABLE) also checks what follows the variable on
dockerd's command line. All of these narrow the gate as well, since each process here delays the start of dockerd.
C(closed) does no more than remove TCP from C(hosts). C(gate), with C(narrow), C(open) or C(restore): see gate.py.

It stands alone, on Python 3.9 or later and the standard library.
"""

from __future__ import annotations

__all__ = ("close", "flags_allowed", "hosts_allowed", "main")

import os
import sys
import typing as t

from . import gate
from .config_file import parse_leniently, read, replace_malformed, say, write
from .daemon_json import merge, restore, without_tcp_hosts
from .judgement import (
    TLS_KEYS,
    address_problem,
    command_problem,
    files_problem,
    listens_elsewhere,
    tls_problem,
    trailing_problem,
)
from .listener import Gate
from .proof import ca_problem

_NO_LIST = "the access list is not in force"
#: The environment has it where the shell found that out.
_UNGUARDED = "GANGWAY_UNGUARDED"


def main(arguments: t.Sequence[str], shown: str, environment: t.Mapping[str, str], problem: str | None = None) -> int:
    """Return 0 if the port may stay open. C(problem): why it may not in any case."""
    path, good_copy = arguments
    found = _look_after(path, good_copy, shown, environment)
    if found is not None:
        problem = f"mutual TLS is not in force: {found}"
    if problem is None:
        return 0
    say(f"{problem}. Closing docker-gangway.socket; dockerd starts without the port")
    return 1


def hosts_allowed(
    arguments: t.Sequence[str], shown: str, environment: t.Mapping[str, str], problem: str | None = None
) -> int:
    """Return 0 if dockerd may start with daemon.json: C(hosts) has TCP (now) only with mutual TLS in force."""
    path, good_copy = arguments
    problem = _look_after(path, good_copy, shown, environment) or problem
    hosts = parse_leniently(read(path)).get("hosts")
    problem = problem or address_problem(hosts if isinstance(hosts, list) else [])
    if problem is None:
        return 0
    return close(path, problem)


def close(path: str, problem: str = _NO_LIST) -> int:
    """Remove TCP from C(hosts) in daemon.json; return 0, since dockerd may start then."""
    say(f"{problem}. dockerd starts without its TCP port")
    text = read(path)
    closed = text if not parse_leniently(text) else without_tcp_hosts(text)
    if closed != text:
        write(path, closed, like=path)
    return 0


def flags_allowed(arguments: t.Sequence[str], problem: str | None = None) -> int:
    """Return 0 if dockerd can start with CA, certificate and key as flags."""
    path, good_copy, ca, certificate, key, *hosts = arguments
    good_text = read(good_copy)
    text = replace_malformed(path, good_text or "{}\n")
    settings = parse_leniently(text)
    problem = problem or files_problem({"tlsverify": True, "tlscacert": ca, "tlscert": certificate, "tlskey": key})
    problem = problem or ca_problem(ca)
    problem = problem or address_problem(hosts)
    twice = [name for name in (*TLS_KEYS, "tls", "hosts") if name in settings]
    if twice:
        problem = f"dockerd would not start with {', '.join(twice)} both in {path} and as flags"
    if problem is None:
        if good_text != text:
            write(good_copy, text, like=path)
        return 0
    if "live-restore" not in settings and "live-restore" in parse_leniently(good_text):
        write(path, merge(text, {"live-restore": True}), like=path)
    say(f"{problem}. dockerd starts without its TCP port")
    return 1


def _look_after(path: str, good_copy: str, shown: str, environment: t.Mapping[str, str]) -> str | None:
    """Return why mutual TLS is not in force, daemon.json repaired so that dockerd starts; None: it is in force."""
    good_text = read(good_copy)
    good = parse_leniently(good_text)
    elsewhere = listens_elsewhere(shown, environment)
    text = replace_malformed(path, good_text if good or elsewhere else "{}\n")
    settings = parse_leniently(text)
    unloadable = files_problem(settings)
    problem = _foreign_problem(settings) or unloadable or command_problem(shown, environment, path)
    if problem is None:
        if good_text != text:
            write(good_copy, text, like=path)
        return None
    repaired = text
    if unloadable is not None and not elsewhere:
        # Together with the ports in it: never the one without the other.
        repaired = restore(without_tcp_hosts(repaired), dict.fromkeys(TLS_KEYS))
    if "live-restore" not in settings and "live-restore" in good:
        repaired = merge(repaired, {"live-restore": True})
    if repaired != text:
        write(path, repaired, like=path)
    return problem


def _foreign_problem(settings: t.Mapping[str, t.Any]) -> str | None:
    """Return which TLS setting is not the one that was put there."""
    ours = Gate.read()
    if ours is None:
        return "gate.json in our folder can't be read"
    return tls_problem(settings, ours.tls) or ca_problem(str(ours.tls.get("tlscacert")))


def _run(words: t.Sequence[str]) -> int:
    if words[0] == "gate":
        return gate.run(words[1:])
    if words[0] == "closed":
        return close(words[1])
    narrowed = gate.narrow()
    problem = _NO_LIST if _UNGUARDED in os.environ else narrowed
    if words[0] == "flags":
        return flags_allowed(words[1:], problem)
    shown = sys.stdin.read()
    if words[0] == "flags-in":
        return flags_allowed(words[2:], problem or trailing_problem(words[1], shown, os.environ))
    if words[0] == "hosts":
        return hosts_allowed(words[1:], shown, os.environ, problem)
    return main(words, shown, os.environ, problem)


if __name__ == "__main__":
    raise SystemExit(_run(sys.argv[1:]))
