# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a lab host, with the collection's own code: every step of a run fails once, and is the last one once.

A step is a file that is put in place or removed, or a command that changes something. C(fail) makes it return an error;
C(kill) ends the process before it, without a word, as a power cut or the OOM killer does. One line of JSON is printed
for each.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout, verify
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.engine import read_engine, running_containers
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.listener import run_listener
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.request import Identity, Request
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

PKI = Path("/run/faults")
#: Said of a run that reached its end all the same.
DONE = " (done without)"
#: Commands whose failure is no failure of the run; each has the next one behind it that shows whether all is well.
HARMLESS = ("systemctl reset-failed", "systemctl stop docker-gangway", "nft delete")
#: Steps that differ in the file or the unit only: those of the guard, the bundle, our own folder and the firewall.
ALIKE = (
    *HARMLESS,
    *(
        f"{verb} {place}"
        for verb in ("write", "remove")
        for place in (layout.GUARD, layout.BUNDLE, layout.STATE, layout.FIREWALL_UNIT.removesuffix(".service"))
    ),
)
#: What changes nothing is no step.
_LOOKS = ("show", "is-active", "--quiet", "list", "-j")


def many_runs(method: str, address: str) -> None:
    """Twenty runs, each of which has to restart dockerd, since its certificate is another one."""
    started = time.monotonic()
    identities = [_identity(address), _identity(address)]
    for number in range(20):
        _run(_request(method, address, "present", identities[number % 2]))
    print(json.dumps({"runs": 20, "seconds": time.monotonic() - started}))


def every_fault(method: str, address: str, state: str) -> None:
    _start_faster()
    port = parse_listen(f"{address}:2376")
    identity = _identity(address)
    opposite = "absent" if state == "present" else "present"

    def request(wanted: str) -> Request:
        return _request(method, address, wanted, identity)

    if state == "absent":
        _run(request("present"))
    before, containers = _image(), running_containers()
    for mode in ("kill", "fail"):
        step = 0
        while True:
            step += 1
            containers = running_containers()
            what = _with_a_fault(request(state), step, mode)
            if what is None:
                break
            told = {"step": step, "mode": mode, "what": what, "safe": _is_safe(port), "up": _is_up()}
            told["lived"] = running_containers() == containers
            # As the next run begins, whatever it is for.
            _run(request("present"), phase="plan")
            told["ended"] = "as before"
            if what.endswith(DONE):
                # A step that the run can do without.
                told["ended"] = "as asked"
                _run(request(opposite))
            if _image() != before:
                told["ended"] = f"with changes: {_differing(before)}"
            told["safe"] = told["safe"] and _is_safe(port)
            told["up"] = told["up"] and _is_up()
            told["lived"] = told["lived"] and running_containers() == containers
            print(json.dumps(told), flush=True)
        # This one had no fault left to meet.
        _run(request(opposite))
        if state == "present" and _image() != before:
            raise SystemExit(f"not as before after a whole run: {_differing(before)}")
        before, containers = _image(), running_containers()
    _run(request("absent"))


def _start_faster() -> None:
    """Have dockerd leave iptables alone: that takes most of its start, and it starts some hundred times here."""
    Path("/etc/docker").mkdir(exist_ok=True)
    Path(layout.DAEMON_JSON).write_text('{"iptables": false, "ip6tables": false}\n')
    _command(["systemctl", "restart", "docker.service"])
    deadline = time.monotonic() + 20
    while not running_containers() and time.monotonic() < deadline:
        time.sleep(0.1)


