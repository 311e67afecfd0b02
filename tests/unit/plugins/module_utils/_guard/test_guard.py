# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard, row by row of what it promises: the port stays open only with mutual TLS in force."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard import __main__ as guard
from ansible_collections.gangway.docker.plugins.module_utils._guard import daemon_json
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.guard_files import guard_files

#: What C(systemctl show docker.service --property=ExecStart --value) prints on Debian 13.
SHOWN = (
    "{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock "
    "$DOCKER_OPTS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
)


@dataclass
class Site:
    """The files that the guard sees on a host."""

    folder: Path

    @property
    def daemon_json(self) -> Path:
        return self.folder / "etc" / "daemon.json"

    @property
    def good(self) -> Path:
        return self.folder / "state" / "daemon.json.good"

    @property
    def broken(self) -> Path:
        return self.folder / "etc" / "daemon.json.broken"

    def pem(self, name: str) -> Path:
        return self.folder / "etc" / f"{name}.pem"

    @property
    def settings(self) -> dict[str, t.Any]:
        """What is the user's is at both ends, in the user's own spacing."""
        return {
            "mtu": 1400,
            "tlsverify": True,
            "tlscacert": str(self.pem("ca")),
            "tlscert": str(self.pem("cert")),
            "tlskey": str(self.pem("key")),
            "live-restore": True,
            "debug": False,
        }

    def write(self, **changes: t.Any) -> str:
        """Write daemon.json with these settings changed; None takes one out."""
        settings = {**self.settings, **{key.replace("_", "-"): value for key, value in changes.items()}}
        text = json.dumps({k: v for k, v in settings.items() if v is not None}, indent=3)
        self.daemon_json.write_text(text, newline="")
        return text

    def read(self) -> dict[str, t.Any]:
        loaded: dict[str, t.Any] = json.loads(self.daemon_json.read_text())
        return loaded

    def run(self) -> int:
        return guard.main([str(self.daemon_json), str(self.good)], SHOWN, {})


@pytest.fixture
def site(tmp_path: Path, pem_files: dict[str, bytes], keep_listener: t.Callable[..., None]) -> Site:
    """A host whose port is open, and whose guard has seen that it may be."""
    site = Site(tmp_path)
    for path in (site.daemon_json, site.good):
        path.parent.mkdir()
    for name in ("ca", "cert", "key"):
        site.pem(name).write_bytes(pem_files[f"{name}.pem"])
    site.good.write_text(site.write())
    keep_listener(site.folder, site.settings, pem_files["ca.pem"], kind="socket")
    return site


def test_the_port_stays_open_with_mutual_tls_and_nothing_is_touched(site: Site) -> None:
    before = {path: path.read_bytes() for path in site.folder.rglob("*") if path.is_file()}
    assert site.run() == 0
    assert {path: path.read_bytes() for path in site.folder.rglob("*") if path.is_file()} == before


def test_a_good_daemon_json_is_copied_to_the_byte(site: Site) -> None:
    site.good.unlink()
    text = site.write(labels=["straße", "雪"]).replace("\n", "\r\n")
    site.daemon_json.write_text(text, encoding="utf-8", newline="")
    assert site.run() == 0
    assert site.good.read_bytes() == text.encode()


def test_a_newer_good_daemon_json_takes_the_place_of_the_older_copy(site: Site) -> None:
    text = site.write(mtu=9000)
    assert site.run() == 0
    assert site.good.read_text() == text


@pytest.mark.parametrize(
    "changes",
    [
        {"tlsverify": None},
        {"tlsverify": False},
        {"tlsverify": "true"},
        {"tlsverify": 1},
        {"tlsverify": "yes"},
        {"tlsverify": [True]},
        {"tlsverify": None, "tls": True},
        {"tlscacert": None},
        {"tlscacert": ""},
        {"tlscacert": 5},
        {"tlscert": None},
        {"tlskey": None},
    ],
    ids=str,
)
def test_the_port_closes_where_daemon_json_does_not_ask_for_client_certificates(
    site: Site, changes: dict[str, t.Any], capsys: pytest.CaptureFixture[str]
) -> None:
    good = site.good.read_bytes()
    site.write(**changes)
    assert site.run() == 1
    assert site.good.read_bytes() == good, "what lets everyone in is no good copy"
    assert {key: site.read()[key] for key in ("mtu", "live-restore", "debug")} == {
        "mtu": 1400,
        "live-restore": True,
        "debug": False,
    }
    said = capsys.readouterr().err
    assert said.startswith("<3>gangway.docker: ")
    assert next(iter(changes)) in said
    assert "docker-gangway.socket" in said


