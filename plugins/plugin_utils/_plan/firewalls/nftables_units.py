# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units that load our nftables table: at boot, and again when something else changes it; and the script they run.

Each load leaves the gate narrow. So what loads the table also has the guard put the gate's last state in force again.
"""

from __future__ import annotations

__all__ = ("RUN_FILES", "render_script", "render_unit", "render_watch_unit", "restore_gate")

from ansible_collections.gangway.docker.plugins.module_utils._guard.nftables_gate import CHAIN, TABLE
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .nftables_rules import HEADER

#: Exists if the watching unit has loaded the rules and the guard has not restored the gate since.
_LOADED = f"{layout.FIREWALL_LISTING}.loaded"
#: The access list once more, in a table that belongs to a process of the watching unit: C(flush ruleset) spares tables
#: that have an owner (Linux 5.12, nft 0.9.9), and the kernel removes it with the process.
_KEPT_TABLE = f"{TABLE}_kept"
_KEPT_RULES = f"{layout.FIREWALL_LISTING}.nft"
#: What the script leaves below /run.
RUN_FILES = (layout.FIREWALL_LISTING, _LOADED, _KEPT_RULES)
_SCRIPT = f"/bin/sh {layout.FIREWALL_SCRIPT}"


def restore_gate(python: str) -> str:
    """Return the shell command that has the guard restore the gate's state; if it can't, the gate stays narrow."""
    # Before the first exposure the guard is not there yet.
    return (
        f"[ ! -e {layout.GUARD}/nftables_gate.py ] || "
        f"{{ cd {layout.STATE} && {python} -B -m guard gate restore </dev/null; }} || true"
    )


def render_script(nft: str, python: str) -> str:
    """Return the script; C(load) loads the rules, C(watch) loads them again when another program changes the table.

    A drop-in of nftables.service would see its reload, and not C(nft -f /etc/nftables.conf) by hand. C(nft): path of
    nft(8).
    """
    gate = f"/chain {CHAIN} {{/,/}}/"
    return f"""\
{HEADER}# load: load the access list. watch: load it again when another program flushes or changes it.

# It holds what nft lists after a load, the gate aside, and is the lock of whoever loads or compares. Whoever can read a
# file can lock it.
umask 077
exec 9>>{layout.FIREWALL_LISTING}

list() {{
    {nft} -s list table {TABLE} 2>/dev/null
}}

load() {{
    flock 9
    {nft} -f {layout.FIREWALL_RULES} && list | sed "{gate}d" >{layout.FIREWALL_LISTING}
    code=$?
    flock -u 9
    return $code
}}

# The rules come with a narrow gate.
restore_gate() {{
    {restore_gate(python)}
}}

# Another program may have changed a rule, replaced the whole table, or emptied the gate.
is_intact() {{
    flock 9
    listed=$(list)
    loaded=$(cat {layout.FIREWALL_LISTING})
    flock -u 9
    [ "$(printf "%s\\n" "$listed" | sed "{gate}d")" = "$loaded" ] &&
        printf "%s\\n" "$listed" | sed -n "{gate}p" | grep -qE "accept|drop"
}}

# If the rules can't be loaded, systemd starts this again, and again.
load_again() {{
    load || kill $$
    : >{_LOADED}
    request restore
}}

# Our own loads delete the table, too, and a table that is flushed by its name stays. If it is gone, each millisecond
# counts.
settle() {{
    case $seen in
    gone) load_again ;;
    changed) is_intact || load_again ;;
    *) return ;;
    esac
    seen=
    rules=$(cat {layout.FIREWALL_RULES})
    [ "$rules" = "$kept" ] || request keep
    kept=$rules
}}

watch() {{
    seen=changed
    settle
    while read -r event; do
        case $event in
        "delete table {TABLE}") seen=gone ;;
        *"{TABLE}"*) seen=changed ;;
        # The end of a transaction.
        "# new generation"*) settle ;;
        # nft has lost events.
        "# ERROR"*) seen=changed; settle ;;
        esac
    done
}}

# What takes longer than a flush may wait.
request() {{
    echo "$1" || kill $$
}}

serve() {{
    while read -r requested; do
        case $requested in
        restore)
            [ -e {_LOADED} ] || continue
            rm -f {_LOADED}
            restore_gate >&2
            ;;
        # Without the gate, which others have to change, and with an owner.
        keep)
            {{
                echo "table {_KEPT_TABLE} {{ flags owner; }}"
                echo "delete table {_KEPT_TABLE}"
                sed -e "/^delete/d" -e "/{{}}/d" -e "{gate}d" -e 's/jump {CHAIN}/iif "lo" accept/' \\
                    -e "s/^table .*/table {_KEPT_TABLE} {{ flags owner/" {layout.FIREWALL_RULES}
            }} >{_KEPT_RULES}.new
            # nft may still be reading the last one.
            mv {_KEPT_RULES}.new {_KEPT_RULES}
            echo 'include "{_KEPT_RULES}"'
            ;;
        esac
    done
}}

case $1 in
load) load && restore_gate ;;
watch)
    # What happened before nft listened is looked at, too. The last nft owns the table; it keeps no history. Without it
    # the rules are only loaded again.
    {{ {{ sleep 1; echo "# ERROR"; }} & exec {nft} monitor; }} | watch | serve |
        {{ HOME=/dev/null {nft} -i >/dev/null || exec cat >/dev/null; }}
    ;;
esac
"""


def render_unit() -> str:
    """Return the unit that loads the rules at boot, before anything of Docker can listen.

    It has no ExecStop: dockerd keeps a port that it was handed, so the rules must stay until withdrawing has closed it.
    """
    return (
        f"{HEADER}"
        "[Unit]\n"
        "Description=Access list of Docker's TCP port\n"
        "# Sockets open before basic.target, which services wait for by default.\n"
        "DefaultDependencies=no\n"
        f"RequiresMountsFor={layout.STATE}\n"
        "# Debian's nftables.conf begins with `flush ruleset`.\n"
        "After=nftables.service\n"
        f"Before={layout.GANGWAY_SOCKET} {layout.DOCKER_SOCKET} {layout.DOCKER_SERVICE} shutdown.target\n"
        "Conflicts=shutdown.target\n"
        f"Wants={layout.FIREWALL_WATCH_SERVICE}\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"ExecStart={_SCRIPT} load\n"
        f"ExecReload={_SCRIPT} load\n"
    )


def render_watch_unit() -> str:
    """Return the unit that watches over the rules."""
    return (
        f"{HEADER}"
        "[Unit]\n"
        "Description=Reload the access list of Docker's TCP port when it is flushed or changed\n"
        f"BindsTo={layout.FIREWALL_SERVICE}\n"
        f"After={layout.FIREWALL_SERVICE}\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "[Service]\n"
        f"ExecStart={_SCRIPT} watch\n"
        "Restart=always\n"
        "RestartSec=1\n"
    )
