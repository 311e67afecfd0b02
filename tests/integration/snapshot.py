# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host is, to the byte: for showing that nothing is left behind."""

from __future__ import annotations

from tests.lab.hosts import Host

#: ld.so.cache and the like are not here: nothing of ours runs ldconfig.
_ETC = (
    "cd /etc && find . -printf '%p %y %m %U %G %l\\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum"
)
#: By the host's init: Docker's services and their states.
_SERVICES = {
    "systemd": (
        "systemctl list-units --all --no-legend --plain 'docker*' 'containerd*'; "
        "systemctl list-unit-files --no-legend 'docker*'; "
        "systemctl show docker.service docker.socket "
        "--property=ActiveState,SubState,DropInPaths,TriggeredBy,After,Wants; "
        "ls /run/systemd/system.control 2>/dev/null"
    ),
    "sysvinit": "service docker status",
    "openrc": "rc-service docker status; rc-update show | grep docker",
}
_OURS = (
    "ls -d /var/lib/gangway-docker* /run/gangway-docker* 2>/dev/null | grep -v filters; "
    "nft list tables | grep gangway; true"
)


def snapshot(host: Host) -> str:
    """Return /etc (types, modes, owners, contents), Docker's services and their states, and what is ours elsewhere."""
    services = host.run(f"{_SERVICES[host.init]}; {_OURS}").stdout
    # systemd gives the words of After= and Wants= in no order.
    return host.run(_ETC).stdout + "\n".join(
        " ".join(sorted(line.replace("=", "= ").split())) for line in services.splitlines()
    )


def started_at(host: Host, container: str = "witness") -> str:
    return host.run(f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {container}").stdout.strip()
