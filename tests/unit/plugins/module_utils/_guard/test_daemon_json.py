# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon.json as text: what is the user's stays to the byte."""

from __future__ import annotations

import json
import random
import string
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import (
    MalformedDaemonJson,
    encoding_problem,
    merge,
    parse,
    raw_values,
    restore,
)

OURS: dict[str, t.Any] = {
    "tlsverify": True,
    "tlscacert": "/etc/docker/gangway/ca.pem",
    "tlscert": "/etc/docker/gangway/cert.pem",
    "tlskey": "/etc/docker/gangway/key.pem",
    "live-restore": True,
}

TEXTS = {
    "empty object": "{}",
    "empty object, newline": "{}\n",
    "single line": '{"debug": true}',
    "single line, newline": '{"debug": true}\n',
    "single line, spaced": '{ "debug": true, "mtu": 1400 }\n',
    "compact": '{"debug":true,"mtu":1400,"dns":["1.1.1.1"]}',
    "two spaces": '{\n  "debug": true,\n  "mtu": 1400\n}\n',
    "four spaces": '{\n    "debug": true,\n    "mtu": 1400\n}\n',
    "tabs": '{\n\t"debug": true,\n\t"mtu": 1400\n}\n',
    "no newline at the end": '{\n  "debug": true\n}',
    "CRLF": '{\r\n  "debug": true,\r\n  "mtu": 1400\r\n}\r\n',
    "CRLF, one key": '{\r\n  "debug": true\r\n}\r\n',
    "CR only": '{\r  "debug": true,\r  "mtu": 1400\r}\r',
    "space around": '\n\n  {\n  "debug": true\n}  \n\n',
    "space before colons": '{\n  "debug" : true,\n  "mtu"   :   1400\n}\n',
    "commas first": '{\n    "debug": true\n  , "mtu": 1400\n  , "dns": []\n}\n',
    "several on a line": '{\n  "a": 1, "b": 2,\n  "c": 3, "d": 4\n}\n',
    "brace on the last line": '{"debug": true,\n "mtu": 1400}',
    "nested": '{\n  "log-opts": {\n    "max-size": "10m", "max-file": "3"\n  },\n  "dns": [\n    "1.1.1.1"\n  ]\n}\n',
    "our names deeper down": '{\n  "runtimes": {"tlsverify": {"path": "live-restore"}, "x": [{"tlskey": 1}]}\n}\n',
    "braces in strings": '{\n  "a}": "{,}",\n  "b\\"": "\\\\\\"}"\n}\n',
    "unicode": '{\n  "labels": ["straße=Köln", "雪", "🐳"]\n}\n',
    "escapes": '{"labels": ["stra\\u00dfe=\\ud83d\\udc33", "\\/"]}\n',
    "numbers as written": '{"a": 1.50, "b": 1e3, "c": -0, "d": 12345678901234567890}\n',
    "null": '{"a": null}',
    "blank lines between": '{\n\n  "a": 1,\n\n\n  "b": 2\n\n}\n',
    "live-restore is there": '{\n  "live-restore": true,\n  "mtu": 1400\n}\n',
    "live-restore is off": '{\n  "live-restore" : false,\n  "mtu": 1400\n}\n',
    "live-restore is off and last": '{"mtu": 1400, "live-restore":false}',
    "live-restore alone": '{"live-restore": false}\n',
    "all ours with other values": '{"tlskey": "k", "tlsverify": false, "x": 1, "tlscert": "c", "tlscacert": "a"}',
    "byte order mark": '\ufeff{\n  "debug": true\n}\n',
    "our value in other letters": '{"tlscert": "\\/etc\\/docker\\/gangway\\/cert.pem", "a": 1}\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_restoring_what_was_there_before_a_merge_gives_the_text_to_the_byte(text: str) -> None:
    merged = merge(text, OURS)
    assert merged != text
    assert restore(merged, raw_values(text, OURS)) == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_merge_adds_exactly_the_settings(text: str) -> None:
    assert parse(merge(text, OURS)) == {**json.loads(text.lstrip("\ufeff")), **OURS}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_merging_twice_is_merging_once(text: str) -> None:
    merged = merge(text, OURS)
    assert merge(merged, OURS) == merged


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_users_keys_keep_their_order_before_ours(text: str) -> None:
    before, after = list(json.loads(text.lstrip("\ufeff"))), list(parse(merge(text, OURS)))
    assert after == [*before, *(key for key in OURS if key not in before)]


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("{}", '{\n  "k": 1\n}'),
        ("{}\n", '{\n  "k": 1\n}\n'),
        ("", '{\n  "k": 1\n}\n'),
        (" \n\n", '{\n  "k": 1\n}\n'),
        ('{"a": 1}', '{"a": 1, "k": 1}'),
        ('{ "a": 1 }\n', '{ "a": 1, "k": 1 }\n'),
        ('{"a":1,"b":2}', '{"a":1,"b":2,"k":1}'),
        ('{\n    "a": 1\n}\n', '{\n    "a": 1,\n    "k": 1\n}\n'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"k": 1\n}\n'),
        ('{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "k": 1\r\n}\r\n'),
        ('{\n  "a" : 1\n}', '{\n  "a" : 1,\n  "k" : 1\n}'),
        ('{\n  "k": 2,\n  "a": 1\n}', '{\n  "k": 1,\n  "a": 1\n}'),
        ('{"k" :  [1, {"k": 3}] , "a": 1}', '{"k" :  1 , "a": 1}'),
        ('{"a": {"k": 2}}', '{"a": {"k": 2}, "k": 1}'),
        ("\ufeff", '\ufeff{\n  "k": 1\n}\n'),
        ('\ufeff{"a": 1}', '\ufeff{"a": 1, "k": 1}'),
    ],
)
def test_a_key_is_put_in_as_its_neighbours_are_written(text: str, merged: str) -> None:
    assert merge(text, {"k": 1}) == merged


