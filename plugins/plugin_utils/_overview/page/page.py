# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overview as one page of HTML that needs no other file, and no network.

What records say is untrusted: the template escapes everything, and the page's policy runs no script but its own.
"""

from __future__ import annotations

__all__ = ("make_page",)

import base64
import functools
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup

from ..model import Overview
from ..text import as_encodable
from .view import make_view

_FOLDER = Path(__file__).parent


def make_page(overview: Overview) -> str:
    """Return the page."""
    style, script = (_content(name) for name in ("audit.css", "audit.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = _environment().get_template("audit.html.j2")
    # Text from files of this folder, which is no text of records.
    page = template.render(
        view=make_view(overview),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        script_digest=digest,
    )
    return as_encodable(page)


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _content(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
