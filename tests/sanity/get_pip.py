# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the get-pip.py that ansible-test would download: pip comes from Python's own ensurepip."""

from __future__ import annotations

import ensurepip
import subprocess
import sys
from pathlib import Path

#: The system's certificates: a company's proxy is trusted there, and pip before 24.2 does not look.
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

ensurepip.bootstrap()
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
trust = [f"--cert={SYSTEM_CERTIFICATES}"] if SYSTEM_CERTIFICATES.is_file() else []
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *trust, *wanted]))
