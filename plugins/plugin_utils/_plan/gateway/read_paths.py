# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client with the right C(read) may ask: paths of the Engine API whose answers hold no secrets.

What is on a command line, in a name, in a label or in an option of a network counts as no secret: C(ps) on the host and
C(docker ps) show most of it too. The whole answer of a path counts, on each engine from 20.10 on.
"""

from __future__ import annotations

__all__ = ("INFO_PATTERN", "LEFT_OUT", "READ_PATHS", "READ_PATTERN")

#: Each with a command that needs it. NAME: of a container or network, or its ID.
READ_PATHS = {
    "/_ping": "",
    "/version": "docker version",
    # The tokens of a swarm are not in it. Of the passwords of proxies, see configuration.py.
    "/info": "docker info",
    # Of an exec the command line, of a volume the name: neither environment nor options.
    "/events": "docker events",
    "/containers/json": "docker ps",
    "/containers/NAME/stats": "docker stats",
    "/images/json": "docker images",
    "/networks": "docker network ls",
    "/networks/NAME": "docker network inspect NAME",
}
#: Paths for GET that are not in the list, and why.
LEFT_OUT = {
    "/containers/NAME/json": "It has the environment, where passwords are.",
    "/containers/NAME/logs": "Programs log what they should not.",
    "/containers/NAME/top": "Its parameter `ps_args` makes `ps` show the environment.",
    "/containers/NAME/changes": "It names files inside the container.",
    "/containers/NAME/export": "It is the whole file system.",
    "/containers/NAME/archive": "It is any file.",
    "/containers/NAME/attach/ws": "It is a connection to the program.",
    "/containers/NAME/checkpoints": "It is of no use without the right to restore one.",
    "/exec/NAME/json": "Only the client that runs the command needs it.",
    "/images/NAME/json": "It has the environment that the image sets.",
    "/images/NAME/history": "It has the build's arguments.",
    "/images/NAME/attestations": "They have the build's arguments.",
    "/images/NAME/get": "It is the whole image.",
    "/images/get": "It is whole images.",
    "/images/search": "It makes the host ask a registry.",
    "/distribution/NAME/json": "It makes the host ask a registry.",
    "/networks/": "It is `/networks`, written another way.",
    "/volumes": "Options of drivers hold passwords (CIFS).",
    "/volumes/NAME": "Options of drivers hold passwords (CIFS).",
    "/system/df": "It has the volumes, with the options of their drivers.",
    "/swarm": "It has the tokens with which machines join.",
    "/swarm/unlockkey": "It is a key.",
    "/nodes": "It is of no use without the swarm's services.",
    "/nodes/NAME": "It is of no use without the swarm's services.",
    "/services": "They have their containers' environment.",
    "/services/NAME": "It has its containers' environment.",
    "/services/NAME/logs": "Programs log what they should not.",
    "/tasks": "They have their containers' environment.",
    "/tasks/NAME": "It has its container's environment.",
    "/tasks/NAME/logs": "Programs log what they should not.",
    "/secrets": "It names the swarm's secrets.",
    "/secrets/NAME": "It names the swarm's secrets.",
    "/configs": "They have their content.",
    "/configs/NAME": "It has its content.",
    "/plugins": "They have their settings.",
    "/plugins/NAME/json": "It has its settings.",
    "/plugins/privileges": "It makes the host ask a registry.",
    "/debug/vars": "It has the command line of dockerd.",
    "/debug/pprof/": "It lists the profiles.",
    "/debug/pprof/NAME": "It is a profile of dockerd: stacks, memory.",
}

_NAME = "[A-Za-z0-9][A-Za-z0-9_.-]*"
_VERSION = "(/v[0-9]+[.][0-9]+)?"
#: For the request target as the client sent it: nothing is decoded, so what needs decoding does not match. Without
#: backslashes, which HAProxy's configuration takes for its own.
READ_PATTERN = f"^{_VERSION}({'|'.join(READ_PATHS).replace('NAME', _NAME)})([?].*)?$"
#: For the path, which is the target without its query.
INFO_PATTERN = f"^{_VERSION}/info$"