def _with_a_fault(request: Request, step: int, mode: str) -> str | None:
    """Run in a process of its own; return what the step was, or None where the run had fewer."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        faults = Faults(step, mode, writing)
        os.replace, os.unlink = faults.replacing(os.replace), faults.unlinking(os.unlink)
        try:
            run_listener(Host(faults.running), request)
            if faults.left <= 0:
                os.write(writing, DONE.encode())
        except Failure as exc:
            if exc.key in ("rollback_failed",):
                os.write(writing, f" ROLLBACK FAILED {exc}".encode())
        except BaseException as exc:  # nothing else than a Failure may come out
            os.write(writing, f" LEAKED {exc!r}".encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        return stream.read().decode() or None


class Faults:
    """Counts steps, and makes the one that is asked for go wrong."""

    def __init__(self, step: int, mode: str, tell: int) -> None:
        self.left = step
        self.seen: set[str] = set()
        self.mode = mode
        self.tell = tell

    def meets(self, what: str) -> bool:
        """Note a step; return whether it is to fail."""
        if self.is_like_another(what):
            return False
        self.left -= 1
        if self.left != 0:
            return False
        os.write(self.tell, what.encode())
        if self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def is_like_another(self, what: str) -> bool:
        """Of steps that differ in a name only, the first stands for all; some commands a run can do without."""
        kind = next((like for like in ALIKE if what.startswith(like) and not what.endswith(layout.JOURNAL)), what)
        if (kind != what and kind in self.seen) or (self.mode == "fail" and what.startswith(HARMLESS)):
            return True
        self.seen.add(kind)
        return False

    def replacing(self, replace: t.Callable[[str, str], None]) -> t.Callable[[str, str], None]:
        def replacing(source: str, target: str) -> None:
            if target != layout.JOURNAL and self.meets(f"write {target}"):
                raise OSError(errno.ENOSPC, "No space left on device", target)
            replace(source, target)

        return replacing

    def unlinking(self, unlink: t.Callable[..., None]) -> t.Callable[..., None]:
        def unlinking(path: str, **options: t.Any) -> None:
            is_ours = str(path).startswith(("/etc", "/var")) and not str(path).endswith(".gangway-new")
            if is_ours and os.path.exists(path) and self.meets(f"remove {path}"):
                raise OSError(errno.EROFS, "Read-only file system", path)
            unlink(path, **options)

        return unlinking

    def running(self, words: t.Sequence[str], **_options: t.Any) -> tuple[int, str, str]:
        if words[0] in ("systemctl", "nft") and words[1] not in _LOOKS and self.meets(" ".join(words)):
            return 1, "", "a fault"
        return _command(words)


def _command(words: t.Sequence[str], **_options: t.Any) -> tuple[int, str, str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def _run(request: Request, phase: str = "apply") -> None:
    run_listener(Host(_command), dataclasses.replace(request, phase=phase))


def _request(method: str, address: str, state: str, identity: Identity) -> Request:
    def nothing(*_words: object) -> t.Any:
        raise AssertionError("no key is made here")

    return Request(
        state=state,
        phase="apply",
        check_mode=False,
        listen=(f"{address}:2376",),
        allow=("10.99.0.0/16",),
        key_origin="controller",
        allow_downtime=False,
        method=method,
        firewall="auto",
        adopt=False,
        tls=True,
        insecure=False,
        live_restore=True,
        identity=identity,
        make_key=nothing,
        make_request=nothing,
        check_means=lambda: None,
    )


def _identity(address: str) -> Identity:
    """A certificate of its own authority, made with the openssl command."""
    PKI.mkdir(exist_ok=True)
    subject = ["-subj", "/CN=faults", "-addext", f"subjectAltName=IP:{address}"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*made, "-keyout", f"{PKI}/key.pem", "-out", f"{PKI}/cert.pem"], check=True, capture_output=True)
    certificate, key = (PKI / "cert.pem").read_text(), (PKI / "key.pem").read_text()
    digest = hashlib.sha256(key.encode()).hexdigest()
    return Identity(ca=certificate, certificate=certificate, key=key, key_sha256=digest)


def _is_safe(entry: t.Any) -> bool:
    """Whether nobody without a certificate gets an answer from the port."""
    try:
        verify.verify_strangers_refused([entry])
    except Failure:
        return False
    return True


def _is_up() -> bool:
    """Whether dockerd answers: with socket activation, by being asked."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if read_engine() is not None:
            return True
        time.sleep(0.1)
    return False


def _image() -> dict[str, tuple[t.Any, ...]]:
    """All of /etc that a run could change: types, modes, owners, contents."""
    image: dict[str, tuple[t.Any, ...]] = {}
    for root in ("/etc/docker", "/etc/systemd/system", "/etc/default", "/etc/conf.d", "/etc/sysconfig"):
        for path in sorted(Path(root).rglob("*")):
            status = path.lstat()
            content: object = None
            if stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            image[str(path)] = (status.st_mode, status.st_uid, status.st_gid, content)
    image[layout.STATE] = (os.path.isdir(layout.STATE),)
    return image


def _differing(before: t.Mapping[str, t.Any]) -> list[str]:
    after = _image()
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


if __name__ == "__main__":
    {"faults": every_fault, "runs": many_runs}[sys.argv[1]](*sys.argv[2:])
