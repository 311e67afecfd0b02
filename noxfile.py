# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ./dev can do. Everything runs with the tools of .venv; see dev for how that is made."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))

from tests.lab.images import CLIENT, ENGINES, FIREWALLS, FLAVOURS, OTHER_ENGINES, OTHER_INITS
from tests.tooling.lanes import Lane, run_lanes
from tests.tooling.pythons import find_pythons
from tests.tooling.sanity import copy_of_tree, run_sanity
from tests.tooling.soak import summary

ROOT = Path(__file__).parent
CACHE = ROOT / ".cache"
COLLECTIONS = CACHE / "collections"
IN_LAB = (sys.executable, "-m", "tests.lab", "run")
#: The parts of `test`; those in one tuple run one after another, the tuples side by side.
PARTS = (("lint", "sanity", "units", "molecule"), ("integration",))
#: Several hosts at once, one of each engine.
FLEET = "tests/integration/fleet"
PLANNER = "tests/unit/plugins/plugin_utils/_plan"
GO_ON = "--go-on"
#: Flavours with few tests, and those that have them in the soak only.
OTHERS = (FIREWALLS, *OTHER_INITS, OTHER_ENGINES[-1])
SOAKED = (*OTHERS, *OTHER_ENGINES[:-1])

nox.options.default_venv_backend = "none"


@nox.session
def test(session: nox.Session) -> None:
    """All tests: lint, sanity, units, integration, molecule; the slow ones side by side."""
    started = time.monotonic()
    nested = (sys.executable, "-m", "nox", "--no-venv", "--session")
    side_by_side(session, *({part: (*nested, part) for part in parts} for parts in PARTS))
    session.log(f"all parts took {time.monotonic() - started:.0f} s")


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and lint: ruff, mypy, yamllint, ansible-lint, the generated parts of documentation, the changelog."""
    session.run("ruff", "format", "--check", "--quiet", ".")
    session.run("ruff", "check", "--quiet", ".")
    package = "ansible_collections.gangway.docker.plugins"
    with session.chdir(COLLECTIONS):
        session.run("mypy", f"--config-file={ROOT / 'pyproject.toml'}", "-p", package)
    session.run(
        *(
            "mypy",
            "tests/lab",
            "tests/bench",
            "tests/tooling",
            "tests/attack.py",
            "tests/generated.py",
            "tests/demo.py",
        ),
        *("tests/readme.py", "tests/read_paths.py", "tests/security.py", "tests/shown.py", "noxfile.py"),
    )
    session.run("yamllint", "--strict", ".")
    session.run("ansible-lint", "--offline", "--profile=production", "--strict", env={"NO_COLOR": "1"})
    session.run("antsibull-changelog", "lint")
    session.run(sys.executable, "-m", "tests.readme", "--check")
    session.run(sys.executable, "-m", "tests.read_paths", "--check")
    session.run(sys.executable, "-m", "tests.security", "--check")


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, with no ignore file, with .venv's ansible-core and the newest."""
    with copy_of_tree() as copy:
        for python in find_pythons(session.log):
            session.log(f"ansible-test sanity with {python} (about a minute)")
            if not run_sanity(python, copy, session.log):
                session.error(f"sanity failed with {python}")


@nox.session
def units(session: nox.Session) -> None:
    """Unit tests, with the network off, with .venv's ansible-core; all but the planner's with the newest, too."""
    pytest = ("-m", "pytest", "tests/unit", "-q", "--disable-socket", "--allow-unix-socket", "--numprocesses=2")
    left_out: tuple[str, ...] = ()
    for python in find_pythons(session.log):
        session.log(f"unit tests with {python}")
        words = (str(python.path), *pytest, *left_out, *session.posargs)
        session.run(*words, env={"PYTHONPATH": str(COLLECTIONS)}, external=True)
        # Half of the tests, of plain Python that knows nothing of Ansible.
        left_out = (f"--ignore={PLANNER}",)


@nox.session
def integration(session: nox.Session) -> None:
    """Tests against lab hosts: real dockerd 20.10, 26.1 and 28.5 under real systemd, sysvinit and OpenRC.

    A lane for each engine, and one for the others, which have few tests.
    """
    words = ("--timeout=600", "--durations=25", *session.posargs)
    others = pytest_run("fleet", *words, FLEET)
    for flavour in OTHERS:
        others |= flavour_lane(flavour, *words)
    side_by_side(session, *(flavour_lane(flavour, *words) for flavour in ENGINES), others)


@nox.session
def soak(session: nox.Session) -> None:
    """What `test` leaves out: tests on the other engines, every fault and sabotage with every method, runs cut off.

    A lane for each engine, and one for other init systems, firewalls and engines. With --go-on, what passed before does
    not run again.
    """
    files = {flavour: CACHE / "soak" / f"{flavour}.jsonl" for flavour in (*ENGINES, *SOAKED)}
    (CACHE / "soak").mkdir(exist_ok=True)
    if GO_ON not in session.posargs:
        for file in files.values():
            file.unlink(missing_ok=True)
    words = ("--soak", "--timeout=3600", *(word for word in session.posargs if word != GO_ON))
    lanes = {flavour: flavour_lane(flavour, *words, f"--results={file}") for flavour, file in files.items()}
    others = {name: command for flavour in SOAKED for name, command in lanes[flavour].items()}
    try:
        side_by_side(session, *(lanes[flavour] for flavour in ENGINES), others)
    finally:
        text = summary(files, list(FLAVOURS))
        (CACHE / "soak.txt").write_text(text)
        print(text)


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


def flavour_lane(flavour: str, *words: str) -> dict[str, tuple[str, ...]]:
    """Return what makes the flavour's image and runs the tests on it."""
    # Before the tests, which have no way to Debian's packages.
    images = (flavour, CLIENT) if flavour in ENGINES else (flavour,)
    image = {f"image-{flavour}": (sys.executable, "-m", "tests.lab", "images", *images)}
    return image | pytest_run(flavour, *words, "tests/integration", f"--ignore={FLEET}", f"--flavour={flavour}")


def pytest_run(lane: str, *words: str) -> dict[str, tuple[str, ...]]:
    return {f"integration-{lane}": (*IN_LAB, sys.executable, "-m", "pytest", "-q", *words)}


def side_by_side(session: nox.Session, *lanes: Lane) -> None:
    """Run lanes of commands side by side; fail if one command fails, but let all of them end."""
    failed = run_lanes(lanes, logs=CACHE, progress=session.log)
    if failed:
        session.error(f"failed: {', '.join(failed)}")
