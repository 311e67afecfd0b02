# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificate revocation lists (RFC 5280, 5), for what reads them: method C(gateway); dockerd does not."""

from __future__ import annotations

__all__ = ("revocation_list",)

import datetime
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509

from .profile import BACKDATE, Signer, authority_key_id, digest_for


def revocation_list(
    serial_numbers: t.Iterable[int], *, signer: Signer, validity: datetime.timedelta, now: datetime.datetime
) -> x509.CertificateRevocationList:
    """Return the signer's list of these certificates of its own.

    A verifier refuses everybody once the list has expired, so C(validity) is how long a host can do without a run. It
    never ends after the signer's certificate. The number of the list (RFC 5280, 5.2.3) is the time in seconds.
    """
    last = min(now + validity, signer.certificate.not_valid_after_utc)
    builder = x509.CertificateRevocationListBuilder().issuer_name(signer.certificate.subject)
    builder = builder.last_update(now - BACKDATE).next_update(last)
    builder = builder.add_extension(authority_key_id(signer), critical=False)
    builder = builder.add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    for number in sorted(set(serial_numbers)):
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now - BACKDATE)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(signer.key, digest_for(signer.key))
