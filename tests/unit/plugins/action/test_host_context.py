# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A docker context for each exposed host on the controller: made, refreshed, removed, and never somebody else's."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._context.request import ARGUMENT_SPEC, run_docker_context
from ansible_collections.gangway.docker.plugins.module_utils._context.store import ContextFolder
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles

from .listener_site import EXPOSED, PLAIN, Site

WANTED: dict[str, t.Any] = {**EXPOSED, "contexts": True, "clients": ["ci"], "client": "ci"}
PREDICTED = ("changed", "actions", "diff", "context")


def _folder() -> ContextFolder:
    return ContextFolder(os.environ["DOCKER_CONFIG"])


def _meta() -> dict[str, t.Any] | None:
    path = Path(_folder().meta("web1"))
    return json.loads(path.read_bytes()) if path.exists() else None


def _copies(site: Site, client: str = "ci") -> bool:
    """Whether the context has the client's bundle as it is."""
    folder, tls = site.fleet.client_folder(client), Path(_folder().tls("web1"))
    files = ("ca.pem", "cert.pem", "key.pem")
    return all((folder / name).read_bytes() == (tls / name).read_bytes() for name in files)


def _predicted_and_done(site: Site, **arguments: t.Any) -> dict[str, t.Any]:
    before = sorted(Path(_folder().config).rglob("*"))
    predicted = site.run(check_mode=True, **arguments)
    assert sorted(Path(_folder().config).rglob("*")) == before
    done = site.run(**arguments)
    assert not done.get("failed"), done
    assert [predicted.get(key) for key in PREDICTED] == [done.get(key) for key in PREDICTED]
    return done


def test_it_is_made_with_the_host_and_goes_with_it(site: Site) -> None:
    done = _predicted_and_done(site, **WANTED)
    assert done["actions"][-1] == "make the docker context web1 on the controller"
    assert done["context"] == "web1"
    meta = _meta()
    assert meta is not None
    assert meta["Endpoints"]["docker"] == {"Host": "tcp://10.0.0.5:2376", "SkipTLSVerify": False}
    assert _copies(site)
    assert "PRIVATE KEY" not in json.dumps(done)

    again = site.run(**WANTED)
    assert (again["changed"], again["actions"], again["context"]) == (False, [], "web1")
    moved = _predicted_and_done(site, **{**WANTED, "listen": ["10.0.0.6:2376"]})
    assert moved["actions"][-1] == "refresh the docker context web1 on the controller"
    withdrawn = _predicted_and_done(site, state="absent")
    assert withdrawn["actions"][-1] == "remove the docker context web1 on the controller"
    assert _meta() is None
    assert not Path(_folder().tls_folder("web1")).exists()


def test_a_renewal_refreshes_it_even_if_the_host_is_not_due(site: Site) -> None:
    site.run(**WANTED)
    assert not site.run(state="renewed", contexts=True, client="ci")["changed"]
    due = {"validity": 800, "renew_before": "400d"}
    # Check mode has renewed nothing when the host's turn comes.
    predicted = site.run(check_mode=True, state="renewed", contexts=True, client="ci", **due)
    ensure_bundles(_fleet_with(site, **due), ["ci"], [])
    done = site.run(state="renewed", contexts=True, client="ci")
    assert site.host.modules == []
    assert done["actions"] == ["refresh the docker context web1 on the controller"] == predicted["actions"][-1:]
    assert _copies(site)


def _fleet_with(site: Site, **options: t.Any) -> t.Any:
    from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
    from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.settings import Settings

    defaults = {"key_type": "ecdsa_p256", "authority_key_type": "ecdsa_p256", "authority_validity": "3650d"}
    return Fleet(str(site.fleets_dir), "default", Settings.of({**defaults, **options}))


def test_a_renewal_that_does_not_know_of_contexts_refreshes_and_makes_none(site: Site) -> None:
    site.run(**{**WANTED, "contexts": False})
    site.run(state="renewed")
    assert _meta() is None
    site.run(**WANTED)
    (site.fleet.client_folder("ci") / "cert.pem").unlink()
    ensure_bundles(site.fleet, ["ci"], [])
    assert site.run(state="renewed", client="ci")["changed"]
    assert _copies(site)


def test_without_the_option_an_earlier_one_goes(site: Site) -> None:
    site.run(**WANTED)
    done = _predicted_and_done(site, **{**WANTED, "contexts": False})
    assert done["actions"] == ["remove the docker context web1 on the controller"]
    assert _meta() is None


def test_plain_tcp_has_a_context_without_certificates(site: Site) -> None:
    _predicted_and_done(site, **WANTED, **PLAIN)
    assert not Path(_folder().tls_folder("web1")).exists()
    _predicted_and_done(site, **WANTED)
    assert _copies(site)
    assert not site.run(state="renewed", contexts=True, client="ci")["changed"]


def _make_by_hand(name: str = "web1") -> None:
    defaults = {option: each.get("default") for option, each in ARGUMENT_SPEC.items()}
    run_docker_context({**defaults, "name": name, "docker_host": "ssh://web1"}, check_mode=False)


@pytest.mark.parametrize("check_mode", [True, False])
def test_somebody_elses_is_refused_before_the_host_is_touched(site: Site, check_mode: bool) -> None:
    _make_by_hand()
    before = site.host.image()
    result = site.run(check_mode=check_mode, **WANTED)
    assert result["failure"] == "context_not_ours"
    assert (site.host.modules, site.host.image()) == ([], before)
    result = site.run(**{**WANTED, "contexts": False})
    assert not result.get("failed")
    site.run(state="absent")
    meta = _meta()
    assert meta is not None
    assert meta["Endpoints"]["docker"]["Host"] == "ssh://web1"


def test_another_fleets_is_replaced_on_request_only(site: Site) -> None:
    site.run(**WANTED)
    other = {**WANTED, "fleet": "other", "replace_controller": True}
    assert site.run(**{**other, "replace_controller": False})["failure"] == "context_not_ours"
    assert not site.run(**other).get("failed")
    meta = _meta()
    assert meta is not None
    assert meta["Metadata"]["Description"] == "web1, client ci, fleet other"


def test_the_current_one_goes_with_a_warning(site: Site) -> None:
    site.run(**WANTED)
    Path(_folder().config_json).write_text('{"currentContext": "web1", "auths": {}}')
    done = _predicted_and_done(site, state="absent")
    assert "was the current one" in " ".join(done["warnings"])
    assert json.loads(Path(_folder().config_json).read_text()) == {"auths": {}}


def test_a_client_that_is_not_here_is_named(site: Site) -> None:
    result = site.run(**{**WANTED, "client": "bob"})
    assert not result.get("failed")
    assert "no bundle of client 'bob'" in " ".join(result["warnings"])
    assert _meta() is None
