# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd_info: see DOCUMENTATION of the module."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.execution import HostFailure, observe
from ansible_collections.gangway.docker.plugins.plugin_utils._report.report import report


class ActionModule(ActionBase):
    """Derives the result from the raw observation, which has secrets of the host in it."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        # The module's options are for dockerd_listener.
        self.validate_argument_spec(argument_spec={})
        try:
            result.update(report(observe(self, task_vars or {})), changed=False)
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        except HostFailure as exc:
            result.update(exc.result)
        return result
