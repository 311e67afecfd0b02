# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is a folder: the modules' own code observes it and runs on it; systemd and dockerd are played."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import engine, keys
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Attributes, Host
from ansible_collections.gangway.docker.plugins.module_utils._observe import observe as observe_module
from ansible_collections.gangway.docker.plugins.module_utils._run import proof
from ansible_collections.gangway.docker.plugins.module_utils._run import run as run_module
from ansible_collections.gangway.docker.plugins.module_utils._run.transaction import Transaction
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..module_utils._run.conftest import World

INFO = "gangway.docker.dockerd_info"
LISTENER = "gangway.docker.dockerd_listener"
DROP_IN_FOLDER = "/etc/systemd/system/docker.service.d"
_UNIT = "/lib/systemd/system/docker.service"
_FILES = {
    _UNIT: "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n",
    "/lib/systemd/system/docker.socket": "[Socket]\nListenStream=/run/docker.sock\n",
    layout.DAEMON_JSON: '{"mtu": 1400}\n',
    "/run/systemd/system/x": "",
    "/var/lib/theirs": "",
    "/etc/systemd/system/theirs.service": "",
}
#: Words of an order that are no paths, though they may look like one.
_NO_PATHS = ("content", "secrets")


class FolderHost(World):
    """Debian's docker.io with systemd; dockerd runs. C(executed): the modules, with their arguments."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.executed: list[tuple[str, dict[str, t.Any]]] = []
        #: Called before each execution.
        self.before: t.Callable[[str], None] = lambda _module: None
        #: What a host that lies makes of its answer.
        self.lie: t.Callable[[dict[str, t.Any]], t.Any] = lambda answer: answer
        self.interfaces: dict[str, list[str]] = {"eth0": ["10.0.0.5", "10.0.0.6"]}
        self.names: dict[str, list[str]] = {}
        #: The networks that our socket unit lets through.
        self.allowed = ""
        #: What strangers get, by default nothing.
        self.answers: list[dict[str, t.Any]] = []
        for path, text in _FILES.items():
            self.write(path, text)
        for program in ("dockerd", "nft"):
            self.write(f"/usr/sbin/{program}")
            self.real(f"/usr/sbin/{program}").chmod(0o755)
        self._describe_process()

    def real(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str = "") -> None:
        self.real(path).parent.mkdir(parents=True, exist_ok=True)
        self.real(path).write_text(text)

    def text(self, path: str) -> str:
        return self.real(path).read_text()

    def daemon_json(self) -> dict[str, t.Any]:
        path = self.real("/etc/docker/daemon.json")
        settings: dict[str, t.Any] = json.loads(path.read_text() or "{}") if path.exists() else {}
        return settings

    @property
    def modules(self) -> list[str]:
        return [{INFO: "observe", LISTENER: "run"}.get(module, module) for module, _arguments in self.executed]

    @property
    def key_requests(self) -> list[dict[str, t.Any]]:
        return [arguments["key"] for module, arguments in self.executed if "key" in arguments]

    @property
    def orders(self) -> list[dict[str, t.Any]]:
        return [json.loads(arguments["carry_out"]) for module, arguments in self.executed if module == LISTENER]

    @property
    def pending_keys(self) -> list[str]:
        return [path.stem for path in self.real(layout.PENDING_KEYS).glob("*")]

    def execute(self, module: str, arguments: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
        """Execute a module as Ansible does: arguments and answer are JSON."""
        arguments = json.loads(json.dumps(arguments))
        self.executed.append((module, arguments))
        self.before(module)
        if module == "ansible.builtin.stat":
            return {"stat": {"exists": self.real(arguments["path"]).exists()}}
        try:
            answer = self._observe(arguments, check_mode) if module == INFO else self._carry_out(arguments["carry_out"])
        except Failure as exc:
            answer = {"failed": True, **exc.as_result()}
        answer = json.loads(json.dumps(answer).replace(str(self.root), ""))
        return t.cast("dict[str, t.Any]", self.lie(answer))

    def interrupt(self, path: str, content: str) -> None:
        """Leave what a run that was killed leaves: this change, and its journal."""
        with self._played(), self._as_host():
            transaction = Transaction(Host(self.run), pid=self.pid)
            transaction.write(f"{self.root}{path}", content.encode(), Attributes(0o644))

    def _observe(self, params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
        with self._played():
            observation = observe_module.observe(self.run, params, check_mode=check_mode, root=str(self.root))
        # Whoever runs the tests, on the host it is root's.
        for entry in observation["files"].values():
            entry["uid"] = entry["gid"] = 0
        observation["folders"] = {path: entry and [entry[0], 0, 0] for path, entry in observation["folders"].items()}
        return {"changed": False, "observation": observation}

    def _carry_out(self, order: str) -> dict[str, t.Any]:
        with self._played(), self._as_host():
            result = run_module.carry_out(Host(self.run), json.dumps(self._below(json.loads(order))))
        params = json.loads(order).get("observe")
        return result if params is None else {**result, **self._observe(params, False), "changed": result["changed"]}

    def _below(self, value: t.Any) -> t.Any:
        """Move the paths in an order below the folder."""
        if isinstance(value, dict):
            return {self._below(key): part if key in _NO_PATHS else self._below(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._below(part) for part in value]
        return f"{self.root}{value}" if isinstance(value, str) and value.startswith("/") else value

    @contextlib.contextmanager
    def _played(self) -> t.Iterator[None]:
        """Have the kernel, dockerd and clients played."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "geteuid", lambda: 0)
            patch.setattr(engine, "_get", self.ask)
            patch.setattr(layout, "PENDING_KEYS", f"{self.root}/run/gangway-docker")
            patch.setattr(observe_module, "interface_names", lambda: dict(enumerate(self.interfaces)))
            patch.setattr(observe_module, "addresses", lambda _names: self._addresses())
            patch.setattr(observe_module, "resolve", lambda name: {"addresses": self.names[name]})
            patch.setattr(
                observe_module, "ansible_connection", lambda _files: {"client": "10.0.0.1", "server": "10.0.0.5"}
            )
            patch.setattr(observe_module, "answers", lambda *_words: self.answers)
            make_csr = keys.make_csr
            patch.setattr(
                keys,
                "make_csr",
                lambda run, openssl, path, names=(): make_csr(
                    run, openssl, path if path.startswith(str(self.root)) else f"{self.root}{path}", names
                ),
            )
            yield

    @contextlib.contextmanager
    def _as_host(self) -> t.Iterator[None]:
        """Have the run see the folder as the root of the file system."""
        is_folder = os.path.isdir
        with pytest.MonkeyPatch.context() as patch:
            for name in layout.__all__:
                path = getattr(layout, name)
                if isinstance(path, str) and path.startswith("/") and not path.startswith(str(self.root)):
                    patch.setattr(layout, name, f"{self.root}{path}")
            patch.setattr(layout, "FOLDERS", {layout.STATE: 0o700, layout.GUARD: 0o700, layout.BUNDLE: 0o700})
            patch.setattr(os, "fchown", lambda _descriptor, _uid, _gid: None)
            patch.setattr(os, "chown", lambda _path, _uid, _gid: None)
            patch.setattr(os.path, "isdir", lambda path: path == "/run/systemd/system" or is_folder(path))
            patch.setattr(Host, "hang_up", staticmethod(lambda _pid: self.reload()))
            patch.setattr(proof, "ask_plain", lambda *_place: b"" if self._has_tls() else b"HTTP/1.1 200 OK")
            patch.setattr(proof, "ask_tls", lambda *_place: (self._certificate(), b""))
            yield

    def _has_tls(self) -> bool:
        flags = self.real(layout.LISTENER_FLAGS.replace(str(self.root), ""))
        by_flags = flags.exists() and "--tlsverify" in flags.read_text()
        return by_flags or self.daemon_json().get("tlsverify") is True

    def _certificate(self) -> bytes:
        pem = Path(layout.CERTIFICATE).read_text()
        end = "-----END CERTIFICATE-----"
        return ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)] + "\n")

    def _addresses(self) -> list[dict[str, t.Any]]:
        return [
            {"interface": name, "address": address, "usable": True}
            for name, addresses in self.interfaces.items()
            for address in addresses
        ]

    def start(self) -> None:
        was_down = self.pid == 0
        super().start()
        if was_down:
            self._describe_process()
            self._set_gate("narrow")

    def run(self, words: t.Sequence[str], **options: t.Any) -> tuple[int, str, str]:
        if words[-1].endswith("-m guard gate open"):
            self._set_gate("open")
        return super().run(words, **options)

    def _set_gate(self, state: str) -> None:
        path = self.real(layout.GATE.replace(str(self.root), ""))
        gate = json.loads(path.read_text()) if path.exists() else {"own": [], "allow": []}
        self.allowed = " ".join([*gate["own"], *(gate["allow"] if state == "open" else ())])

    def _describe_process(self) -> None:
        self.write(f"/proc/{self.pid}/cmdline", "/usr/sbin/dockerd\0-H\0fd://\0")

    def _systemctl(self, verb: str, words: t.Sequence[str]) -> tuple[int, str, str]:
        if verb != "show":
            return super()._systemctl(verb, words)
        if "--" in words:
            units = words[words.index("--") + 1 :]
            shown = ["".join(f"{k}={v}\n" for k, v in self._properties(unit).items()) for unit in units]
            return 0, "\n".join(shown), ""
        names = words[1].partition("=")[2].split(",")
        return 0, "".join(f"{name}={self._properties(words[0]).get(name, '')}\n" for name in names), ""

    def _properties(self, unit: str) -> dict[str, str]:
        active = self.pid != 0 if unit == layout.DOCKER_SERVICE else unit in self.active or unit.endswith(".slice")
        fragments = [f"{folder}/{unit}" for folder in ("/lib/systemd/system", "/etc/systemd/system")]
        fragment = next((path for path in fragments if self.real(path).exists()), "")
        properties = {
            "Id": unit,
            "LoadState": "loaded" if fragment or unit.endswith(".slice") else "not-found",
            "ActiveState": "active" if active else "inactive",
            "NeedDaemonReload": "no",
            "FragmentPath": fragment,
        }
        if unit == layout.DOCKER_SERVICE:
            drop_ins = sorted(self.real(DROP_IN_FOLDER).glob("*.conf"))
            lines = [line for path in drop_ins for line in path.read_text().splitlines()]
            before: list[str] = []
            for line in lines:
                name, _equals, value = line.partition("=")
                if name == "ExecStartPre":
                    before = [*before, value] if value else []
            properties.update(
                MainPID=str(self.pid),
                TriggeredBy=f"docker.socket{' docker-gangway.socket' if layout.GANGWAY_SOCKET in self.active else ''}",
                ExecStartPre=" ".join(before),
                DropInPaths=" ".join(f"{DROP_IN_FOLDER}/{path.name}" for path in drop_ins),
            )
        if unit == layout.GANGWAY_SOCKET:
            properties["IPAddressAllow"] = self.allowed
        if unit == layout.DOCKER_SOCKET:
            properties["Listen"] = "/run/docker.sock (Stream)"
        return properties
