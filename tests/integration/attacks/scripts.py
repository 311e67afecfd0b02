# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What root does by accident to an exposed host where a script of sysvinit or OpenRC starts dockerd."""

from __future__ import annotations

import typing as t

from tests.integration.attacks.sabotage import DROP_TLS, FOREIGN, PREPARE, SITE, Sabotage, site_file

METHODS = ("options_file", "daemon_json")
_SYSVINIT, _OPENRC = "bookworm-sysvinit", "bookworm-openrc"

#: Adds a program named dockerd that removes the TLS keys from daemon.json, and keeps all flags.
PREPARE_SCRIPTS = PREPARE + site_file(f"{SITE}/edit/dockerd", f'#!/bin/sh\n{DROP_TLS}\nexec /usr/sbin/dockerd "$@"\n')
_OPTIONS = "options=$(ls /etc/conf.d/docker /etc/default/docker 2>/dev/null | head -n1)\n"
KEEP = f"{_OPTIONS}tar -C / -cpf {SITE}/keep.tar etc/docker var/lib/gangway-docker etc/init.d/docker ${{options#/}}\n"
_WAIT = "for _ in $(seq 100); do docker version >/dev/null 2>&1 && break; sleep 0.1; done\n"
#: By init. A supervisor that has given up has to forget that.
RESTARTS = {
    "sysvinit": f"/etc/init.d/docker restart\n{_WAIT}",
    "openrc": f"rc-service docker stop; rc-service docker zap; rc-service docker start\n{_WAIT}",
}
_START_AGAIN = {"sysvinit": "/etc/init.d/docker start\n", "openrc": ""}


def crash(init: str) -> str:
    """Return the commands that kill dockerd and wait until it is back; under OpenRC, its supervisor starts it."""
    return (
        "if pid=$(pidof -s dockerd); then\n"
        "kill -KILL $pid; while test -d /proc/$pid; do sleep 0.05; done\n"
        f"{_START_AGAIN[init]}{_WAIT}"
        f"else\n{RESTARTS[init]}fi\n"
    )


def _in_front(line: str) -> str:
    return f"{_OPTIONS}sed -i '1i {line}' $options\n"


def _behind(line: str) -> str:
    return f"{_OPTIONS}printf '%s\\n' '{line}' >> $options\n"


def _program(path: str) -> str:
    """What names another dockerd in Debian's and in Alpine's options file."""
    return f"DOCKERD={path} DOCKERD_BINARY={path}"


def _both(options_file: str | None = None, daemon_json: str | None = None) -> dict[str, str | None]:
    return {"options_file": options_file, "daemon_json": daemon_json}


_MAY_STAY_DOWN = "Nobody without a certificate of the fleet gets an answer; dockerd may stay down"
_WITHOUT = "Without systemd: "

#: What would open the API to clients without a certificate of the fleet.
OPENING: t.Final = (
    Sabotage(
        "program",
        f"{_WITHOUT}the options file names a program that drops the TLS flags and reads another configuration file",
        _in_front(_program(f"{SITE}/dockerd")),
        _both(options_file=_OPENRC),
    ),
    Sabotage(
        "program-edits",
        f"{_WITHOUT}the options file names a program that removes the TLS keys from daemon.json and starts dockerd",
        _in_front(_program(f"{SITE}/edit/dockerd")),
        _both(daemon_json=_OPENRC),
    ),
    Sabotage(
        "program-behind",
        f"{_WITHOUT}behind our block, the options file names such a program, and no options",
        _behind(f"{_program(f'{SITE}/edit/dockerd')} DOCKER_OPTS="),
        _both(daemon_json=_SYSVINIT),
    ),
    Sabotage(
        "no-block",
        f"{_WITHOUT}the options file loses our block, and daemon.json its TLS keys",
        f"{_OPTIONS}sed -i '/^# BEGIN gangway/,/^# END gangway/d' $options; {DROP_TLS}\n",
        _both(daemon_json=_SYSVINIT),
    ),
    Sabotage(
        "daemon-json-edited",
        f"{_WITHOUT}daemon.json loses its TLS keys",
        f"{DROP_TLS}\n",
        _both(daemon_json=_OPENRC),
    ),
    Sabotage(
        "flag-behind",
        f"{_WITHOUT}the options file adds `--tlsverify=false` behind our block",
        _behind('DOCKER_OPTS="$DOCKER_OPTS --tlsverify=false"'),
        _both(options_file=_SYSVINIT),
        f"{_MAY_STAY_DOWN} with this flag",
        may_stay_down=True,
    ),
    Sabotage(
        "flag-in-script",
        f"{_WITHOUT}the init script has `--tlsverify=false` after dockerd's options",
        "sed -i -E 's/(\\$DOCKER_OPTS|\\$\\{DOCKER_OPTS\\})( *\\\\|\")/\\1 --tlsverify=false\\2/' /etc/init.d/docker\n",
        _both(),
        f"{_MAY_STAY_DOWN} with this flag",
        may_stay_down=True,
    ),
    Sabotage(
        "no-guard",
        f"{_WITHOUT}the guard is deleted, and daemon.json loses its TLS keys",
        f"rm -r /var/lib/gangway-docker/guard; {DROP_TLS}\n",
        _both(),
        _MAY_STAY_DOWN,
        may_stay_down=True,
    ),
    Sabotage(
        "no-folder",
        f"{_WITHOUT}`/var/lib/gangway-docker` is deleted, and daemon.json loses its TLS keys",
        f"rm -r /var/lib/gangway-docker; {DROP_TLS}\n",
        _both(),
        _MAY_STAY_DOWN,
        may_stay_down=True,
    ),
    Sabotage(
        "foreign-ca-in-daemon-json",
        f"{_WITHOUT}`tlscacert` in daemon.json names another CA",
        f'sed -i -E \'s,("tlscacert": *)"[^"]*",\\1"{FOREIGN}",\' /etc/docker/daemon.json\n',
        {"daemon_json": None},
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
    Sabotage(
        "foreign-ca-in-ca-pem",
        f"{_WITHOUT}another CA is written over `ca.pem`",
        f"cat {FOREIGN} > /etc/docker/gangway/ca.pem\n",
        _both(options_file=_OPENRC),
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
    Sabotage(
        "foreign-ca-added",
        f"{_WITHOUT}another CA is added to `ca.pem`",
        f"cat {FOREIGN} >> /etc/docker/gangway/ca.pem\n",
        _both(options_file=_SYSVINIT),
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
)
