# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a lab host, with the collection's own code: every step of a plan fails once, and is the last one once.

It observes, plans and executes in one process; the run that meets the fault has a process of its own. After a kill
nobody runs anything: the recovery that the run had armed has to bring the host back. One line of JSON is printed for
the plan, and one for each fault.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import ssl
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from injection import ARM, BEFORE, COMMIT, DISARM, PREPARE, ROLLBACK, Fault, Outcome, run_with_fault

from ansible_collections.gangway.docker.plugins.module_utils._guard.port import ask_plain, ask_tls
from ansible_collections.gangway.docker.plugins.module_utils._host.engine import read_engine, running_containers
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host
from ansible_collections.gangway.docker.plugins.module_utils._observe.observe import observe
from ansible_collections.gangway.docker.plugins.module_utils._run.run import carry_out
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Discard,
    MakeFolder,
    Prove,
    Remove,
    Step,
    Write,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.decision import decide, plan_for
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import ServerFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.shared_files import read_originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import understand
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import parse_listen
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.task import Task
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.withdrawal import plan_withdrawal

PKI = Path("/run/faults")
PORT = 2376
#: Seconds in which a host comes back on its own.
LIMIT = 60.0
_KEY = "key"
_OPPOSITE = {"present": "absent", "absent": "present"}


@dataclasses.dataclass(frozen=True)
class Identity:
    """A self-signed certificate, its own authority."""

    certificate: str
    key: str

    @classmethod
    def make(cls, address: str) -> Identity:
        """Make one with the openssl command."""
        PKI.mkdir(exist_ok=True)
        subject = ["-subj", "/CN=faults", "-addext", f"subjectAltName=IP:{address}"]
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
        subprocess.run([*made, "-keyout", f"{PKI}/key.pem", "-out", f"{PKI}/cert.pem"], check=True, capture_output=True)
        return cls((PKI / "cert.pem").read_text(), (PKI / "key.pem").read_text())


@dataclasses.dataclass(frozen=True)
class Listener:
    """What the host is exposed with."""

    method: str
    address: str
    identity: Identity

    def plan(self, state: str) -> Plan:
        """Observe the host and plan, as the action plugin does."""
        task = Task(listen=(parse_listen(f"{self.address}:{PORT}"),), allow=("10.99.0.0/16",), method=self.method)
        params = {"ports": [PORT], "firewall": task.firewall, "filtering": task.may_need_filtering}
        raw = observe(_command, params if state == "present" else {})
        observation = parse_observation(json.loads(json.dumps(raw)))
        if state == "absent":
            observed = understand(observation)
            return plan_withdrawal(observed, read_originals(observed))
        there = observation.files.get(layout.KEY)
        is_new = there is None or there.sha256 != hashlib.sha256(self.identity.key.encode()).hexdigest()
        certificate = self.identity.certificate.encode()
        files = ServerFiles(certificate, certificate, _KEY if is_new else None, key_is_new=is_new)
        return plan_for(task, decide(task, observation), files)

    def order(self, plan: Plan) -> str:
        return plan.order({_KEY: self.identity.key})

    def run(self, state: str) -> None:
        result = carry_out(Host(_command), self.order(self.plan(state)))
        if result["stale"]:
            raise SystemExit(f"the host changed under the plan: {result['stale']}")


def many_runs(method: str, address: str) -> None:
    """Twenty runs, each of which has to restart dockerd, since its certificate is another one."""
    started = time.monotonic()
    identities = [Identity.make(address), Identity.make(address)]
    for number in range(20):
        Listener(method, address, identities[number % 2]).run("present")
    print(json.dumps({"runs": 20, "seconds": time.monotonic() - started}))


def every_fault(method: str, address: str, state: str, extent: str) -> None:
    """Print what becomes of the host at each fault. C(extent): all, or representatives of steps that are alike."""
    _start_faster()
    Table(Listener(method, address, Identity.make(address)), state).fill(everything=extent == "all")


