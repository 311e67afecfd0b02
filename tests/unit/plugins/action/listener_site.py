# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd_listener on the controller, with a host that is a folder."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader
from ansible.template import Templar

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    read_record,
    write_record,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in

from .folder_host import FolderHost

EXPOSED: dict[str, t.Any] = {"listen": ["10.0.0.5:2376"], "allow": ["10.0.0.0/24"]}
PLAIN: dict[str, t.Any] = {"tls": False, "insecure": True}


@dataclass
class Site:
    """A controller's fleets, and one host."""

    fleets_dir: Path
    host: FolderHost
    #: Variables of the task, as Ansible has them: templates are not resolved.
    variables: dict[str, t.Any] = field(default_factory=lambda: {"inventory_hostname": "web1"})

    @property
    def fleet(self) -> Fleet:
        return Fleet(str(self.fleets_dir), "default")

    @property
    def record(self) -> EndpointRecord:
        record = read_record(self.fleet.endpoints_folder, "web1")
        assert record is not None
        return record

    @property
    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.fleets_dir)) for path in self.fleets_dir.rglob("*") if path.is_file())

    @property
    def certificate(self) -> str:
        return self.host.text(layout.CERTIFICATE)

    @property
    def names_shown(self) -> list[str]:
        return names_in(try_chain(self.certificate.encode())[0])

    def save(self, *records: EndpointRecord) -> None:
        for record in records:
            write_record(self.fleet.endpoints_folder, record)

    def run(self, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        self.host.executed.clear()

        def execute(module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
            return self.host.execute(module_name, module_args, check_mode)

        return self.act("dockerd_listener", execute, check_mode=check_mode, **arguments)

    def act(
        self, action: str, execute: t.Callable[..., t.Any] | None = None, *, check_mode: bool = False, **args: t.Any
    ) -> dict[str, t.Any]:
        """Run an action plugin of ours for the host."""
        task_vars = {"inventory_hostname": "web1", **self.variables}
        task = Task()
        task.args = {"fleets_dir": str(self.fleets_dir), **args}
        task.check_mode = check_mode
        task.async_val = 0
        connection = mock.Mock()
        connection._play_context.no_log = False
        plugin = action_loader.get(
            f"gangway.docker.{action}",
            task=task,
            connection=connection,
            play_context=mock.Mock(),
            loader=DataLoader(),
            templar=Templar(DataLoader(), task_vars),
            shared_loader_obj=None,
        )
        with mock.patch.object(type(plugin), "_execute_module", side_effect=execute):
            result: dict[str, t.Any] = plugin.run(task_vars=task_vars)
        return result
