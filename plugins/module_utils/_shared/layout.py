# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths and unit names on hosts: the one place for them."""

from __future__ import annotations

__all__ = (
    "BACKUP_SUFFIX",
    "BOOT_DROP_IN",
    "BUNDLE",
    "CA",
    "CA_DIGEST",
    "CERTIFICATE",
    "CRL",
    "DAEMON_JSON",
    "DOCKERD_WRAPPER",
    "DOCKER_SERVICE",
    "DOCKER_SOCKET",
    "DROP_IN",
    "ENGINE",
    "EXEC_DROP_IN",
    "FILTERING_SEEN",
    "FIREWALLD_POLICY",
    "FIREWALL_LISTING",
    "FIREWALL_RULES",
    "FIREWALL_SCRIPT",
    "FIREWALL_SERVICE",
    "FIREWALL_UNIT",
    "FIREWALL_UNITS",
    "FIREWALL_WATCH_SERVICE",
    "FIREWALL_WATCH_UNIT",
    "FLAGS_WRAPPER",
    "FOLDERS",
    "GANGWAY_SERVICE",
    "GANGWAY_SOCKET",
    "GATE",
    "GATEWAY_BOOT",
    "GATEWAY_CLIENTS",
    "GATEWAY_COMMANDS",
    "GATEWAY_CONFIGURATION",
    "GATEWAY_DIGESTS",
    "GATEWAY_GROUP",
    "GATEWAY_RUN",
    "GATEWAY_SERVICE",
    "GATEWAY_UNIT",
    "GATEWAY_USER",
    "GATE_RECORD",
    "GATE_UNIT",
    "GOOD_COPY",
    "GUARD",
    "JOURNAL",
    "KEY",
    "KEY_IMAGE",
    "LISTENER_FLAGS",
    "LISTENER_FLAGS_IN_FORCE",
    "LOCK",
    "ORIGINALS",
    "OUR_KEYS",
    "PENDING_KEYS",
    "RECOVERED",
    "RECOVERY",
    "RECOVERY_SERVICE",
    "RUNTIME_DROP_INS",
    "SOCKET_UNIT",
    "STATE",
    "TRUST",
    "UNITS",
)

DOCKER_SERVICE = "docker.service"
DOCKER_SOCKET = "docker.socket"
GANGWAY_SOCKET = "docker-gangway.socket"
GANGWAY_SERVICE = "docker-gangway.service"

#: dockerd's unix socket; /var/run is a symbolic link to /run.
ENGINE = "/run/docker.sock"

DAEMON_JSON = "/etc/docker/daemon.json"
#: Every key that we ever put into it.
OUR_KEYS = ("hosts", "tls", "tlsverify", "tlscacert", "tlscert", "tlskey", "live-restore")
UNITS = "/etc/systemd/system/"
SOCKET_UNIT = f"{UNITS}{GANGWAY_SOCKET}"
GATE_UNIT = f"{UNITS}{GANGWAY_SERVICE}"
#: Drop-ins of docker.service, read after all others. The first hands over the socket unit's port, the second sets
#: ExecStart; where there is one of them only, it has the guard.
DROP_IN = f"{UNITS}{DOCKER_SERVICE}.d/zz-gangway-port.conf"
EXEC_DROP_IN = f"{UNITS}{DOCKER_SERVICE}.d/zz-gangway.conf"
#: The drop-in of docker.socket that has dockerd started at boot, so that the port is there.
BOOT_DROP_IN = f"{UNITS}{DOCKER_SOCKET}.d/zz-gangway.conf"

#: What dockerd reads, in the layout of Docker's own tools.
BUNDLE = "/etc/docker/gangway"
CA = f"{BUNDLE}/ca.pem"
CERTIFICATE = f"{BUNDLE}/cert.pem"
KEY = f"{BUNDLE}/key.pem"
#: Method gateway only: dockerd reads none.
CRL = f"{BUNDLE}/crl.pem"

#: Our own state. Not in the bundle, so that the guard works when someone deletes the bundle.
STATE = "/var/lib/gangway-docker"
GUARD = f"{STATE}/guard"
GOOD_COPY = f"{STATE}/daemon.json.good"
#: The listener, for the gate, and the digest (SHA-256 in hex) of the CA.
GATE = f"{STATE}/gate.json"
CA_DIGEST = f"{STATE}/ca.sha256"
#: The gate's state since the boot, and what C(systemctl set-property --runtime) leaves of it.
GATE_RECORD = "/run/gangway-docker-gate"
RUNTIME_DROP_INS = tuple(
    f"/run/systemd/system.control/{GANGWAY_SOCKET}.d/50-{name}.conf" for name in ("IPAddressAllow", "IPAddressDeny")
)
#: The files of others as they were before we changed them.
ORIGINALS = f"{STATE}/originals.json"
JOURNAL = f"{STATE}/journal.json"
#: The before-image of the key, which the journal does not contain.
KEY_IMAGE = f"{STATE}/key.pem.before"
#: Which fleet's clients dockerd accepts, and the generations of trust up to the one that the host was given last.
TRUST = f"{STATE}/trust.json"
#: dockerd's flags for the port, and the copy that the guard puts in force while mutual TLS is possible.
LISTENER_FLAGS = f"{STATE}/listener"
LISTENER_FLAGS_IN_FORCE = "/run/gangway-docker-listener"
#: Started in dockerd's place where a supervisor restarts it without reading the options file (OpenRC). The second adds
#: flags. Each has its name, since the supervisor goes on with the one that it knows while the other comes.
DOCKERD_WRAPPER = f"{STATE}/start-dockerd"
FLAGS_WRAPPER = f"{STATE}/start-dockerd-with-flags"

#: HAProxy in front of the engine's unix socket: its unit, the drop-in that has the port opened at boot, its
#: configuration, and the digests of all files that it reads.
GATEWAY_SERVICE = "docker-gangway-gateway.service"
GATEWAY_UNIT = f"{UNITS}{GATEWAY_SERVICE}"
GATEWAY_BOOT = f"{UNITS}sockets.target.d/zz-gangway.conf"
GATEWAY_CONFIGURATION = f"{STATE}/haproxy.cfg"
GATEWAY_CLIENTS = f"{STATE}/clients.map"
GATEWAY_DIGESTS = f"{STATE}/gateway.sha256"
#: Its folder below /run: certificate and key in one file, and the socket that it takes commands on.
GATEWAY_RUN = "/run/docker-gangway-gateway"
GATEWAY_COMMANDS = f"{GATEWAY_RUN}/commands"
#: Of the processes that speak with clients.
GATEWAY_USER, GATEWAY_GROUP = "haproxy", "docker"

#: Our folders and their modes.
FOLDERS = {STATE: 0o700, GUARD: 0o700, BUNDLE: 0o700}

#: The access list in nftables.
FIREWALL_SERVICE = "docker-gangway-firewall.service"
FIREWALL_RULES = f"{STATE}/firewall.nft"
#: What the units run to load the rules, and to watch over them.
FIREWALL_SCRIPT = f"{STATE}/firewall.sh"
#: What nft listed after it had loaded the rules, without the gate; also the lock of whoever loads or compares them.
FIREWALL_LISTING = "/run/gangway-docker-firewall"
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