def _delete(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_text("-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
@pytest.mark.parametrize("damage", [_delete, _empty, _garbage, _folder, _cut_off])
def test_the_port_closes_and_dockerd_can_start_where_tls_files_can_not_be_loaded(
    site: Site, name: str, damage: t.Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    damage(site.pem(name))
    good = site.good.read_bytes()
    assert site.run() == 1
    assert site.read() == {"mtu": 1400, "live-restore": True, "debug": False}
    assert site.daemon_json.read_text() == '{\n   "mtu": 1400,\n   "live-restore": true,\n   "debug": false\n}'
    assert site.good.read_bytes() == good
    assert str(site.pem(name)) in capsys.readouterr().err


@pytest.mark.parametrize("passphrase", [None, "secret"])
def test_the_port_closes_where_the_key_is_another_one_or_encrypted(site: Site, passphrase: str | None) -> None:
    key = serialization.load_pem_private_key(site.pem("key").read_bytes(), None) if passphrase else None
    site.pem("key").write_bytes(private_key_pem(t.cast(t.Any, key) or generate_key("ecdsa_p256"), passphrase))
    assert site.run() == 1
    assert "tlskey" not in site.read()


def test_the_port_stays_closed_on_the_next_start_too(site: Site) -> None:
    site.pem("key").unlink()
    assert site.run() == 1
    after = site.daemon_json.read_bytes()
    assert site.run() == 1
    assert site.daemon_json.read_bytes() == after


def test_the_port_closes_and_containers_live_on_where_daemon_json_was_deleted(site: Site) -> None:
    site.daemon_json.unlink()
    assert site.run() == 1
    assert site.read() == {"live-restore": True}
    assert not site.broken.exists()


def test_the_port_closes_and_containers_live_on_where_daemon_json_was_cleared_to_an_empty_object(site: Site) -> None:
    site.daemon_json.write_text("{}\n")
    assert site.run() == 1
    assert site.read() == {"live-restore": True}


def test_live_restore_that_the_user_switched_off_stays_off(site: Site) -> None:
    site.write(tlsverify=False, live_restore=False)
    assert site.run() == 1
    assert site.read()["live-restore"] is False


def test_live_restore_is_not_invented_where_it_never_was(site: Site) -> None:
    site.good.write_text(site.write(live_restore=None))
    site.write(live_restore=None, tlsverify=False)
    assert site.run() == 1
    assert "live-restore" not in site.read()


@pytest.mark.parametrize(
    "text", ["", "{", '{"tlsverify": true,}', "[]", "null", '{"a": 1, "a": 2}', "# {}\n", "\x00\x00\x00"]
)
def test_a_malformed_daemon_json_is_kept_aside_and_the_last_good_one_takes_its_place(
    site: Site, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = site.good.read_bytes()
    site.daemon_json.write_text(text)
    assert site.run() == 0
    assert site.daemon_json.read_bytes() == good
    assert not text or site.broken.read_text() == text
    assert "malformed" in capsys.readouterr().err


def test_a_malformed_daemon_json_without_a_good_copy_closes_the_port(site: Site) -> None:
    site.good.unlink()
    site.daemon_json.write_text("{,}")
    assert site.run() == 1
    assert site.broken.read_text() == "{,}"
    assert daemon_json.parse(site.daemon_json.read_text()) == {}


def test_a_malformed_daemon_json_does_not_open_the_port_by_a_good_copy_whose_files_are_gone(site: Site) -> None:
    site.pem("key").unlink()
    site.daemon_json.write_text("{")
    assert site.run() == 1
    assert site.read() == {"mtu": 1400, "live-restore": True, "debug": False}


def test_every_malformed_daemon_json_is_kept_once(site: Site) -> None:
    for text in ("{1", "{2", "{2", "{1"):
        site.daemon_json.write_text(text)
        assert site.run() == 0
    kept = sorted(site.daemon_json.parent.glob("daemon.json.broken*"))
    assert [path.read_text() for path in kept] == ["{1", "{2"]


@pytest.fixture
def dockerd_says(site: Site, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], None]:
    """Have a dockerd of this version on the PATH."""

    def say(version: str) -> None:
        program = site.folder / "bin" / "dockerd"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho 'Docker version {version}, build 0123abc'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return say


def test_a_byte_order_mark_stays_where_dockerd_reads_it(site: Site, dockerd_says: t.Callable[[str], None]) -> None:
    dockerd_says("26.1.5+dfsg1")
    text = f"\ufeff{site.write(mtu=1500)}".encode()
    site.daemon_json.write_bytes(text)
    assert site.run() == 0
    assert site.daemon_json.read_bytes() == text
    assert not site.broken.exists()


@pytest.mark.parametrize(
    ("version", "text"),
    [("20.10.24+dfsg1", b"\xef\xbb\xbf{}"), ("", b"\xef\xbb\xbf{}"), ("28.5.2+dfsg4", b'{"labels": ["a=\xff"]}')],
)
def test_an_encoding_that_dockerd_does_not_read_is_malformed_and_kept_to_the_byte(
    site: Site, dockerd_says: t.Callable[[str], None], version: str, text: bytes
) -> None:
    dockerd_says(version)
    good = site.good.read_bytes()
    site.daemon_json.write_bytes(text)
    assert site.run() == 0
    assert (site.daemon_json.read_bytes(), site.broken.read_bytes()) == (good, text)


def test_a_planted_temporary_file_gets_nothing(site: Site) -> None:
    """Neither what it links to, nor whoever holds it open, nor its mode."""
    target = site.folder / "target"
    target.write_text("theirs")
    planted = site.daemon_json.with_name("daemon.json.gangway-new")
    planted.symlink_to(target)
    site.pem("cert").unlink()
    assert site.run() == 1
    assert target.read_text() == "theirs"
    assert "tlscert" not in site.read()

    site.write()
    planted.write_text("")
    planted.chmod(0o666)
    with planted.open("r+") as held:
        assert site.run() == 1
        assert "tlscert" not in site.read()
        assert held.read() == ""
        assert not os.path.samestat(os.fstat(held.fileno()), site.daemon_json.stat())


def test_a_write_that_fails_leaves_the_file_and_nothing_beside_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    site.pem("cert").unlink()
    text = site.daemon_json.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        site.run()
    assert site.daemon_json.read_bytes() == text
    assert [path.name for path in site.daemon_json.parent.glob("daemon.json*")] == ["daemon.json"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_file_modes_are_kept(site: Site, mode: int) -> None:
    site.good.unlink()
    site.daemon_json.chmod(mode)
    assert site.run() == 0
    assert site.good.stat().st_mode & 0o7777 == mode
    site.pem("cert").unlink()
    assert site.run() == 1
    assert site.daemon_json.stat().st_mode & 0o7777 == mode
    site.daemon_json.write_text("{")
    site.run()
    assert site.broken.stat().st_mode & 0o7777 == mode


def test_a_daemon_json_that_is_a_link_stays_one(site: Site) -> None:
    target = site.folder / "managed.json"
    site.daemon_json.rename(target)
    site.daemon_json.symlink_to(target)
    site.pem("cert").unlink()
    assert site.run() == 1
    assert site.daemon_json.is_symlink()
    assert "tlscert" not in json.loads(target.read_text())


def test_nothing_is_left_beside_the_files_that_are_written(site: Site) -> None:
    site.pem("ca").unlink()
    site.run()
    site.daemon_json.write_text("{")
    site.run()
    assert sorted(p.name for p in site.daemon_json.parent.iterdir() if p.suffix != ".pem") == [
        "daemon.json",
        "daemon.json.broken",
    ]
    assert [p.name for p in site.good.parent.iterdir()] == ["daemon.json.good"]


#: Runs the program with the gate's record elsewhere than below /run.
_PROGRAM = """
import runpy
import guard.record
guard.record.RECORD = "record"
runpy.run_module("guard", run_name="__main__", alter_sys=True)
"""
#: Answers as systemd does where the socket's access list is as set.
_SYSTEMCTL = """#!/bin/sh
case "$*" in
"set-property --runtime docker-gangway.socket "*) echo "$*" >> set-property ;;
"show docker-gangway"*) printf 'DropInPaths=\nIPAddressAllow=10.20.0.5/32\nIPAddressDeny=any\nSlice=-.slice\n' ;;
"show -.slice "*) printf 'IPAddressAllow=\nIPAddressDeny=\n' ;;
*) exit 1 ;;
esac
"""


def _on_the_host(site: Site, systemctl: str = _SYSTEMCTL, **environment: str) -> subprocess.CompletedProcess[str]:
    """As the drop-in has it: a package of copies, no collection, no site-packages."""
    (site.folder / "bin").mkdir(exist_ok=True)
    (site.folder / "bin" / "systemctl").write_text(systemctl)
    (site.folder / "bin" / "systemctl").chmod(0o755)
    package = site.folder / "guard"
    package.mkdir(exist_ok=True)
    for change in guard_files():
        (package / os.path.basename(change.path)).write_bytes(change.content or b"")
    return subprocess.run(
        [sys.executable, "-B", "-S", "-E", "-c", _PROGRAM, str(site.daemon_json), str(site.good)],
        input=SHOWN,
        cwd=site.folder,
        env={"PATH": f"{site.folder}/bin:{os.defpath}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_as_a_program_it_exits_0_and_says_nothing_where_all_is_well(site: Site) -> None:
    outcome = _on_the_host(site)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    assert not list((site.folder / "guard").rglob("*.pyc"))
    narrowed = (site.folder / "set-property").read_text()
    assert narrowed.splitlines()[0].endswith(" IPAddressAllow= IPAddressAllow=10.20.0.5/32")
    assert json.loads((site.folder / "record").read_text())["state"] == "narrow"


def test_as_a_program_it_exits_1_where_the_gate_can_not_be_narrowed(site: Site) -> None:
    """And still brings the last good daemon.json back: dockerd must start."""
    site.daemon_json.write_text("{")
    outcome = _on_the_host(site, "#!/bin/sh\necho no such unit >&2; exit 1\n")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "the access list of docker-gangway.socket can't be set (no such unit). Closing" in outcome.stderr
    assert site.daemon_json.read_text() == site.good.read_text()


def test_as_a_program_it_exits_1_where_the_shell_found_no_access_list(site: Site) -> None:
    outcome = _on_the_host(site, GANGWAY_UNGUARDED="1")
    assert outcome.returncode == 1
    assert "the access list is not in force. Closing docker-gangway.socket" in outcome.stderr


def test_as_a_program_it_exits_1_and_tells_the_journal_why(site: Site) -> None:
    site.write(tlsverify=False)
    outcome = _on_the_host(site)
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("<3>gangway.docker: mutual TLS is not in force: tlsverify is not true")


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b'{"a": "\xe4"}'])
def test_as_a_program_it_never_exits_0_on_what_is_no_text(site: Site, content: bytes) -> None:
    site.daemon_json.write_bytes(content)
    site.good.unlink()
    assert _on_the_host(site).returncode != 0


@pytest.mark.parametrize(
    ("shown", "environment"),
    [
        (SHOWN, {"DOCKER_OPTS": "--config-file=/etc/docker/alt.json"}),
        (SHOWN, {"DOCKER_OPTS": "-D --config-file /etc/docker/alt.json"}),
        (SHOWN, {"DOCKER_OPTS": "--tls=false"}),
        (SHOWN.replace("$DOCKER_OPTS", "--tlsverify=false"), {}),
        (SHOWN.replace("/usr/sbin/dockerd", "/usr/local/bin/wrapper"), {}),
        ("", {}),
    ],
)
def test_a_dockerd_that_takes_its_settings_elsewhere_gets_no_port(
    site: Site, shown: str, environment: dict[str, str]
) -> None:
    text = site.write()
    assert guard.main([str(site.daemon_json), str(site.good)], shown, environment) == 1
    assert site.read() == daemon_json.parse(text)


@pytest.mark.parametrize("options", ["", "-D", "--config-file=DAEMON_JSON"])
def test_harmless_flags_leave_the_port_open(site: Site, options: str) -> None:
    site.write()
    environment = {"DOCKER_OPTS": options.replace("DAEMON_JSON", str(site.daemon_json))}
    assert guard.main([str(site.daemon_json), str(site.good)], SHOWN, environment) == 0


def _shown(words: str, path: str = "/usr/sbin/dockerd") -> str:
    """The words as systemctl prints them: quotes and escapes processed, a blank between two words."""
    return f"ExecStart={{ path={path} ; argv[]={words} ; ignore_errors=no ; start_time=[n/a] ; status=0/0 }}\n"


def _check(site: Site, shown: str, environment: dict[str, str] | None = None) -> int:
    site.write()
    shown = shown.replace("DAEMON_JSON", str(site.daemon_json))
    return guard.main([str(site.daemon_json), str(site.good)], shown, environment or {})


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        # A variable that is a word: systemd processes quotes in its value; a backslash quotes the next character.
        ('"--config-file=/etc/docker/alt.json"', False),
        ("'--tls'verify=false", False),
        ("--config\\-file=/etc/docker/alt.json", False),
        ("-D \t--tls=false", False),
        ("--label 'a b'", True),
        ('--label "a --tls=false"', True),
        # dockerd knows no such flags, and does not start.
        ("--config\\x2dfile=/etc/docker/alt.json", True),
        ("$OTHER", True),
    ],
)
def test_a_variables_value_is_read_as_systemd_splits_it(site: Site, options: str, allowed: bool) -> None:
    environment = {"DOCKER_OPTS": options, "OTHER": "--tls=false"}
    assert _check(site, SHOWN, environment) == (0 if allowed else 1)


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("${A}${B}", False),
        ("--config${B}", False),
        ("--tls${UNSET}", False),
        ("--config-file=${DAEMON}", True),
        ("--config-file ${DAEMON}", True),
        # In a word, only ${NAME} is a variable: dockerd gets these as they are, and does not start.
        ("--config$B", True),
        ("$$B", True),
        ("'--tls'", True),
        ("--label=$TLS", True),
        ("$TLS", False),
        ("$UNSET", True),
    ],
)
def test_variables_in_words_are_replaced_as_systemd_does(site: Site, words: str, allowed: bool) -> None:
    environment = {
        "A": "--config",
        "B": "-file=/etc/docker/alt.json",
        "TLS": "--tls=false",
        "DAEMON": str(site.daemon_json),
    }
    assert _check(site, _shown(f"/usr/sbin/dockerd -H fd:// {words}"), environment) == (0 if allowed else 1)


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        # --label "a --tls=false", or two words: which one, systemctl does not say.
        ("--label a --tls=false", False),
        # An empty word takes nothing from the next one.
        ("-H  --tls=false", False),
        ("--config-file  --config-file=DAEMON_JSON", False),
        # --label "x --config-file=DAEMON_JSON" would hide the other one.
        ("--config-file=/etc/alt.json --label x --config-file=DAEMON_JSON", False),
        ("--label x --config-file --tls=false", False),
        # A word that looks like the end of the words, on one line or on two.
        ("--label x ; ignore_errors=no --tls=false", False),
        ("--label x ; ignore_errors=no\nargv[]=/usr/sbin/dockerd ; ignore_errors=no --tls=false", False),
        ("--label x\n--tls=false", True),
        ("--config-file=DAEMON_JSON -H fd://", True),
        ("--config-file=DAEMON_JSON\t-x", False),
    ],
)
def test_words_with_blanks_in_them_never_open_the_port(site: Site, words: str, allowed: bool) -> None:
    assert _check(site, _shown(f"/usr/sbin/dockerd {words}")) == (0 if allowed else 1)


