# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: what is there, what is to be, and what is not ours."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._account.changes import Found, folders_above, temporary_of
from ansible_collections.gangway.docker.plugins.module_utils._client.layout import Layout
from ansible_collections.gangway.docker.plugins.module_utils._client.manifest import Manifest
from ansible_collections.gangway.docker.plugins.module_utils._client.plan import (
    Plan,
    plan_absent,
    plan_present,
)
from ansible_collections.gangway.docker.plugins.module_utils._client.wanted import (
    Bundle,
    ClientOptions,
    wanted_files,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

OWNER = (1000, 1000)
LAYOUT = Layout("/home/ci/.docker", "/home/ci/.docker")
OPTIONS = ClientOptions("ci", "default", ("web1",), env_files=True, contexts=True)
BUNDLE = Bundle(b"ca", b"certificate", b"key")
HOME = {"/home": Found("folder", 0o755, 0, 0), "/home/ci": Found("folder", 0o750, *OWNER)}
There = dict[str, Found]


def _plan(
    there: There, known: Manifest | None = None, options: ClientOptions = OPTIONS, bundle: Bundle = BUNDLE
) -> Plan:
    wanted = wanted_files(LAYOUT, options, bundle, dict.fromkeys(options.endpoints, "tcp://web1:2376"))
    return plan_present(LAYOUT, options, there, wanted, known, OWNER)


def _carried_out(there: There, plan: Plan) -> There:
    """Return what is there after the plan."""
    after = {path: found for path, found in there.items() if path not in (*plan.remove, *plan.remove_folders)}
    after.update({path: Found("folder", 0o700, *OWNER) for path in plan.make_folders})
    after.update({path: dataclasses.replace(after[path], mode=mode) for path, mode in plan.close_folders})
    for path, wanted in plan.write.items():
        after[path] = Found("file", wanted.mode, *OWNER, content=wanted.content)
    folders = {path for path, found in after.items() if found.kind == "folder"}
    for folder in folders:
        inside = {path.rpartition("/")[2] for path in after if path.rpartition("/")[0] == folder}
        after[folder] = dataclasses.replace(after[folder], entries=frozenset(inside))
    return after


def test_the_second_plan_is_empty_and_absent_goes_all_the_way_back() -> None:
    first = _plan(dict(HOME))
    assert first.make_folders[0] == "/home/ci/.docker"
    there = _carried_out(dict(HOME), first)
    assert all(there[path].mode == 0o600 for path in there if path.endswith("key.pem"))
    assert there[LAYOUT.ca].mode == there[LAYOUT.certificate].mode == 0o644
    second = _plan(there, first.manifest)
    assert (second.changed, second.diff) == (False, ())
    assert set(_carried_out(there, plan_absent(LAYOUT, there, first.manifest))) == set(HOME)


def test_what_was_there_before_stays() -> None:
    before = {**HOME, "/home/ci/.docker": Found("folder", 0o755, *OWNER, entries=frozenset({"config.json"}))}
    before["/home/ci/.docker/config.json"] = Found("file", 0o600, *OWNER, content=b"{}")
    first = _plan(before)
    there = _carried_out(before, first)
    assert _carried_out(there, plan_absent(LAYOUT, there, first.manifest)) == _carried_out(before, Plan())


def test_an_endpoint_that_is_no_longer_asked_for_goes() -> None:
    two = dataclasses.replace(OPTIONS, endpoints=("web1", "web2"))
    first = _plan(dict(HOME), options=two)
    there = _carried_out(dict(HOME), first)
    less = _plan(there, first.manifest)
    assert LAYOUT.env_file("web2") in less.remove
    assert len(less.remove) == 5
    assert len(less.remove_folders) == 3
    after = _carried_out(there, less)
    assert set(after) == set(_carried_out(dict(HOME), _plan(dict(HOME))))
    assert not _plan(after, less.manifest).changed


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (LAYOUT.key, {"mode": 0o644}),
        (LAYOUT.certificate, {"uid": 0}),
        (LAYOUT.ca, {"content": b"other"}),
        (LAYOUT.env_file("web1"), {"kind": "other", "content": None}),
        (LAYOUT.context_meta("web1"), {"content": b"{}"}),
        (f"{LAYOUT.context_tls('web1')}/cert.pem", {"content": b"stale"}),
    ],
)
def test_what_has_drifted_is_mended_and_nothing_else(path: str, change: dict[str, object]) -> None:
    first = _plan(dict(HOME))
    there = _carried_out(dict(HOME), first)
    there[path] = dataclasses.replace(there[path], **change)  # type: ignore[arg-type]
    assert _plan(there, first.manifest).actions() == [f"write {path}"]


