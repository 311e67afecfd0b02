# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With the right C(full), docker commands go through HAProxy as they go on the host's own unix socket."""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.integration.gateway.terminal import DETACH, WIDEN, Said, Side
from tests.integration.test_workflows import Desk

_MB = 1_000_000
#: A program that asks for a name, and has seen the terminal grow.
_ASKS = (
    "docker run --rm -it --name asks bb /bin/sh -c "
    "'busybox stty size; echo name?; read name; echo hello, $name.; "
    'while test "$(busybox stty size)" != "50 133"; do sleep 0.1; done; echo wide; exit 7\''
)
_ECHOES = (
    "docker run --detach -it --name echoes bb /bin/sh -c 'while read line; do echo \"($line)\"; done' >/dev/null\n"
)
_STATE = "docker inspect --format '{{.State.Running}}' echoes\n"
_FORGET = "docker rm --force --volumes echoes >/dev/null 2>&1 || true\n"
#: What is printed after the end of input has to come, too.
_EXEC = """\
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 > dump
docker exec -i witness /bin/sh -c 'cat; sleep 1; echo and after' < dump > back
head -c SIZE back | cmp - dump
tail -c +$((SIZE + 1)) back
docker exec -i witness busybox sha256sum < dump
"""
_ENDS = """\
docker exec witness /bin/sh -c 'echo out; echo err >&2; exit 3' || echo code $?
docker exec witness no-such-program 2>/dev/null || echo code $?
echo from a pipe | docker run --rm -i bb cat
docker run --detach --name echoes bb sleep 1000 >/dev/null
docker wait echoes & wait=$!
sleep 1; docker kill echoes >/dev/null; wait $wait
"""
_LOGS = """\
docker run --detach --name echoes bb /bin/sh -c 'echo first; echo oops >&2; sleep 2; echo last' >/dev/null
docker logs --follow echoes 2>err
cat err
docker logs --tail 1 echoes
"""
#: A client that is ended while it waits.
_FOLLOW = """\
docker run --detach --name echoes bb /bin/sh -c 'echo first; sleep 1000' >/dev/null
timeout --signal INT 2 docker logs --follow echoes || echo code $?
timeout --signal INT 2 docker events --filter container=echoes || echo code $?
docker kill echoes
docker logs --follow echoes
"""
_EVENTS = """\
docker events --filter container=echoes --format '{{.Action}}' > seen & events=$!
sleep 1
docker run --name echoes bb /bin/sh -c 'echo ran'
for _ in $(seq 100); do grep -q die seen && break; sleep 0.1; done
docker rm echoes
for _ in $(seq 100); do grep -q destroy seen && break; sleep 0.1; done
kill -TERM $events; wait $events || echo ended
sort seen
"""
_CP = """\
mkdir -p tree/below
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 01 > tree/below/file
ln -s file tree/below/link; chmod 600 tree/below/file
docker cp tree witness:/tree 2>/dev/null
docker cp witness:/tree back 2>/dev/null
diff -r tree back; stat -c '%a %s' back/below/file; readlink back/below/link
docker cp witness:/tree - | tar -t | sort
tar -c tree | docker cp - witness:/opt 2>/dev/null
docker exec witness busybox sha256sum /opt/tree/below/file
docker cp witness:/no-such-file . 2>/dev/null || echo code $?
docker exec witness busybox rm -r /tree /opt/tree
"""
_FIRST_STOP = "docker exec witness busybox mkdir -p /opt; "


@pytest.fixture
def sides(desk: Desk) -> tuple[Side, Side]:
    """The host's own user of the unix socket, and a user of another machine."""
    facts = f". ~/.docker/gangway/{desk.host.name}.env; export DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH\n"
    return Side(desk.host, "root", ""), Side(desk.machine, "deploy", facts)


def _compare(sides: tuple[Side, Side], do: t.Callable[[Side], Said]) -> str:
    """Do it on both sides; return what came of it, if it is the same."""
    there, here = (do(side) for side in sides)
    assert here == there
    assert there.code == 0, there
    return there.stdout


