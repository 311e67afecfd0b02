# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain TCP, for those who ask for it twice: no authority, no identity, nothing to sign, and a warning in each run."""

from __future__ import annotations

__all__ = ("about_the_clear", "expose_in_the_clear")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import (
    check_in_the_clear,
    parse_allow,
    parse_listen,
)

from .._endpoint.ownership import check_owner
from .._endpoint.record import read_record
from .._fleet.fleet import Fleet
from .exchange import Exchange, as_result
from .listening import advertised_url
from .publication import publish_plain
from .recorded import asked_options


def expose_in_the_clear(
    fleet: Fleet, host: str, exchange: Exchange, args: t.Mapping[str, t.Any], ansible_host: str
) -> dict[str, t.Any]:
    """Return the task's result. Failures: those of M(check_in_the_clear) and M(check_owner), and the host's."""
    # Bad input shows before the host is asked.
    listen = [parse_listen(text) for text in args["listen"]]
    check_in_the_clear(args["insecure"], parse_allow(args["allow"]))
    record = read_record(fleet.endpoints_folder, host)
    answer = exchange.plan()
    if not args["take_over"]:
        check_owner(fleet, host, answer["certificate"], record)
    if answer["changed"] and not fleet.check_mode:
        answer = exchange.apply()
    result = as_result(answer)
    url = advertised_url(result, listen, advertise=args["advertise"], ansible_host=ansible_host)
    result["warnings"].append(about_the_clear(host, url, result["allow"]))
    if not fleet.check_mode:
        publish_plain(fleet, host, result, url=url, asked=asked_options(args))
    return result


def about_the_clear(host: str, url: str, allow: t.Sequence[str]) -> str:
    """Return the warning."""
    return (
        f"The Docker daemon of {host} is open in the clear: whoever reaches {url} from {', '.join(allow)} is root on "
        f"{host}, and what is sent can be read and changed on the way."
    )
