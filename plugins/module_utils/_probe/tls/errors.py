# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an error of a TLS connection says about the endpoint. Pure."""

from __future__ import annotations

__all__ = ("is_refusal", "problem_of", "verification_state")

import re
import socket
import ssl

from ..states import Problem

#: RFC 8446, 6.2: the alerts by which a server refuses a client's certificate, as OpenSSL and Python name them.
_REFUSAL = re.compile(
    "ALERT[_ ]((BAD|UNSUPPORTED)[_ ]CERTIFICATE|CERTIFICATE[_ ](REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN[_ ]CA"
    "|ACCESS[_ ]DENIED)",
    re.IGNORECASE,
)
_TOO_OLD = re.compile("PROTOCOL[_ ]VERSION|UNSUPPORTED[_ ]PROTOCOL|VERSION[_ ]TOO[_ ]LOW", re.IGNORECASE)
_NOT_TLS = re.compile(
    "WRONG[_ ](SSL[_ ])?VERSION|UNKNOWN[_ ]PROTOCOL|RECORD[_ ]LAYER[_ ]FAILURE|PACKET[_ ]LENGTH[_ ]TOO[_ ]LONG"
    "|HTTP[_ ]REQUEST|BAD[_ ]RECORD[_ ]TYPE|INVALID[_ ]ALERT",
    re.IGNORECASE,
)
#: x509_vfy.h, X509_V_ERR_*: by number.
_STATES = {
    2: "unknown_ca",
    9: "server_not_yet_valid",
    10: "server_expired",
    18: "unknown_ca",
    19: "unknown_ca",
    20: "unknown_ca",
    21: "unknown_ca",
    62: "wrong_name",
    64: "wrong_name",
}


def is_refusal(exc: BaseException) -> bool:
    """Whether it is an alert about the client's certificate. A connection that breaks is none."""
    return isinstance(exc, ssl.SSLError) and _REFUSAL.search(exc.reason or "") is not None


def verification_state(exc: ssl.SSLCertVerificationError) -> str:
    """Return the state for a server's certificate that OpenSSL does not accept."""
    return _STATES.get(exc.verify_code, "certificate_invalid")


def problem_of(exc: BaseException) -> Problem:
    """Return what is wrong, where it is neither the server's certificate nor the client's."""
    if isinstance(exc, socket.timeout):
        return Problem("silent", "the port accepts connections, and nothing comes")
    if isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or not isinstance(exc, ssl.SSLError):
        return Problem("broken_off", f"the connection ends without an answer ({_text(exc)})")
    reason = exc.reason or str(exc)
    if _NOT_TLS.search(reason):
        return Problem("not_tls", f"the port does not speak TLS ({reason})")
    if _TOO_OLD.search(reason):
        return Problem("tls_too_old", f"the port speaks no TLS 1.2 ({reason})")
    if "EOF" in reason:
        return Problem("broken_off", f"the connection ends without an answer ({reason})")
    return Problem("tls_failed", f"TLS failed ({reason})")


def _text(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__
