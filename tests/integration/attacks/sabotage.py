# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What root does to an exposed host by accident, as shell commands that run there.

C(SITE) is a folder of the site's own programs; C(FOREIGN) is the certificate of a CA that is not the fleet's.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

METHODS = ("socket", "override", "options_file", "daemon_json")

SITE = "/opt/site"
FOREIGN = f"{SITE}/ca.pem"
_DROP_INS = "/etc/systemd/system/docker.service.d"
DROP_TLS = f"{SITE}/drop-tls"
#: Removes the TLS keys from daemon.json, as configuration management does that knows nothing of them.
_EDIT = """\
#!/usr/bin/python3
import json, sys
path = "/etc/docker/daemon.json"
with open(path) as file:
    settings = json.load(file)
for key in ("tlsverify", "tlscacert", "tlscert", "tlskey"):
    settings.pop(key, None)
if "hosts" in settings and not sys.argv[1:]:
    # Otherwise dockerd waits 16 s before it opens a port without TLS.
    settings["tls"] = False
with open(sys.argv[1] if sys.argv[1:] else path, "w") as file:
    json.dump(settings, file)
"""
#: A program in dockerd's place that keeps all flags but those of TLS.
_WRAPPER = f"""\
#!/bin/sh
{DROP_TLS} {SITE}/daemon.json
for word; do
    shift
    case $word in --tls*) ;; *) set -- "$@" "$word" ;; esac
done
exec /usr/sbin/dockerd "$@" --tls=false --config-file={SITE}/daemon.json
"""


def site_file(path: str, text: str, mode: str = "0755") -> str:
    return f"install -D -m {mode} /dev/stdin {path} <<'END OF FILE'\n{text}END OF FILE\n"


#: Puts the programs in place.
PREPARE = (
    f"rm -rf {SITE}; {site_file(DROP_TLS, _EDIT)}"
    f"{site_file(f'{SITE}/dockerd', _WRAPPER)}{site_file(f'{SITE}/start', _WRAPPER)}"
)
#: Keeps the files of the exposure that the commands below change, and puts them back.
KEEP = f"tar -C / -cpf {SITE}/keep.tar etc/docker etc/default/docker var/lib/gangway-docker\n"
RESTORE = f"tar -C / -xpf {SITE}/keep.tar\n"
#: Takes back all else.
UNDO = (
    f"rm -f {_DROP_INS}/60-site.conf {_DROP_INS}/zzz-site.conf; "
    "rm -rf /etc/systemd/system/docker-gangway.socket.d /etc/systemd/system/site.slice; "
    # The files alone do not say that system.slice has a list of its own no longer.
    'test -z "$(systemctl show system.slice --property=IPAddressAllow --value)" || '
    "systemctl set-property system.slice IPAddressAllow=; "
    "rm -rf /etc/systemd/system.control /run/systemd/system.control; systemctl daemon-reload\n"
)


def _drop_in(name: str, *lines: str) -> str:
    text = "\n".join(("[Service]", *lines, ""))
    return f"{site_file(f'{_DROP_INS}/{name}', text, '0644')}systemctl daemon-reload\n"


def _exec_start(program: str, trailing: str = "") -> str:
    """Start another program with the words of the present ExecStart, and one more."""
    return (
        "line=$(systemctl cat docker.service | grep '^ExecStart=.' | tail -n1 | cut -d= -f2-)\n"
        f"mkdir -p {_DROP_INS}; printf '[Service]\\nExecStart=\\nExecStart=%s%s{trailing}\\n' "
        f"'{program}' \"${{line#{'' if program else '//'}*dockerd}}\" > {_DROP_INS}/zzz-site.conf\n"
        "systemctl daemon-reload\n"
    )


