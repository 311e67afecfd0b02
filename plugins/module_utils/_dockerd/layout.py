# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things lie on a host: the one place for paths and unit names."""

from __future__ import annotations

__all__ = (
    "ACTIVATION_UNIT",
    "BESIDE",
    "BUNDLE",
    "CA",
    "CERTIFICATE",
    "DAEMON_JSON",
    "DOCKER_SERVICE",
    "DOCKER_SOCKET",
    "DROP_IN",
    "EXEC_DROP_IN",
    "FILTERS",
    "FIREWALL_RULES",
    "FIREWALL_SERVICE",
    "FIREWALL_UNIT",
    "FIREWALL_UNITS",
    "FIREWALL_WATCH_SERVICE",
    "FIREWALL_WATCH_UNIT",
    "FOLDERS",
    "GANGWAY_SERVICE",
    "GANGWAY_SOCKET",
    "GOOD_COPY",
    "GUARD",
    "JOURNAL",
    "KEY",
    "LISTENER",
    "LISTENER_IN_FORCE",
    "PENDING",
    "SOCKET_UNIT",
    "STARTER",
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
#: docker.service's drop-ins: the one that hands over the socket unit's port, and the one that sets ExecStart, which has
#: to be read after everybody else's.
DROP_IN = f"/etc/systemd/system/{DOCKER_SERVICE}.d/50-gangway.conf"
EXEC_DROP_IN = f"/etc/systemd/system/{DOCKER_SERVICE}.d/zz-gangway.conf"

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
#: dockerd's flags for the port, and what the guard makes of them: there only while mutual TLS can be had.
LISTENER = f"{STATE}/listener"
LISTENER_IN_FORCE = "/run/gangway-docker-listener"
#: Starts dockerd where a supervisor starts it again after a crash without reading the options file (OpenRC).
STARTER = f"{STATE}/start-dockerd"
JOURNAL = f"{STATE}/journal.json"

#: Our folders, and the mode that they have.
FOLDERS = {STATE: 0o700, GUARD: 0o700, BUNDLE: 0o700}

#: The access list as nftables has it.
FIREWALL_SERVICE = "docker-gangway-firewall.service"
FIREWALL_RULES = f"{STATE}/firewall.nft"
FIREWALL_UNIT = f"/etc/systemd/system/{FIREWALL_SERVICE}"
FIREWALL_WATCH_SERVICE = "docker-gangway-firewall-watch.service"
FIREWALL_WATCH_UNIT = f"/etc/systemd/system/{FIREWALL_WATCH_SERVICE}"
FIREWALL_UNITS = (FIREWALL_UNIT, FIREWALL_WATCH_UNIT)

#: What a file of somebody else's is called while a listener of ours has taken its place.
BESIDE = ".before-gangway"

#: A key whose certificate is being signed; in memory only, so that it does not outlive a reboot.
PENDING = "/run/gangway-docker"
#: There once packet filtering was seen working since the boot.
FILTERS = "/run/gangway-docker-filters"
