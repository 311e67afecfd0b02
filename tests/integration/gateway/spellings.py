# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to write a path that some server takes for that path, or that may make two servers disagree about it."""

from __future__ import annotations

import typing as t

_SPELLINGS: dict[str, t.Callable[[str], str]] = {
    "plain": lambda path: path,
    "query": lambda path: f"{path}?all=1",
    "version": lambda path: f"/v1.41{path}",
    "version that no engine has": lambda path: f"/v999.9{path}",
    "long version": lambda path: f"/v{'0' * 2000}1.41{path}",
    "two versions": lambda path: f"/v1.41/v1.41{path}",
    "capital version": lambda path: f"/V1.41{path}",
    "version without a point": lambda path: f"/v1{path}",
    "version with two points": lambda path: f"/v1.41.1{path}",
    "version with dots only": lambda path: f"/v..{path}",
    "version after //": lambda path: f"//v1.41{path}",
    "version before //": lambda path: f"/v1.41/{path}",
    "//": lambda path: f"/{path}",
    "// throughout": lambda path: path.replace("/", "//"),
    "trailing /": lambda path: f"{path}/",
    "trailing //": lambda path: f"{path}//",
    "trailing .": lambda path: f"{path}.",
    "trailing /.": lambda path: f"{path}/.",
    "trailing /..": lambda path: f"{path}/x/..",
    "trailing ;": lambda path: f"{path};",
    "parameters": lambda path: f"{path};x=/info",
    "parameters before": lambda path: f"/;x{path}",
    "/.": lambda path: f"/.{path}",
    "from an allowed path": lambda path: f"/info/..{path}",
    "from an allowed path, %2e": lambda path: f"/info/%2e%2e{path}",
    "from an allowed path, %2f": lambda path: f"/info%2f..{path}",
    "from an allowed name": lambda path: f"/networks/..{path}",
    "from an allowed name, %2e": lambda path: f"/networks/%2e%2e{path}",
    "from an allowed name, %2f": lambda path: f"/networks/bridge%2f..%2f..{path}",
    "as an allowed name": lambda path: f"/containers{path}/stats",
    "as an allowed name, up": lambda path: f"/containers/x/..{path}/stats",
    "a letter encoded": lambda path: f"/%{ord(path[1]):02x}{path[2:]}",
    "last letter encoded": lambda path: f"{path[:-1]}%{ord(path[-1]):02X}",
    "all encoded": lambda path: "/" + "".join(f"%{ord(letter):02x}" for letter in path[1:]),
    "encoded twice": lambda path: f"/%25{ord(path[1]):02x}{path[2:]}",
    "%u": lambda path: f"/%u00{ord(path[1]):02x}{path[2:]}",
    "%2f": lambda path: f"/{path[1:].replace('/', '%2f')}",
    "%2F first": lambda path: f"/%2F{path[1:]}",
    "%5c": lambda path: f"/{path[1:].replace('/', '%5c')}",
    "backslash first": lambda path: f"/\\{path[1:]}",
    "%00": lambda path: f"{path}%00",
    "%00 and an allowed path": lambda path: f"{path}%00/info",
    "%09": lambda path: f"{path}%09",
    "%0a": lambda path: f"{path}%0a",
    "%0d%0a": lambda path: f"{path}%0d%0a",
    "%20": lambda path: f"{path}%20",
    "%20 HTTP/1.1": lambda path: f"{path}%20HTTP/1.1",
    "%23": lambda path: f"{path}%23",
    "%3f": lambda path: f"{path}%3fall=1",
    "%3b": lambda path: f"{path}%3b",
    "%": lambda path: f"{path}%",
    "%zz": lambda path: f"{path}%zz",
    "%c0%af": lambda path: f"/%c0%af{path[1:]}",
    "query of an allowed path": lambda path: f"/info?{path}",
    "capitals": str.upper,
    "last letter capital": lambda path: f"{path[:-1]}{path[-1].upper()}",
    "absolute": lambda path: f"http://docker{path}",
    "absolute, https": lambda path: f"https://docker{path}",
    "absolute, of the socket": lambda path: f"unix://docker{path}",
    "absolute, no host": lambda path: f"http://{path}",
    "absolute, allowed userinfo": lambda path: f"http://info@docker{path}",
    "as userinfo": lambda path: f"@docker{path}",
    "very long name": lambda path: f"{path}{'x' * 4000}",
}
#: What is no HTTP. HAProxy ends the connection, and each needs another handshake.
_MALFORMED: dict[str, t.Callable[[str], str]] = {
    "as an allowed name, backslashes": lambda path: f"/containers/..{path}/stats".replace("/", "\\"),
    "backslash": lambda path: path.replace("/", "\\"),
    "fragment": lambda path: f"{path}#/info",
    "fragment of an allowed path": lambda path: f"/info#{path}",
    "after a query": lambda path: f"?{path}",
    "without /": lambda path: path[1:],
    "absolute, path as userinfo": lambda path: f"http://x{path}@docker/info",
    "absolute, other port": lambda path: f"http://docker:2375{path}",
    "tab before": lambda path: f"\t{path}",
    "tab after": lambda path: f"{path}\t",
    "space within": lambda path: f"{path} /info",
    "two spaces": lambda path: f" {path}",
    "NUL": lambda path: f"{path}\0",
    "NUL and an allowed path": lambda path: f"/info\0{path}",
    "vertical tab": lambda path: f"{path}\x0b",
    "bare CR": lambda path: f"{path}\r",
    "bare LF": lambda path: f"{path}\n",
    "LF and an allowed path": lambda path: f"/info\n{path}",
    "DEL": lambda path: f"{path}\x7f",
    "a byte of no character": lambda path: f"{path}\xff",
    "wide dots": lambda path: f"/info/\xc0\xae\xc0\xae{path}",
    "longer than a buffer": lambda path: f"{path}?{'x' * 20000}",
    "*": lambda path: "*",
}


def spellings_of(path: str) -> dict[str, str]:
    """Return the path in each spelling. C(NAME) is an existing container, image and so on, if possible."""
    return {name: spell(_named(path)) for name, spell in _SPELLINGS.items()}


def malformed_spellings_of(path: str) -> dict[str, str]:
    return {name: spell(_named(path)) for name, spell in _MALFORMED.items()}


def _named(path: str) -> str:
    kind = path.split("/")[1]
    return path.replace("NAME", {"containers": "witness", "networks": "bridge", "images": "bb"}.get(kind, "some"))
