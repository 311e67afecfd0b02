# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths and unit names on hosts: the one place for them."""

from __future__ import annotations

__all__ = (
    "ACTIVATION_UNIT",
    "BACKUP_SUFFIX",
    "BUNDLE",
    "CA",
    "CERTIFICATE",
    "DAEMON_JSON",
    "DOCKERD_WRAPPER",
    "DOCKER_SERVICE",
    "DOCKER_SOCKET",
    "DROP_IN",
    "EXEC_DROP_IN",
    "FILTERING_SEEN",
    "FIREWALLD_POLICY",
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
    "LISTENER_FLAGS",
    "LISTENER_FLAGS_IN_FORCE",
    "LOCK",
    "ORIGINALS",
    "OUR_KEYS",
    "PENDING_KEYS",
    "RECOVERED",
    "RECOVERY",
    "RECOVERY_SERVICE",
    "SOCKET_UNIT",
    "STATE",
    "UNITS",
)

DOCKER_SERVICE = "docker.service"
DOCKER_SOCKET = "docker.socket"
GANGWAY_SOCKET = "docker-gangway.socket"
GANGWAY_SERVICE = "docker-gangway.service"

DAEMON_JSON = "/etc/docker/daemon.json"
#: Every key that we ever put into it.
OUR_KEYS = ("hosts", "tls", "tlsverify", "tlscacert", "tlscert", "tlskey", "live-restore")
UNITS = "/etc/systemd/system/"
SOCKET_UNIT = f"{UNITS}{GANGWAY_SOCKET}"
ACTIVATION_UNIT = f"{UNITS}{GANGWAY_SERVICE}"
#: Drop-ins of docker.service. The first hands over the socket unit's port. The second sets ExecStart, so it must be
#: read after all others.
DROP_IN = f"{UNITS}{DOCKER_SERVICE}.d/50-gangway.conf"
EXEC_DROP_IN = f"{UNITS}{DOCKER_SERVICE}.d/zz-gangway.conf"

#: What dockerd reads, in the layout of Docker's own tools.
BUNDLE = "/etc/docker/gangway"
CA = f"{BUNDLE}/ca.pem"
CERTIFICATE = f"{BUNDLE}/cert.pem"
KEY = f"{BUNDLE}/key.pem"

#: Our own state. Not in the bundle, so that the guard works when someone deletes the bundle.
STATE = "/var/lib/gangway-docker"
GUARD = f"{STATE}/guard"
GOOD_COPY = f"{STATE}/daemon.json.good"
#: The files of others as they were before we changed them.
ORIGINALS = f"{STATE}/originals.json"
JOURNAL = f"{STATE}/journal.json"
#: dockerd's flags for the port, and the copy that the guard puts in force while mutual TLS is possible.
LISTENER_FLAGS = f"{STATE}/listener"
LISTENER_FLAGS_IN_FORCE = "/run/gangway-docker-listener"
#: Started in dockerd's place where a supervisor restarts it without reading the options file (OpenRC).
DOCKERD_WRAPPER = f"{STATE}/start-dockerd"

#: Our folders and their modes.
FOLDERS = {STATE: 0o700, GUARD: 0o700, BUNDLE: 0o700}

#: The access list in nftables.
FIREWALL_SERVICE = "docker-gangway-firewall.service"
FIREWALL_RULES = f"{STATE}/firewall.nft"
FIREWALL_UNIT = f"{UNITS}{FIREWALL_SERVICE}"
FIREWALL_WATCH_SERVICE = "docker-gangway-firewall-watch.service"
FIREWALL_WATCH_UNIT = f"{UNITS}{FIREWALL_WATCH_SERVICE}"
FIREWALL_UNITS = (FIREWALL_UNIT, FIREWALL_WATCH_UNIT)
FIREWALLD_POLICY = "/etc/firewalld/policies/gangway-docker.xml"

#: Added to the name of an adopted file's backup.
BACKUP_SUFFIX = ".before-gangway"

#: A key whose certificate is being signed; in memory, so that it does not outlive a reboot.
PENDING_KEYS = "/run/gangway-docker"
#: Exists if packet filtering by systemd was seen working since the boot.
FILTERING_SEEN = "/run/gangway-docker-filters"
#: Only root can open it, and so hold the lock.
LOCK = "/run/gangway-docker.lock"
#: The program that rolls back a run that was killed, the unit that runs it, and its report.
RECOVERY = "/run/gangway-docker-recovery"
RECOVERY_SERVICE = "docker-gangway-recovery.service"
RECOVERED = "/run/gangway-docker-recovered.json"
