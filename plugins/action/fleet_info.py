# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fleet_info: see DOCUMENTATION of the module."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options import DEFAULT_FLEETS_DIR
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._options.completion import complete_options
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.folders import fleet_names, read_fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.live import check_timeout, probe_all
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import SEVERITIES, Overview
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.overview import make_overview, visits_of
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.page.page import make_page
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.files import Report, write_reports
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.prometheus import make_metrics
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.result import as_json, as_result
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.table import make_table
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.severe import check_severity
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock

_display = Display()
#: Metrics are for everyone on the machine. The others say where an attacker would begin.
_REPORTS: dict[str, tuple[int, t.Callable[[Overview], str]]] = {
    "json_file": (0o600, as_json),
    "prometheus_file": (0o644, make_metrics),
    "html_file": (0o600, make_page),
}


class ActionModule(ActionBase):
    """Reads the fleets' folders, probes the endpoints if asked, and reports."""

    _requires_connection = False
    _supports_check_mode = True

    arguments: t.ClassVar[dict[str, t.Any]] = {
        "fleets": {"type": "list", "elements": "str", "default": []},
        "fleets_dir": {"type": "path", "default": DEFAULT_FLEETS_DIR},
        "live": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 10.0},
        "client": {"type": "str"},
        "show_table": {"type": "bool", "default": False},
        **{option: {"type": "path"} for option in _REPORTS},
        "fail_severity": {"type": "str", "choices": ["never", *SEVERITIES], "default": "never"},
        "variables_prefix": {"type": "str"},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            complete_options(self, self.arguments, task_vars or {})
            _validation, args = self.validate_argument_spec(argument_spec=self.arguments)
            result.update(self._report(args))
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        return result

    def _report(self, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        overview = _look(args)
        reports = [
            Report(option, Path(args[option]).absolute(), mode, lambda make=make: make(overview))
            for option, (mode, make) in _REPORTS.items()
            if args[option]
        ]
        if not self._task.check_mode:
            write_reports(reports)
        files = [str(report.path) for report in reports]
        if args["show_table"]:
            _show(overview, [] if self._task.check_mode else files)
        result = {"changed": bool(reports), "files": files, **as_result(overview)}
        if not overview.authorities:
            result["warnings"] = [f"There are no fleets in {args['fleets_dir']}."]
        return {**result, **check_severity(overview, args["fail_severity"])}


def _look(args: t.Mapping[str, t.Any]) -> Overview:
    check_timeout(args["timeout"])
    fleets_dir, now = Path(args["fleets_dir"]).expanduser(), clock.now()
    names = list(dict.fromkeys(args["fleets"])) or fleet_names(fleets_dir)
    fleets = [read_fleet(Fleet(str(fleets_dir), name), now) for name in names]
    seen = None
    if args["live"]:
        seen = probe_all(visits_of(fleets_dir, fleets, args["client"]), timeout=args["timeout"])
    return make_overview(fleets, docker_host=os.environ.get("DOCKER_HOST"), seen=seen, now=now)


def _show(overview: Overview, files: t.Sequence[str]) -> None:
    """Print the table as it is: in the task's result, each line would be quoted."""
    colours = {"critical": constants.COLOR_ERROR, "high": constants.COLOR_ERROR, "medium": constants.COLOR_WARN}
    for line in make_table(overview):
        _display.display(line.text, color=colours.get(line.severity or ""))
    for file in files:
        _display.display(f"Wrote {file}")
