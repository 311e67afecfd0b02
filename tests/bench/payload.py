# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible sends to a host for a module: our share of the archive, compressed and encoded, in bytes.

C(python -m tests.bench.payload MODULE...), with the collection on ANSIBLE_COLLECTIONS_PATH; prints JSON.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import typing as t
import zipfile
from dataclasses import asdict, dataclass

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar


@dataclass(frozen=True)
class Payload:
    """Our files in a module's archive; Ansible's own are the same for every module."""

    files: int
    size: int


def main(modules: t.Sequence[str]) -> None:
    init_plugin_loader([])
    print(json.dumps({module: payload and asdict(payload) for module, payload in zip(modules, map(_payload, modules))}))


def _payload(module: str) -> Payload | None:
    """Return None if there is no such module."""
    path = module_loader.find_plugin_with_context(module).plugin_resolved_path
    if path is None:
        return None
    variables = {"ansible_python_interpreter": "/usr/bin/python3"}
    built = modify_module(
        module_name=module,
        module_path=path,
        module_args={},
        templar=Templar(loader=DataLoader()),
        task_vars=variables,
        module_compression="ZIP_DEFLATED",
    )
    encoded = max(re.findall(rb"[A-Za-z0-9+/=]{1000,}", built.b_module_data), key=len)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(encoded))) as archive:
        ours = [entry.compress_size for entry in archive.infolist() if "/gangway/" in entry.filename]
    return Payload(len(ours), sum(ours) * 4 // 3)


if __name__ == "__main__":
    main(sys.argv[1:])
