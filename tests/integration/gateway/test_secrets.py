# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client with the right to read is answered holds no secret, of all that a host can have."""

from __future__ import annotations

import base64
import re

import pytest

from tests.attack import CLIENT_KEY, attack
from tests.integration.controller import Controller
from tests.integration.gateway.raw import Connection
from tests.lab.hosts import Host
from tests.read_paths import PAGE, documented

#: Each place where a password may be, with the same word in it.
_WORD = "planted"
_PLANT = f"""set -e
mkdir --parents /etc/systemd/system/docker.service.d
cat > /etc/systemd/system/docker.service.d/proxy.conf << END
[Service]
Environment=HTTP_PROXY=http://{_WORD}:{_WORD}-proxy@127.0.0.1:9 HTTPS_PROXY=https://{_WORD}:{_WORD}-proxy@127.0.0.1:9
END
systemctl daemon-reload
systemctl restart docker.service
docker run --detach --name holder --env PASSWORD={_WORD}-container --health-cmd env --health-interval 1s \\
    bb sh -c 'env; sleep 1000' >/dev/null
docker exec --env PASSWORD={_WORD}-exec holder env >/dev/null
docker commit --change 'ENV PASSWORD={_WORD}-image' holder committed >/dev/null
docker volume create --opt type=cifs --opt device=//nas/share --opt o=password={_WORD}-volume share >/dev/null
docker swarm init --advertise-addr 127.0.0.1 >/dev/null
printf {_WORD}-secret | docker secret create token - >/dev/null
printf {_WORD}-config | docker config create settings - >/dev/null
docker service create --detach --name job --env PASSWORD={_WORD}-service bb sleep 1000 >/dev/null
docker swarm join-token --quiet worker
docker swarm join-token --quiet manager
"""
#: Queries that make answers end, and as long as they get.
_QUERIES = {
    "/events": "since=1&until={now}",
    "/containers/json": "all=1&size=1",
    "/containers/NAME/stats": "stream=0",
    "/images/json": "all=1&digests=1&manifests=1&shared-size=1",
    "/networks/NAME": "verbose=1",
}
#: Paths that hold them.
_HOLD = {
    "container": "/containers/holder/json",
    "image": "/images/committed/json",
    "volume": "/volumes/share",
    "service": "/services/job",
    "config": "/configs/settings",
}


@attack(
    "A client with the right to read looks for passwords in all that it may ask, on a host that has them everywhere",
    by=CLIENT_KEY,
    expected="No answer holds one",
)
@pytest.mark.flavours("bookworm")
def test_no_answer_holds_a_secret(gateway_host: Host, controller: Controller) -> None:
    tokens = gateway_host.run(_PLANT).stdout.split()
    admin, reader = _expose(gateway_host, controller)
    for place, path in _HOLD.items():
        held = admin.ask("GET", path).body
        assert f"{_WORD}-{place}".encode() in held or base64.b64encode(f"{_WORD}-{place}".encode()) in held, place
    assert len(tokens) == 2
    assert all(token.encode() in admin.ask("GET", "/swarm").body for token in tokens)

    now = gateway_host.run("date +%s").stdout.strip()
    secrets = [
        _WORD.encode(),
        base64.b64encode(_WORD.encode()).rstrip(b"=")[:-1],
        *(token.encode() for token in tokens),
    ]
    seen = {}
    for path in documented():
        name = "holder" if "containers" in path else "bridge"
        answer = reader.ask("GET", f"{path.replace('NAME', name)}?{_QUERIES.get(path, '').format(now=now)}")
        assert answer.status == 200, path
        seen[path] = answer.body
    assert not [path for path, body in seen.items() if any(secret in body for secret in secrets)]
    said = b"".join(seen.values())
    for name in (b"holder", b"committed", b"exec_create: env", b'"share"', b"http://xxxxx:xxxxx@127.0.0.1:9"):
        assert name in said, "the answers are about what holds the secrets"


@pytest.mark.soak
def test_info_is_refused_with_the_password_of_a_proxy_that_dockerd_does_not_mask(
    gateway_host: Host, controller: Controller
) -> None:
    admin, reader = _expose(gateway_host, controller)
    assert reader.ask("GET", "/info").status == 200
    for name, url in {"HTTP_PROXY": f"user:{_WORD}@127.0.0.1:9", "https_proxy": f"{_WORD}@127.0.0.1:9"}.items():
        gateway_host.run(
            "mkdir --parents /etc/systemd/system/docker.service.d; "
            f"printf '[Service]\\nEnvironment={name}={url}\\n' > /etc/systemd/system/docker.service.d/proxy.conf; "
            "systemctl daemon-reload; systemctl reset-failed docker.service; systemctl restart docker.service"
        )
        # dockerd has ended its connection; HAProxy has not ended the reader's.
        admin.close()
        assert _WORD.encode() in admin.ask("GET", "/info").body, "dockerd masks nothing of it"
        for target in ("/info", "/v1.41/info", "/info?x=1"):
            answer = reader.ask("GET", target)
            assert answer.status == 403, name
            assert _WORD.encode() not in answer.body
    (message,) = re.findall(r"`(the answer has .*?)`", PAGE.read_text(encoding="utf-8").replace("\n", " "))
    done = controller.docker(gateway_host, "info", client="grafana")
    assert f"Error response from daemon: {message}" in done.stdout + done.stderr


@pytest.mark.soak
def test_info_is_refused_if_it_is_too_long_to_judge(gateway_host: Host, controller: Controller) -> None:
    registries = ", ".join(f'"registry-{number}.example.com:5000"' for number in range(500))
    settings = f'{{"insecure-registries": [{registries}]}}'
    gateway_host.run(f"echo '{settings}' > /etc/docker/daemon.json; systemctl restart docker.service")
    admin, reader = _expose(gateway_host, controller)
    assert b"registry-499.example.com" in admin.ask("GET", "/info").body
    answer = reader.ask("GET", "/info")
    assert answer.status == 403
    assert b"too long" in answer.body


def _expose(host: Host, controller: Controller) -> tuple[Connection, Connection]:
    """Return the connections of a client with all rights, and of one that may read."""
    exposed = controller.expose(
        expose_method="gateway", expose_clients=["admin", {"name": "grafana", "rights": "read"}]
    )
    assert exposed.code == 0, exposed.failures
    admin, reader = (Connection(host.address, controller.client(name)) for name in ("admin", "grafana"))
    return admin, reader