@pytest.mark.parametrize(("other", "allowed"), [("daemon.json -D", False), ("daemon.json.d", True)])
def test_a_file_whose_name_continues_after_a_blank_may_be_the_one_that_dockerd_reads(
    site: Site, other: str, allowed: bool
) -> None:
    (site.daemon_json.parent / other).write_text("{}")
    assert _check(site, _shown("/usr/sbin/dockerd --config-file=DAEMON_JSON -D")) == (0 if allowed else 1)
    assert _check(site, _shown("/usr/sbin/dockerd -D")) == 0


@pytest.mark.parametrize(
    ("path", "words", "allowed"),
    [
        ("/usr/local/bin/wrapper", "/usr/sbin/dockerd -H fd://", False),
        ("/usr/sbin/dockerd", "docker -H fd://", True),
        ("/opt/my dockerd", "/usr/sbin/dockerd", False),
        ("dockerd", "dockerd", False),
    ],
)
def test_the_program_counts_and_not_the_name_that_it_is_given(site: Site, path: str, words: str, allowed: bool) -> None:
    """C(ExecStart=@PATH NAME), see systemd.service(5)."""
    assert _check(site, _shown(words, path)) == (0 if allowed else 1)


@pytest.mark.parametrize(
    "word", ['"--tls=false"', "'--tls=false'", "--tl\\s=false", "$OTHER", "${OTHER}", "`cat /etc/opts`", "--label=it's"]
)
def test_a_script_may_take_words_apart_so_the_port_closes(site: Site, word: str) -> None:
    """OpenRC's scripts evaluate them, others do not."""
    assert _check(site, f"argv[]=/usr/bin/dockerd {word} ; ignore_errors=\n", {"OTHER": "-D"}) == 1


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("-D --label a", True),
        ("-D\n--tls=false", False),
        ("-D\t--tls=false", False),
        ("--config-file=/alt.json", False),
    ],
)
def test_a_scripts_words_are_split_as_a_shell_does(site: Site, words: str, allowed: bool) -> None:
    assert _check(site, f"argv[]=/usr/bin/dockerd {words} ; ignore_errors=\n") == (0 if allowed else 1)