@dataclass(frozen=True)
class Sabotage:
    """One thing that root does, between two starts of dockerd or with effect from the next one on."""

    id: str
    #: What SECURITY.md says of it.
    name: str
    script: str
    #: The methods that it concerns, with the engine on which each runs without --soak; None: with --soak only.
    engines: t.Mapping[str, str | None]
    expected: str = "Nobody without a certificate of the fleet gets an answer; dockerd and its containers run"
    firewall: str = "auto"
    #: What comes first without --soak, the next run or the next start; with --soak it is each of them.
    first: tuple[str, ...] = ("run",)
    #: Whether the journal has to say why the port is closed. What clears the lines that would say so silences them.
    is_told: bool = True
    #: dockerd itself may refuse to start, as SECURITY.md says.
    may_stay_down: bool = False


def _any_method(**engines: str) -> dict[str, str | None]:
    return {method: engines.get(method) for method in METHODS}


#: What would open the API to clients without a certificate of the fleet.
OPENING = (
    Sabotage(
        "daemon-json-rewritten",
        "`ExecStartPre=` in a drop-in after the guard's removes the TLS keys from daemon.json",
        _drop_in("60-site.conf", f"ExecStartPre={DROP_TLS}"),
        _any_method(),
    ),
    Sabotage(
        "daemon-json-rewritten-last",
        "`ExecStartPre=` in a drop-in that sorts after all of ours removes the TLS keys from daemon.json",
        _drop_in("zzz-site.conf", f"ExecStartPre={DROP_TLS}"),
        _any_method(daemon_json="sid"),
    ),
    Sabotage(
        "no-exec-start-pre",
        "A drop-in clears `ExecStartPre=`, the guard with it, and daemon.json loses its TLS keys",
        _drop_in("zzz-site.conf", "ExecStartPre=", f"ExecStartPre={DROP_TLS}"),
        _any_method(socket="trixie"),
    ),
    Sabotage(
        "no-exec-start-post",
        "A drop-in clears `ExecStartPost=`, and daemon.json loses its TLS keys",
        _drop_in("zzz-site.conf", "ExecStartPost=", f"ExecStartPre={DROP_TLS}"),
        _any_method(),
        is_told=False,
    ),
    Sabotage(
        "no-exec-lines",
        "A drop-in clears `ExecStartPre=`, `ExecStartPost=`, `ExecStop=` and `ExecStopPost=`, and daemon.json loses "
        "its TLS keys",
        _drop_in(
            "zzz-site.conf",
            *("ExecStartPre=", "ExecStartPost=", "ExecStop=", "ExecStopPost=", f"ExecStartPre={DROP_TLS}"),
        ),
        _any_method(socket="bookworm"),
        is_told=False,
    ),
    Sabotage(
        "wrapper",
        "ExecStart starts a program named dockerd that drops the TLS flags and reads another configuration file",
        _exec_start(f"{SITE}/dockerd"),
        _any_method(override="bookworm"),
    ),
    Sabotage(
        "wrapper-at",
        "ExecStart starts such a program under another name, with `dockerd` as `argv[0]` (`@`)",
        _exec_start(f"@{SITE}/start /usr/sbin/dockerd"),
        _any_method(socket="sid"),
    ),
    Sabotage(
        "flag-after-ours",
        "ExecStart has `--tlsverify=false` after our flags",
        _exec_start("", " --tlsverify=false"),
        {"override": "bookworm", "options_file": None},
        "Nobody without a certificate of the fleet gets an answer; dockerd may refuse to start with this flag",
        may_stay_down=True,
    ),
    Sabotage(
        "foreign-ca-in-daemon-json",
        "`tlscacert` in daemon.json names another CA",
        f'sed -i -E \'s,("tlscacert": *)"[^"]*",\\1"{FOREIGN}",\' /etc/docker/daemon.json\n',
        {"socket": "trixie", "daemon_json": None},
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
    Sabotage(
        "foreign-ca-in-ca-pem",
        "Another CA is written over `ca.pem`",
        f"cat {FOREIGN} > /etc/docker/gangway/ca.pem\n",
        _any_method(socket="bookworm", override="sid"),
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
    Sabotage(
        "foreign-ca-added",
        "Another CA is added to `ca.pem`",
        f"cat {FOREIGN} >> /etc/docker/gangway/ca.pem\n",
        _any_method(),
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
    Sabotage(
        "foreign-ca-after-the-guard",
        "`ExecStartPre=` in a drop-in after the guard's writes another CA over `ca.pem`",
        _drop_in("zzz-site.conf", f"ExecStartPre=/bin/cp {FOREIGN} /etc/docker/gangway/ca.pem"),
        _any_method(socket="trixie"),
        "Clients of the other CA get no answer; dockerd and its containers run",
    ),
)

_ALLOW_ALL = "'[Socket]\\nIPAddressAllow=any\\n'"
_SOCKET_DROP_INS = "/etc/systemd/system/docker-gangway.socket.d"
_NFT_LIST = "nft --handle list chain inet gangway_docker listed"
_SHUT_OUT = "Nobody outside the access list gets through after the next run, or after the next start of dockerd"

#: What would open the port to hosts that are not in the access list. Certificates are asked for as before.
WIDENING = (
    Sabotage(
        "set-property",
        "`systemctl set-property docker-gangway.socket IPAddressAllow=any`",
        "systemctl set-property docker-gangway.socket IPAddressAllow=any\n",
        {"socket": "trixie"},
        _SHUT_OUT,
    ),
    Sabotage(
        "set-property-runtime",
        "`systemctl set-property --runtime docker-gangway.socket IPAddressAllow=any`",
        "systemctl set-property --runtime docker-gangway.socket IPAddressAllow=any\n",
        {"socket": None},
        _SHUT_OUT,
    ),
    Sabotage(
        "socket-drop-in",
        "A drop-in of docker-gangway.socket has `IPAddressAllow=any`",
        f"mkdir -p {_SOCKET_DROP_INS}; printf {_ALLOW_ALL} > {_SOCKET_DROP_INS}/site.conf; systemctl daemon-reload\n",
        {"socket": "bookworm"},
        _SHUT_OUT,
    ),
    Sabotage(
        "slice",
        "A drop-in moves docker-gangway.socket to a slice with `IPAddressAllow=any`",
        "printf '[Slice]\\nIPAddressAllow=any\\n' > /etc/systemd/system/site.slice; "
        f"mkdir -p {_SOCKET_DROP_INS}; printf '[Socket]\\nSlice=site.slice\\n' > {_SOCKET_DROP_INS}/site.conf; "
        "systemctl daemon-reload\n",
        {"socket": "sid"},
        _SHUT_OUT,
        first=("start",),
    ),
    Sabotage(
        "system-slice",
        "`systemctl set-property system.slice IPAddressAllow=any`",
        "systemctl set-property system.slice IPAddressAllow=any\n",
        {"socket": None},
        _SHUT_OUT,
        first=("start",),
    ),
    Sabotage(
        "nft-dormant",
        "The nftables table is made dormant",
        "nft add table inet gangway_docker '{ flags dormant; }'\n",
        {"socket": None, "override": "trixie", "options_file": None, "daemon_json": None},
        _SHUT_OUT,
        firewall="nftables",
    ),
    Sabotage(
        "nft-hook",
        "The chain of the nftables table is moved to another hook, its rules unchanged",
        # In one transaction: the unit that watches over the table must not see it go.
        "{ echo 'delete table inet gangway_docker'; nft list table inet gangway_docker; } | "
        "sed 's/hook input/hook forward/' > /tmp/table; nft -f /tmp/table\n",
        {"socket": None, "override": None, "options_file": None, "daemon_json": None},
        _SHUT_OUT,
        firewall="nftables",
    ),
    Sabotage(
        "nft-rule",
        "A rule of the nftables table is replaced by one that accepts everyone, under the same comment",
        f"handle=$({_NFT_LIST} | sed -n 's/.*\"from IPv4 clients\".* handle //p'); "
        "nft replace rule inet gangway_docker listed handle $handle accept comment '\"from IPv4 clients\"'\n",
        {"socket": None, "override": None, "options_file": None, "daemon_json": None},
        _SHUT_OUT,
        firewall="nftables",
    ),
)
