# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab from the command line: C(python -m tests.lab up web1:trixie --inventory hosts.yml), C(run), C(down)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .engine import clean_environment, containers, find_or_start_engine, leftovers, running_engine, stop_engine
from .hosts import Host, start_hosts
from .images import FLAVOURS, ensure_image
from .inventory import write_inventory


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    images = commands.add_parser("images", help="build the host images that are missing")
    images.add_argument("flavours", nargs="*", default=list(FLAVOURS))
    up = commands.add_parser("up", help="start hosts and wait until they are ready")
    up.add_argument("hosts", nargs="+", metavar="NAME:FLAVOUR")
    up.add_argument("--inventory", type=Path, help="write an inventory of these hosts to this file")
    down = commands.add_parser("down", help="stop hosts (all: the engine with them)")
    down.add_argument("hosts", nargs="*", metavar="NAME")
    run = commands.add_parser("run", help="run a command where the hosts can be reached")
    run.add_argument("argv", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()

    if arguments.command == "down":
        _down(arguments.hosts)
        return
    engine = find_or_start_engine()
    if arguments.command == "images":
        for flavour in arguments.flavours:
            ensure_image(engine, flavour)
    elif arguments.command == "up":
        wanted = [(name, flavour or "trixie") for name, _colon, flavour in (h.partition(":") for h in arguments.hosts)]
        hosts = start_hosts(engine, wanted)
        for host in hosts:
            print(f"{host.name}: {host.flavour}, {host.address}, {host.address_ipv6}")
        if arguments.inventory:
            write_inventory(arguments.inventory, hosts)
    else:
        command = engine.inside(arguments.argv)
        os.execvpe(command[0], command, clean_environment())


def _down(names: list[str]) -> None:
    engine = running_engine()
    if engine is None:
        print("no lab is running")
        return
    before = containers(engine)
    for host in Host.running(engine):
        if not names or host.name in names:
            print(f"stopping {host.name}")
            host.stop()
    if not names:
        stop_engine()
        if engine.namespace:
            left = leftovers(before)
            print("left behind:", ", ".join(left) or "no container, volume, namespace, cgroup or process")
            if left:
                raise SystemExit(1)


if __name__ == "__main__":
    main()