def test_the_tls_keys_stay_where_another_port_depends_on_them(site: Site) -> None:
    """Without them dockerd would start, and that other port would be open to everyone."""
    text = site.write(tlscert="/no/such/file")
    environment = {"DOCKER_OPTS": "-H tcp://0.0.0.0:2375"}
    assert guard.main([str(site.daemon_json), str(site.good)], SHOWN, environment) == 1
    assert site.read() == daemon_json.parse(text)
    site.good.unlink()
    site.daemon_json.write_text("{,}")
    assert guard.main([str(site.daemon_json), str(site.good)], SHOWN, environment) == 1
    assert site.daemon_json.read_text() == "{,}", "dockerd refuses it, and so stays closed"


@pytest.mark.parametrize(
    ("socket", "stay"),
    [
        ("Id=docker.socket\nListen=/run/docker.sock (Stream)", False),
        ("Id=docker.socket\nListen=/run/docker.sock (Stream)\nListen=10.20.0.5:2377 (Stream)", True),
        ("Id=docker-tcp.socket\nListen=[::]:2375 (Stream)", True),
        ("Listen=10.20.0.5:2376 (Stream)\nId=docker-gangway.socket", False),
    ],
)
def test_the_tls_keys_stay_where_a_socket_unit_hands_dockerd_another_port(site: Site, socket: str, stay: bool) -> None:
    """As C(systemctl show) prints units: docker.service first, an empty line between them."""
    site.pem("key").unlink()
    shown = f"ExecStart={SHOWN}\nId=docker.service\n\n{socket}\n"
    assert guard.main([str(site.daemon_json), str(site.good)], shown, {}) == 1
    assert ("tlsverify" in json.loads(site.daemon_json.read_text())) is stay