def _type(script: str, size: int = 0) -> t.Callable[[Side], Said]:
    def do(side: Side) -> Said:
        said = side.type(f"{_FORGET}{script.replace('SIZE', str(size))}{_FORGET}")
        # The same command of another version may word its warnings in other ways.
        return Said(said.code, said.stdout)

    return do


@pytest.mark.flavours("sid")
def test_what_is_typed(sides: tuple[Side, Side], request: pytest.FixtureRequest) -> None:
    """At a terminal and in scripts: input, output, what comes after the end of input, and exit statuses."""
    size = (200 if request.config.getoption("--soak") else 5) * _MB
    asked = [side.talk(_ASKS, (r"name\?", "Ada\r"), (r"hello, Ada\.", WIDEN), ("wide", "")) for side in sides]
    assert asked[0] == asked[1]
    assert asked[0].code == 7
    assert asked[0].stdout.endswith("hello, Ada.\r\nwide\r\n")
    for side in sides:
        side.type(f"{_FORGET}{_ECHOES}")
        for word in ("one", "two"):
            attached = side.talk("docker attach echoes", ("", f"{word}\r"), (rf"\({word}\)", DETACH))
            # The command of Debian 12 says so on its stderr, others nowhere.
            assert attached.code in (0, 1), attached
            assert "escape sequence" in attached.stdout or attached.code == 0
            assert side.type(_STATE) == Said(0, "true\n")
        ended = side.talk("docker attach echoes", ("", "three\r"), (r"\(three\)", "\x04"))
        assert ended.code == 0
        assert side.type(f"{_STATE}{_FORGET}") == Said(0, "false\n")

    assert re.fullmatch(r"and after\n[0-9a-f]{64}  -\n", _compare(sides, _type(_EXEC, size)))
    ends = _compare(sides, _type(_ENDS))
    assert ends.splitlines()[:2] == ["out", "code 3"]
    assert ends.splitlines()[-3:] == ["code 127", "from a pipe", "137"]
    assert sorted(_compare(sides, _type(_LOGS)).split()) == ["first", "last", "last", "oops"]
    assert _compare(sides, _type(_FOLLOW)) == "first\ncode 124\ncode 124\nechoes\nfirst\n"
    events = _compare(sides, _type(_EVENTS)).split()
    assert {"attach", "create", "destroy", "die", "start"} <= {*events}
    assert f"600 {size}\nfile\n" in _compare(sides, _type(_FIRST_STOP + _CP, size))