class Table:
    """Every step of one plan, with every fault."""

    def __init__(self, listener: Listener, state: str) -> None:
        self._listener = listener
        self._state = state
        if state == "absent":
            listener.run("present")
        self._image = functools.partial(_image, listener)
        self._before = self._image()
        self._plan = listener.plan(state)
        self._asked: dict[str, t.Any] = {}

    def fill(self, *, everything: bool) -> None:
        whole = self._attempt(None)
        if whole.end != "done":
            raise SystemExit(f"a run without a fault ended with {whole.end}")
        self._asked = self._image()
        self._go_back()
        steps = self._plan.steps
        print(json.dumps({"plan": [_describe(step) for step in steps]}), flush=True)
        names = [ARM, PREPARE, *range(len(steps)), COMMIT, DISARM]
        if any(isinstance(step, Discard) for step in steps):
            names.remove(COMMIT)
        seen: dict[object, int] = {}
        for name in names:
            kind = _kind(steps[name]) if isinstance(name, int) else name
            if kind in seen and not everything:
                print(json.dumps({"step": name, "like": seen[kind]}), flush=True)
                continue
            if isinstance(name, int):
                seen[kind] = name
            for effect, number in _numbered(whole.effects.get(name, [BEFORE])):
                for mode in ("kill", "fail"):
                    self._meet(Fault(name, effect, mode, number))
        self._kill_rollbacks(everything=everything)
        self._listener.run("absent")
        if os.path.lexists(layout.RECOVERY):
            raise SystemExit(f"{layout.RECOVERY} is still there")

    def _kill_rollbacks(self, *, everything: bool) -> None:
        """Kill the run while it rolls back because its last step but few failed."""
        proofs = [index for index, step in enumerate(self._plan.steps) if isinstance(step, Prove)]
        last = proofs[-1] if proofs else max(i for i, s in enumerate(self._plan.steps) if not isinstance(s, Discard))
        effects = self._meet(Fault(ROLLBACK, "", "fail", fails_at=last)).effects.get(ROLLBACK, [])
        seen: set[tuple[str, str]] = set()
        for effect, number in _numbered(effects):
            verb, _space, path = effect.partition(" ")
            kind = (verb, os.path.dirname(path) or path)
            if everything or kind not in seen:
                self._meet(Fault(ROLLBACK, effect, "kill", number, fails_at=last))
            seen.add(kind)

    def _attempt(self, fault: Fault | None) -> Outcome:
        plan = self._listener.plan(self._state)
        if plan.steps != self._plan.steps:
            raise SystemExit("the same host and the same task gave another plan")
        return run_with_fault(self._listener.order(plan), plan.steps, _command, fault)

    def _meet(self, fault: Fault) -> Outcome:
        containers = running_containers()
        outcome = self._attempt(fault)
        took, safe = _wait(self._listener.address) if fault.mode == "kill" else (0.0, True)
        told = {**dataclasses.asdict(fault), "what": outcome.met, "end": outcome.end, "seconds": took}
        told["up"] = _is_up()
        told["lived"] = bool(containers) and running_containers() == containers
        image = self._image()
        told["safe"] = safe and image["port"] != "open"
        told["report"] = _report()
        told["ended"], told["but"] = min(
            (("as before", _differing(self._before, image)), ("as asked", _differing(self._asked, image))),
            key=lambda end: len(end[1]),
        )
        print(json.dumps(told), flush=True)
        if image != self._before:
            self._go_back()
        return outcome

    def _go_back(self) -> None:
        if os.path.lexists(layout.JOURNAL):
            carry_out(Host(_command), json.dumps({"recover": True}))
        if self._state == "absent" and self._image() not in (self._before, self._asked):
            # It takes away what is left.
            self._listener.run("absent")
            for path in filter(os.path.isdir, _differing(self._asked, self._image())):
                os.rmdir(path)
        if self._image() != self._before:
            self._listener.run(_OPPOSITE[self._state])
        image = self._image()
        if image != self._before:
            raise SystemExit(f"not as before after a whole run: {_differing(self._before, image)}")


def _numbered(effects: t.Sequence[str]) -> list[tuple[str, int]]:
    """Return each effect with how often it came until then."""
    return [(effect, effects[: index + 1].count(effect)) for index, effect in enumerate(effects)]