def test_a_value_that_is_the_same_already_is_left_as_it_is_written() -> None:
    text = '{"a":[1,2,  3],"b":"\\u0041"}'
    assert merge(text, {"a": [1, 2, 3], "b": "A"}) == text


@pytest.mark.parametrize(
    ("text", "key", "without"),
    [
        ('{"a": 1}', "a", "{}"),
        ('{\n  "a": 1\n}\n', "a", "{}\n"),
        ('{\n  "a": 1,\n  "b": 2\n}\n', "a", '{\n  "b": 2\n}\n'),
        ('{\n  "a": 1,\n  "b": 2\n}\n', "b", '{\n  "a": 1\n}\n'),
        ('{\n  "a": 1,\n  "b": [2],\n  "c": 3\n}\n', "b", '{\n  "a": 1,\n  "c": 3\n}\n'),
        ('{"a":1,"b":2,"c":3}', "a", '{"b":2,"c":3}'),
        ('{"a": {"b": 1}}', "b", '{"a": {"b": 1}}'),
    ],
)
def test_taking_a_key_out_leaves_its_neighbours_alone(text: str, key: str, without: str) -> None:
    assert restore(text, {key: None}) == without


def test_raw_values_are_as_written_and_absent_ones_are_none() -> None:
    text = '{"a": [1,  2], "b":"\\u0041" , "c": {"d": null}}'
    assert raw_values(text, ["b", "a", "c", "d"]) == {
        "b": '"\\u0041"',
        "a": "[1,  2]",
        "c": '{"d": null}',
        "d": None,
    }


@pytest.mark.parametrize("text", ["", "\n", "  \r\n\t"])
def test_a_blank_text_holds_no_settings(text: str) -> None:
    assert parse(text) == {}
    assert raw_values(text, ["a"]) == {"a": None}


