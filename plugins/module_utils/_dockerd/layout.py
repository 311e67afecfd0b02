# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things lie on a host: the one place for paths and unit names."""

from __future__ import annotations

__all__ = (
    "ACTIVATION_UNIT",
    "BUNDLE",
    "CA",
    "CERTIFICATE",
    "DAEMON_JSON",
    "DOCKER_SERVICE",
    "DOCKER_SOCKET",
    "DROP_IN",
    "FILTERS",
    "FOLDERS",
    "GANGWAY_SERVICE",
    "GANGWAY_SOCKET",
    "GOOD_COPY",
    "GUARD",
    "JOURNAL",
    "KEY",
    "PENDING",
    "SOCKET_UNIT",
    "STATE",
    "UNITS",
    "WHAT_WAS",
)

DOCKER_SERVICE = "docker.service"
DOCKER_SOCKET = "docker.socket"
GANGWAY_SOCKET = "docker-gangway.socket"
GANGWAY_SERVICE = "docker-gangway.service"

DAEMON_JSON = "/etc/docker/daemon.json"
UNITS = "/etc/systemd/system/"
SOCKET_UNIT = f"/etc/systemd/system/{GANGWAY_SOCKET}"
ACTIVATION_UNIT = f"/etc/systemd/system/{GANGWAY_SERVICE}"
DROP_IN = f"/etc/systemd/system/{DOCKER_SERVICE}.d/50-gangway.conf"

#: What dockerd reads, in the layout that Docker's own tools have.
BUNDLE = "/etc/docker/gangway"
CA = f"{BUNDLE}/ca.pem"
CERTIFICATE = f"{BUNDLE}/cert.pem"
KEY = f"{BUNDLE}/key.pem"

#: What we keep for ourselves. Not in the bundle, so that the guard works when someone deletes that.
STATE = "/var/lib/gangway-docker"
GUARD = f"{STATE}/guard"
GOOD_COPY = f"{STATE}/daemon.json.good"
WHAT_WAS = f"{STATE}/what-was.json"
JOURNAL = f"{STATE}/journal.json"

#: Our folders, and the mode that they have.
FOLDERS = {STATE: 0o700, GUARD: 0o700, BUNDLE: 0o700}

#: A key whose certificate is being signed; in memory only, so that it does not outlive a reboot.
PENDING = "/run/gangway-docker"
#: There once packet filtering was seen working since the boot.
FILTERS = "/run/gangway-docker-filters"