#: With the builder of old, and with BuildKit: a context, a secret, and a result that comes back over its session.
_BUILD = """\
mkdir app; cd app
printf 'FROM bb\\nCOPY . /app/\\n' > Dockerfile
printf 'FROM bb AS first\\nCOPY big /\\nRUN --mount=type=secret,id=word /bin/cat /run/secrets/word > /read\\n' > Kit
printf 'FROM scratch\\nCOPY --from=first /read /big /\\n' >> Kit
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 02 > big
echo open sesame > ../word
for buildkit in 0 1; do
    DOCKER_BUILDKIT=$buildkit docker build --quiet --tag built:$buildkit . >/dev/null 2>&1
    docker run --rm built:$buildkit busybox sha256sum /app/big
done
docker buildx build --quiet --file Kit --secret id=word,src=../word --output ../out . >/dev/null
cmp big ../out/big; cat ../out/read
docker rmi --force built:0 built:1 >/dev/null
"""
_COMPOSE = """\
cat > compose.yml <<END
services:
  web:
    image: bb
    command: /bin/sh -c 'echo up; sleep 1000'
    stop_grace_period: 0s
END
docker compose --project-name desk up --detach 2>/dev/null
for _ in $(seq 100); do docker compose --project-name desk logs 2>/dev/null | grep -q up && break; sleep 0.1; done
docker compose --project-name desk logs --no-log-prefix
docker compose --project-name desk ps --format '{{.Service}} {{.State}}'
docker compose --project-name desk exec -T web /bin/sh -c 'cat; exit 4' < compose.yml || echo code $?
docker compose --project-name desk down 2>/dev/null
docker ps --all --quiet --filter label=com.docker.compose.project
"""
_SAVE = """\
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 03 > big
tar -c big | docker import - big:1 >/dev/null; rm big
docker save big:1 > saved
docker rmi big:1 >/dev/null
docker load < saved
docker create --name echoes big:1 none >/dev/null
docker export echoes | tar -xO big | sha256sum
docker rm echoes >/dev/null; docker rmi big:1 >/dev/null
"""
#: With a user, and its password as bcrypt.
_REGISTRY = """\
hash=$(perl -e 'print crypt("word", "\\$2y\\$05\\$abcdefghijklmnopqrstuu")')
echo "ada:$hash" > $(sed -n 's/^ *path: *//p' /etc/docker/registry/config.yml | head -n1)
systemctl restart docker-registry
"""
_PUSH = """\
export DOCKER_CONFIG=$PWD/config
docker push --quiet REGISTRY/big >/dev/null 2>&1 || echo code $?
echo word | docker login --username ada --password-stdin REGISTRY 2>/dev/null | tail -n1
printf 'FROM bb\\nCOPY big /\\n' > Dockerfile
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 04 > big
DOCKER_BUILDKIT=0 docker build --quiet --tag REGISTRY/big . >/dev/null 2>&1
docker push --quiet REGISTRY/big
docker rmi --force REGISTRY/big >/dev/null
docker pull --quiet REGISTRY/big
docker run --rm REGISTRY/big busybox sha256sum /big
docker rmi --force REGISTRY/big >/dev/null
docker push --quiet REGISTRY/none || echo code $?
docker pull --quiet REGISTRY/none 2>/dev/null || echo code $?
"""


@pytest.mark.soak
def test_builds_and_compose(sides: tuple[Side, Side], request: pytest.FixtureRequest) -> None:
    """As on the client's own disk; the hosts have neither compose nor BuildKit's command."""
    _near, far = sides
    size = (200 if request.config.getoption("--soak") else 30) * _MB
    built = far.type(_BUILD.replace("SIZE", str(size)))
    assert built.code == 0, built
    first, second, word = built.stdout.splitlines()
    assert first == second
    assert word == "open sesame"
    composed = far.type(_COMPOSE)
    assert composed.code == 0, composed
    lines = composed.stdout.splitlines()
    # Compose erases the line first, whatever it prints to.
    assert [lines[0].removeprefix("\x1b[2K"), *lines[1:3]] == ["up", "web running", "services:"], composed
    assert lines[-1] == "code 4"


@pytest.mark.soak
def test_1_gib_is_saved_and_loaded(sides: tuple[Side, Side]) -> None:
    saved = _compare(sides, _type(_SAVE, 1 << 30)).splitlines()
    assert saved[0] == "Loaded image: big:1"
    assert re.fullmatch("[0-9a-f]{64}  -", saved[1])


@pytest.mark.soak
def test_push_and_pull(desk: Desk, sides: tuple[Side, Side]) -> None:
    """With a registry at the client's machine, which dockerd reaches without TLS."""
    registry = f"{desk.machine.address}:5000"
    desk.machine.run(_REGISTRY)
    # A reload: nothing of the exposure is in the way, and dockerd does not restart.
    setting = f'{{"insecure-registries": ["{registry}"]}}'
    try:
        desk.host.run(f"echo '{setting}' > /etc/docker/daemon.json; systemctl reload docker")
        pushed = _compare(sides, _type(_PUSH.replace("REGISTRY", registry), 30 * _MB)).splitlines()
    finally:
        desk.machine.run("systemctl stop docker-registry")
    assert pushed[:2] == ["code 1", "Login Succeeded"], pushed
    assert f"{registry}/big" in pushed[2]
    assert pushed[-1] == "code 1"