def _describe(step: Step) -> str:
    words = [value for value in vars(step).values() if isinstance(value, str)]
    return " ".join([type(step).__name__, *words[:1]])[:100]


def _kind(step: Step) -> object:
    """Steps of one kind differ in the name of a file only: in the guard, or in the bundle."""
    if isinstance(step, (Write, Remove, MakeFolder)):
        for folder in (layout.GUARD, layout.BUNDLE):
            if step.path.startswith(folder):
                return type(step), folder
    return step


def _wait(address: str) -> tuple[float, bool]:
    """Wait for the recovery; return how long it took, and whether the port was safe all the time."""
    started, safe = time.monotonic(), True
    while time.monotonic() - started < LIMIT:
        if not os.path.lexists(layout.JOURNAL) and not _is_armed():
            return time.monotonic() - started, safe
        safe = safe and _port(address) != "open"
        time.sleep(0.02)
    return LIMIT, safe


def _is_armed() -> bool:
    """A folder without a process is all that is left of a run that was killed before it had armed."""
    words = ["systemctl", "is-active", layout.RECOVERY_SERVICE]
    return _command(words)[1].strip() in ("active", "activating", "deactivating")


def _start_faster() -> None:
    """Have dockerd leave iptables alone: that takes most of its start, and it starts some hundred times here."""
    Path("/etc/docker").mkdir(exist_ok=True)
    Path(layout.DAEMON_JSON).write_text('{"iptables": false, "ip6tables": false}\n')
    _command(["systemctl", "restart", "docker.service"])
    deadline = time.monotonic() + 20
    while not running_containers() and time.monotonic() < deadline:
        time.sleep(0.1)


def _command(words: t.Sequence[str], **_options: t.Any) -> tuple[int, str, str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


def _port(address: str) -> str:
    """Return what the port is to a client without a certificate: closed, open, or the certificate that it shows."""
    try:
        if ask_plain(address, PORT):
            return "open"
        shown, answer = ask_tls(address, PORT)
    except ssl.SSLError:
        return "no TLS"
    except OSError:
        return "closed"
    return "open" if answer else hashlib.sha256(shown or b"").hexdigest()


def _is_up() -> bool:
    """Whether dockerd answers: with socket activation, by being asked."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if read_engine() is not None:
            return True
        time.sleep(0.1)
    return False


def _report() -> t.Any:
    return json.loads(Host.read(layout.RECOVERED) or b"null")


def _image(listener: Listener) -> dict[str, t.Any]:
    """All that a run could change: files' types, modes, owners and contents; the port, the rules, live-restore."""
    image: dict[str, t.Any] = {}
    for root in ("/etc/docker", "/etc/systemd/system", "/etc/default", "/etc/conf.d", "/etc/sysconfig", layout.STATE):
        for path in [Path(root), *sorted(Path(root).rglob("*"))] if os.path.isdir(root) else []:
            status = path.lstat()
            content: object = None
            if stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            image[str(path)] = (status.st_mode, status.st_uid, status.st_gid, content)
    engine, is_exposed = read_engine(), layout.SOCKET_UNIT in image
    image["port"] = _port(listener.address)
    image["live-restore"] = engine is not None and engine.live_restore
    image["rules"] = _command(["nft", "list", "table", "inet", "gangway_docker"])[1]
    units = _command(["systemctl", "list-units", "--plain", "--no-legend", "docker-gangway*.*"])[1].splitlines()
    for name, _loaded, active, *_words in map(str.split, units):
        # The one starts with the first client that comes while dockerd is down, the other ends on its own.
        if name != layout.RECOVERY_SERVICE and not (name == layout.GANGWAY_SERVICE and is_exposed):
            image[name] = active
    image[layout.LISTENER_FLAGS_IN_FORCE] = Host.read(layout.LISTENER_FLAGS_IN_FORCE)
    return image


def _differing(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> list[str]:
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


if __name__ == "__main__":
    {"faults": every_fault, "runs": many_runs}[sys.argv[1]](*sys.argv[2:])
