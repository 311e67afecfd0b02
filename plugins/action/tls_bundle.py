# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_bundle runs on the controller, in this process: the authority's key is nowhere else, and no round trip is due."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._pki.ensure import BUNDLE_ARGUMENTS, ensure_bundles
from ansible_collections.gangway.docker.plugins.module_utils._pki.fleet import Fleet, Settings


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=BUNDLE_ARGUMENTS)
        settings = Settings(
            key_type=args["key_type"],
            validity=args["validity"],
            authority_key_type=args["authority_key_type"],
            authority_validity=args["authority_validity"],
            passphrase=args["passphrase"],
        )
        try:
            fleet = Fleet(args["home"], args["fleet"], settings, check_mode=self._task.check_mode)
            result.update(ensure_bundles(fleet, args["clients"], args["servers"]))
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        return result
