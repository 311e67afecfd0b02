# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An Ansible inventory of the lab's hosts."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from pathlib import Path

import yaml

from .hosts import SSH_KEY, Host

#: The lab's hosts are made anew all the time, and nothing lies between them and us: host keys say nothing here.
_SSH_ARGS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def write_inventory(path: Path, hosts: Sequence[Host], **variables: t.Any) -> Path:
    """Write a YAML inventory with the group C(docker_hosts), reached by SSH as root unless variables say else."""
    shared = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(SSH_KEY),
        "ansible_ssh_common_args": _SSH_ARGS,
        "ansible_python_interpreter": "/usr/bin/python3",
        **variables,
    }
    entries = {host.name: {"ansible_host": host.address} for host in hosts}
    inventory = {"all": {"children": {"docker_hosts": {"hosts": entries, "vars": shared}}}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(inventory, sort_keys=False))
    return path