@pytest.mark.parametrize("text", ["", "\n", "{ }", "{\n}\n", "{\n\n\t}"])
def test_an_object_without_settings_comes_back_without_settings(text: str) -> None:
    assert parse(restore(merge(text, OURS), raw_values(text, OURS))) == {}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ('{"a": 1', 1, 8),
        ('{"a": 1, "b"}', 1, 13),
        ('{\n  "a": 1\n  "b": 2\n}\n', 3, 3),
        ("{'a': 1}", 1, 2),
        ('{"a": tru}', 1, 7),
        ('{\n  // a comment\n  "a": 1\n}', 2, 3),
        ('{"a": 1} x', 1, 10),
        ('{"a": "b\nc"}', 1, 9),
        ("hello", 1, 1),
    ],
)
def test_malformed_json_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    for read in (parse, lambda text: merge(text, OURS), lambda text: restore(text, {"a": None})):
        with pytest.raises(MalformedDaemonJson, match=rf"^line {line}, column {column}: "):
            read(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', '{\n  "a": [1, 2,]\n}\n'])
def test_a_trailing_comma_is_refused_with_a_place(text: str) -> None:
    # Which place depends on the version of Python.
    with pytest.raises(MalformedDaemonJson, match=r"^line \d+, column \d+: "):
        parse(text)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": 1, "\\u0061": 1}', '{"x": {"a": 1, "b": 2, "a": 1}}'])
def test_a_key_that_stands_in_it_twice_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedDaemonJson, match="'a' stands in it twice"):
        parse(text)


@pytest.mark.parametrize("text", ["[]", "null", "true", '"{}"', "3", '[{"a": 1}]'])
def test_anything_but_an_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedDaemonJson, match="no JSON object"):
        merge(text, OURS)


def _some_value(rng: random.Random, depth: int = 0) -> t.Any:
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind < 6:
        text = "".join(rng.choice(string.printable + 'äß雪🐳{}[]:,"\\') for _unused in range(rng.randrange(12)))
        return (None, rng.random() < 0.5, rng.randrange(-(10**9), 10**9), rng.random(), text, "")[kind]
    if kind == 6:
        return [_some_value(rng, depth + 1) for _unused in range(rng.randrange(4))]
    return {f"{index}{rng.choice('ab{,')}": _some_value(rng, depth + 1) for index in range(rng.randrange(4))}


def _some_text(rng: random.Random) -> str:
    keys = [f"key-{index}" for index in range(rng.randrange(6))] + [key for key in OURS if rng.random() < 0.2]
    rng.shuffle(keys)
    text = json.dumps(
        {key: _some_value(rng) for key in keys},
        indent=rng.choice([None, None, 0, 1, 2, 4, "\t"]),
        separators=(rng.choice([",", ", ", " , "]), rng.choice([":", ": ", " : "])),
        ensure_ascii=rng.random() < 0.5,
    )
    return rng.choice(["", "\n", " "]) + text.replace("\n", rng.choice(["\n", "\r\n"])) + rng.choice(["", "\n", "\r\n"])


@pytest.mark.parametrize("seed", range(8))
def test_merge_and_restore_are_inverse_on_random_objects(seed: int) -> None:
    rng = random.Random(seed)
    for _unused in range(100):
        text = _some_text(rng)
        merged = merge(text, OURS)
        # Compared as text: 1 and true are equal in Python and are not to dockerd.
        assert json.dumps(parse(merged)) == json.dumps({**json.loads(text.lstrip("\ufeff")), **OURS}), text
        assert restore(merged, raw_values(text, OURS)) == text


@pytest.mark.parametrize(
    ("text", "version", "problem"),
    [
        ("\ufeff{}", "20.10.24+dfsg1", "byte order mark"),
        ("\ufeff{}", "", "byte order mark"),
        ("\ufeff{}", "23.0.0", None),
        ("\ufeff{}", "28.5.2+dfsg4", None),
        ('{"labels": ["a=\udcff"]}', "20.10.24+dfsg1", None),
        ('{"labels": ["a=\udcff"]}', "26.1.5+dfsg1", "UTF-8"),
        ('\ufeff{"labels": ["a=\udcff"]}', "20.10.24+dfsg1", "byte order mark"),
    ],
)
def test_an_encoding_is_refused_where_dockerd_of_that_version_refuses_it(
    text: str, version: str, problem: str | None
) -> None:
    """As measured: each of them was dockerd's daemon.json, on 20.10, 26.1 and 28.5."""
    found = encoding_problem(text, lambda: version)
    assert found is None if problem is None else problem in str(found)


def test_no_program_is_run_for_what_every_dockerd_reads() -> None:
    assert encoding_problem('{"labels": ["straße=Köln"]}', pytest.fail) is None


def test_a_second_byte_order_mark_is_malformed() -> None:
    with pytest.raises(MalformedDaemonJson):
        parse("\ufeff\ufeff{}")
