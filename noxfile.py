# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ./dev can do. Everything runs with the tools of .venv; see dev for how that is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nox

ROOT = Path(__file__).parent
CACHE = ROOT / ".cache"
COLLECTIONS = CACHE / "collections"
IN_LAB = (sys.executable, "-m", "tests.lab", "run")
#: The parts of `test`; those in one tuple run one after another, the tuples side by side.
PARTS = (("lint", "sanity", "units", "molecule"), ("integration",))
FLAVOURS = ("bookworm", "trixie", "sid")
#: Hosts with another init than systemd.
OTHER_INITS = ("bookworm-sysvinit", "bookworm-openrc")
#: With firewalld and ufw.
FIREWALLS = "bookworm-firewall"

nox.options.default_venv_backend = "none"


@nox.session
def test(session: nox.Session) -> None:
    """All tests: lint, sanity, units, integration, molecule; the slow ones side by side."""
    started = time.monotonic()
    lanes: list[dict[str, tuple[str, ...]]] = [
        {part: (sys.executable, "-m", "nox", "--no-venv", "--session", part) for part in parts} for parts in PARTS
    ]
    side_by_side(session, *lanes)
    session.log(f"all parts took {time.monotonic() - started:.0f} s")


def side_by_side(session: nox.Session, *lanes: dict[str, tuple[str, ...]]) -> None:
    """Run lanes of named commands side by side; fail when one fails, but let all of them end."""
    running = [Lane(commands) for commands in lanes]
    while any(lane.running for lane in running):
        time.sleep(0.5)
        for lane in running:
            lane.poll(session)
    failed = [name for lane in running for name in lane.failed]
    if failed:
        session.error(f"failed: {', '.join(failed)}")


class Lane:
    """Runs commands one after another, and shows the output of each when it ends."""

    def __init__(self, commands: dict[str, tuple[str, ...]]) -> None:
        self.waiting = commands
        self.failed: list[str] = []
        self.name = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.started = self.told = 0.0

    @property
    def running(self) -> bool:
        return bool(self.process or self.waiting)

    @property
    def log(self) -> Path:
        return CACHE / f"{self.name}.log"

    def poll(self, session: nox.Session) -> None:
        now = time.monotonic()
        if self.process is None:
            self.start(session, now)
        elif self.process.poll() is not None:
            self.finish(session, now, self.process.returncode)
        elif now - self.told > 30:
            self.told = now
            session.log(f"{self.name} is running, {now - self.started:.0f} s so far")

    def start(self, session: nox.Session, now: float) -> None:
        if not self.waiting:
            return
        self.name = next(iter(self.waiting))
        command = self.waiting.pop(self.name)
        self.started = self.told = now
        session.log(f"{self.name} starts")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def finish(self, session: nox.Session, now: float, code: int) -> None:
        self.process = None
        print(self.log.read_text(errors="replace"), flush=True)
        session.log(f"{self.name} {'failed' if code else 'passed'} after {now - self.started:.0f} s")
        if code:
            self.failed.append(self.name)


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and lint: ruff, mypy, yamllint, ansible-lint, the generated parts of the README, the changelog."""
    session.run("ruff", "format", "--check", "--quiet", ".")
    session.run("ruff", "check", "--quiet", ".")
    package = "ansible_collections.gangway.docker.plugins"
    with session.chdir(COLLECTIONS):
        session.run("mypy", f"--config-file={ROOT / 'pyproject.toml'}", "-p", package)
    session.run("mypy", "tests/lab", "tests/bench", "tests/demo.py", "tests/readme.py", "noxfile.py")
    session.run("yamllint", "--strict", ".")
    session.run("ansible-lint", "--offline", "--profile=production", "--strict", env={"NO_COLOR": "1"})
    session.run("antsibull-changelog", "lint")
    session.run(sys.executable, "-m", "tests.readme", "--check")


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, with no ignore file, on a copy of the tree (it wants its path to name the collection)."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        if not (cache / f"get_pip_{version}.py").exists():
            shutil.copy(ROOT / "tests" / "sanity" / "get_pip.py", cache / f"get_pip_{version}.py")
    # Not below this checkout: there, git ignores the copy, and ansible-test would look at no file at all.
    with tempfile.TemporaryDirectory(prefix="gangway-sanity-") as folder:
        copy = copy_of_tree(session, Path(folder))
        for python in pythons(session):
            version = f"{python.version[0]}.{python.version[1]}"
            session.log(
                f"ansible-test sanity with {core_version(session, python)} on Python {version} (about a minute)"
            )
            with session.chdir(copy):
                output = session.run(
                    *(str(python.path.with_name("ansible-test")), "sanity", "--local", "--requirements", "--color=no"),
                    f"--python={version}",
                    env={"PATH": f"{python.path.parent}:{os.environ['PATH']}"},
                    external=True,
                    silent=True,
                    log=False,
                )
            ran = str(output).count("Running sanity test")
            session.log(f"{ran} sanity tests ran")
            if 'Running sanity test "validate-modules"' not in str(output):
                session.error(f"ansible-test found no module to look at:\n{output}")


@nox.session
def units(session: nox.Session) -> None:
    """Unit tests, with the network off."""
    for python in pythons(session):
        session.log(f"unit tests with {core_version(session, python)} on Python {'.'.join(map(str, python.version))}")
        # What a kill leaves behind is the file system's affair; it is shown with the first Python.
        slow = (
            []
            if python.path == Path(sys.executable)
            else ["--ignore=tests/unit/plugins/plugin_utils/_fleet/test_killed.py"]
        )
        session.run(
            *(str(python.path), "-m", "pytest", "tests/unit", "-q", "--disable-socket", "--allow-unix-socket"),
            *(*slow, *session.posargs),
            env={"PYTHONPATH": str(COLLECTIONS)},
            external=True,
        )


@nox.session
def integration(session: nox.Session) -> None:
    """Tests against lab hosts: real dockerd 20.10, 26.1 and 28.5 under real systemd, sysvinit and OpenRC."""
    # A test that hangs fails, and the others still run.
    pytest = (*IN_LAB, sys.executable, "-m", "pytest", "-q", "--timeout=600", *session.posargs)
    several = "tests/integration/fleet"
    by_flavour = {
        flavour: {
            f"image-{flavour}": (sys.executable, "-m", "tests.lab", "images", flavour),
            f"integration-{flavour}": (*pytest, "tests/integration", f"--ignore={several}", f"--flavour={flavour}"),
        }
        for flavour in (*FLAVOURS, FIREWALLS, *OTHER_INITS)
    }
    lanes = [by_flavour[flavour] for flavour in FLAVOURS]
    # The others have few tests, one after another. Their images are made while those of the first three are.
    last = by_flavour[FIREWALLS] | {"integration-fleet": (*pytest, several)}
    for flavour in OTHER_INITS:
        last |= by_flavour[flavour]
    side_by_side(session, *lanes, last)


@nox.session
def molecule(session: nox.Session) -> None:
    """The role's molecule scenarios."""
    session.run(sys.executable, "-m", "tests.lab", "images")
    session.run(*IN_LAB, "molecule", "test", "--all", env={"NO_COLOR": "1"})