def test_a_new_certificate_goes_into_the_bundle_and_into_every_copy() -> None:
    first = _plan(dict(HOME))
    there = _carried_out(dict(HOME), first)
    due = _plan(there, first.manifest, bundle=dataclasses.replace(BUNDLE, certificate=None))
    renewed = _plan(there, first.manifest, bundle=dataclasses.replace(BUNDLE, certificate=b"new"))
    copy = f"{LAYOUT.context_tls('web1')}/cert.pem"
    assert due.actions() == renewed.actions() == [f"write {LAYOUT.certificate}", f"write {copy}"]


def test_no_key_is_in_a_diff_or_in_what_is_printed() -> None:
    plan = _plan(dict(HOME), bundle=Bundle(b"ca", b"certificate", b"-----BEGIN PRIVATE KEY-----\nsecret"))
    assert "secret" not in repr(plan)
    assert "secret" not in repr(plan.diff)
    assert [entry["after"] for entry in plan.diff if entry["after_header"] == LAYOUT.key] == [
        "mode: 0600\na private key\n"
    ]


def test_what_others_may_write_to_is_closed() -> None:
    first = _plan({**HOME, "/home/ci/.docker": Found("folder", 0o2775, *OWNER)})
    assert first.close_folders == (("/home/ci/.docker", 0o2755),)
    assert _plan({**HOME, "/home/ci/.docker": Found("folder", 0o755, *OWNER)}).close_folders == ()


def test_a_context_without_tls_has_no_certificates_and_loses_those_it_had() -> None:
    both = dataclasses.replace(OPTIONS, endpoints=("web1", "lab"))
    urls = dict.fromkeys(both.endpoints, "tcp://h:2376")
    with_tls, without = (wanted_files(LAYOUT, both, BUNDLE, urls, plain) for plain in ((), ("lab",)))
    gone = {f"{LAYOUT.context_tls('lab')}/{name}.pem" for name in ("ca", "cert", "key")}
    assert set(with_tls) - set(without) == gone
    assert (
        without[LAYOUT.env_file("lab")].content == b"DOCKER_HOST=tcp://h:2376\nDOCKER_TLS_VERIFY=\nDOCKER_CERT_PATH=\n"
    )
    first = plan_present(LAYOUT, both, dict(HOME), with_tls, None, OWNER)
    there = _carried_out(dict(HOME), first)
    plan = plan_present(LAYOUT, both, there, without, first.manifest, OWNER)
    assert set(plan.remove) == gone
    after = _carried_out(there, plan)
    assert not plan_present(LAYOUT, both, after, without, plan.manifest, OWNER).changed


REFUSALS: dict[str, There] = {
    "bundle_not_ours": {LAYOUT.key: Found("file", 0o600, *OWNER, content=b"mine")},
    "bundle_not_ours (a link)": {LAYOUT.ca: Found("other", 0o777, *OWNER)},
    "bundle_not_ours (an env file)": {LAYOUT.env_file("web1"): Found("file", 0o600, *OWNER)},
    "context_not_ours": {LAYOUT.context_meta("web1"): Found("file", 0o644, *OWNER)},
    "context_not_ours (its key)": {f"{LAYOUT.context_tls('web1')}/key.pem": Found("file", 0o600, *OWNER)},
    "not_a_folder": {"/home/ci/.docker": Found("other", 0o644, *OWNER)},
    "folder_unsafe (root's)": {"/home/ci/.docker": Found("folder", 0o777, 0, 0)},
    "folder_unsafe (everybody's)": {"/home/ci/.docker": Found("folder", 0o1777, *OWNER)},
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_ours_is_refused(case: str) -> None:
    with pytest.raises(Failure) as error:
        _plan({**HOME, **REFUSALS[case]})
    assert error.value.key == case.split()[0]


def test_a_folder_holds_one_identity() -> None:
    with pytest.raises(Failure) as error:
        _plan(dict(HOME), Manifest("other", "default"))
    assert error.value.key == "bundle_taken"


def test_what_was_left_half_written_goes_too() -> None:
    first = _plan(dict(HOME))
    there = _carried_out(dict(HOME), first)
    there[LAYOUT.folder] = dataclasses.replace(
        there[LAYOUT.folder], entries=there[LAYOUT.folder].entries | {temporary_of(LAYOUT.key).rpartition("/")[2]}
    )
    there[LAYOUT.state] = dataclasses.replace(
        there[LAYOUT.state], entries=there[LAYOUT.state].entries | {".pending-0123.pem"}
    )
    plan = plan_absent(LAYOUT, there, first.manifest)
    assert {temporary_of(LAYOUT.key), LAYOUT.pending("0123")} <= set(plan.remove)
    assert LAYOUT.folder in plan.remove_folders


def test_the_folders_above_come_first_and_once() -> None:
    assert folders_above(["/a/b/c", "/a/b/d", "/a/e"]) == ["/a", "/a/b"]
