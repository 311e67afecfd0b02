# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection facts, in each form that Docker's clients take."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import FORMATS, Connection, render

CONNECTION = Connection("tcp://web1:2376", "/home/me/.docker/gangway/default/clients/ci")
FOLDER = CONNECTION.cert_path


@pytest.mark.parametrize(
    ("form", "rendered"),
    [
        (
            "env",
            {"DOCKER_HOST": "tcp://web1:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": FOLDER},
        ),
        (
            "module_defaults",
            {
                "docker_host": "tcp://web1:2376",
                "tls": True,
                "validate_certs": True,
                "ca_path": f"{FOLDER}/ca.pem",
                "client_cert": f"{FOLDER}/cert.pem",
                "client_key": f"{FOLDER}/key.pem",
            },
        ),
        (
            "argv",
            [
                "--host=tcp://web1:2376",
                "--tlsverify",
                f"--tlscacert={FOLDER}/ca.pem",
                f"--tlscert={FOLDER}/cert.pem",
                f"--tlskey={FOLDER}/key.pem",
            ],
        ),
        ("url", "tcp://web1:2376"),
        ("https_url", "https://web1:2376"),
        ("files", {"ca": f"{FOLDER}/ca.pem", "cert": f"{FOLDER}/cert.pem", "key": f"{FOLDER}/key.pem"}),
    ],
)
def test_each_form_is_what_its_client_takes(form: str, rendered: object) -> None:
    assert render(CONNECTION, form) == rendered


def test_every_form_is_one_that_users_can_name_and_no_other_is() -> None:
    assert FORMATS == ("env", "module_defaults", "argv", "url", "https_url", "files")
    with pytest.raises(KeyError):
        render(CONNECTION, "yaml")


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_switches_verification_off_and_each_names_the_port(form: str) -> None:
    text = str(render(CONNECTION, form))
    assert "DOCKER_TLS_VERIFY': '0" not in text
    assert "False" not in text
    assert "://web1:2376" in text or form == "files"


@pytest.mark.parametrize(
    ("form", "rendered"),
    [
        ("env", {"DOCKER_HOST": "tcp://web1:2376"}),
        ("module_defaults", {"docker_host": "tcp://web1:2376", "tls": False, "validate_certs": False}),
        ("argv", ["--host=tcp://web1:2376"]),
        ("url", "tcp://web1:2376"),
        ("https_url", "http://web1:2376"),
        ("files", {"ca": None, "cert": None, "key": None}),
    ],
)
def test_without_tls_no_form_names_a_certificate(form: str, rendered: object) -> None:
    assert render(Connection("tcp://web1:2376", None), form) == rendered