@nox.session
def demo(session: nox.Session) -> None:
    """Expose a real dockerd on a container host and talk to it with the docker CLI over mutual TLS."""
    session.run(sys.executable, "-m", "tests.demo", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Print what runs cost, as ratios measured in one go; not a test."""
    session.run(sys.executable, "-m", "tests.bench", *session.posargs)


@nox.session(name="lab-down")
def lab_down(session: nox.Session) -> None:
    """Take away the lab's hosts, network, engine, namespace and cgroups; the images stay for the next time."""
    session.run(sys.executable, "-m", "tests.lab", "down")


class Python:
    """A Python with an ansible-core of its own."""

    def __init__(self, path: Path, version: tuple[int, int]) -> None:
        self.path = path
        self.version = version


def pythons(session: nox.Session) -> list[Python]:
    """Return .venv's Python and, where a newer one is found, one with the newest ansible-core of all."""
    own = Python(Path(sys.executable), sys.version_info[:2])
    newest = newest_python()
    if newest is None or newest.version <= own.version:
        session.log(f"no Python newer than {own.version[0]}.{own.version[1]} is here: nothing runs on a newer core")
        return [own]
    folder = ROOT / f".venv-{newest.version[0]}.{newest.version[1]}"
    if not (folder / "complete").exists():
        session.log(f"making {folder.name} with the newest ansible-core")
        session.run(str(newest.path), "-m", "venv", "--clear", str(folder), external=True)
        wanted = ["ansible-core", "cryptography", "pytest", "pytest-socket"]
        pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        session.run(*pip, *wanted, external=True)
        (folder / "complete").touch()
    return [own, Python(folder / "bin" / "python", newest.version)]


def newest_python() -> Python | None:
    """Look on the PATH, and where pyenv keeps its versions, for a Python that the newest ansible-core runs on."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders += pyenv.glob("versions/*/bin")
    for minor in (14, 13, 12):
        for folder in folders:
            path = folder / f"python3.{minor}"
            if path.is_file() and "shims" not in path.parts and works(path):
                return Python(path, (3, minor))
    return None


def works(path: Path) -> bool:
    return subprocess.run([path, "-c", "import ensurepip, ssl, venv"], capture_output=True, check=False).returncode == 0


def core_version(session: nox.Session, python: Python) -> str:
    code = "import ansible.release as r; print('ansible-core', r.__version__)"
    return str(session.run(str(python.path), "-c", code, external=True, silent=True, log=False)).strip()


def copy_of_tree(session: nox.Session, base: Path) -> Path:
    """Copy what git tracks, or would, to a path that names the collection."""
    shutil.rmtree(base, ignore_errors=True)
    target = base / "ansible_collections" / "gangway" / "docker"
    listed = str(
        session.run(
            "git", "ls-files", "--cached", "--others", "--exclude-standard", external=True, silent=True, log=False
        )
    )
    for name in listed.splitlines():
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    return target