@pytest.mark.parametrize(
    ("words", "stay"),
    [
        ("-H fd:// -H unix:///run/x.sock", False),
        ("-DH tcp://0.0.0.0:2375", True),
        ("-H 0.0.0.0:2375", True),
        ("--host=:2375", True),
        ("-H", True),
        # Parts of words may look like flags, and take nothing from what follows.
        ("--label x --config-file -H tcp://0.0.0.0:2375", True),
        ("--tlscacert --host=tcp://0.0.0.0:2375", True),
        ("-H  -H tcp://0.0.0.0:2375", True),
    ],
)
def test_the_tls_keys_stay_where_a_flag_may_open_another_port(site: Site, words: str, stay: bool) -> None:
    site.pem("key").unlink()
    assert _check(site, _shown(f"/usr/sbin/dockerd {words}")) == 1
    assert ("tlsverify" in site.read()) is stay


@pytest.mark.parametrize(("words", "stay"), [("-H unix:///run/x.sock", False), ("'-Htcp://:2375'", True)])
def test_the_tls_keys_stay_where_a_script_may_take_words_apart(site: Site, words: str, stay: bool) -> None:
    site.pem("key").unlink()
    assert _check(site, f"argv[]=/usr/bin/dockerd {words} ; ignore_errors=\n") == 1
    assert ("tlsverify" in site.read()) is stay
