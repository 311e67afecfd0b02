# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of one identity, or of the authority: for results and diffs, which never show a key."""

from __future__ import annotations

__all__ = ("Outcome",)

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509

from .._pki.freshness import CertificateSpec, fingerprint, not_after_of
from .._pki.keys import key_type_of
from .._pki.names import names_in


@dataclass(frozen=True)
class Outcome:
    """What became of one identity, or of the authority; C(certificate) is None where check mode left it unmade."""

    kind: str
    name: str
    folder: str
    reasons: tuple[str, ...]
    spec: CertificateSpec
    before: x509.Certificate | None
    certificate: x509.Certificate | None
    #: What was (would be) corrected without a new certificate.
    drift: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.reasons or self.drift)

    def as_result(self) -> dict[str, t.Any]:
        facts: dict[str, t.Any] = {
            "kind": self.kind,
            "name": self.name,
            "path": self.folder,
            "changed": self.changed,
            "reason": "; ".join([*self.reasons, *self.drift]),
            "key_type": self.spec.key_type,
            "tls_sans": list(self.spec.names),
        }
        if self.certificate is not None:
            facts.update(fingerprint=fingerprint(self.certificate), not_after=not_after_of(self.certificate))
        return facts

    def as_diff(self) -> dict[str, str]:
        return {
            "before_header": self.folder,
            "after_header": self.folder,
            "before": self.describe_before(),
            "after": self.describe_after(),
        }

    def describe_before(self) -> str:
        if self.before is None:
            return ""
        description = _describe(self.kind, self.name, _spec_of(self.before, self.spec))
        return f"{description}fingerprint: {fingerprint(self.before)}\n"

    def describe_after(self) -> str:
        """The same in check mode as in earnest, so no fingerprint of what is yet to be made."""
        if not self.reasons:
            corrected = f"corrected because: {'; '.join(self.drift)}\n" if self.drift else ""
            return f"{self.describe_before()}{corrected}"
        return f"{_describe(self.kind, self.name, self.spec)}made because: {'; '.join(self.reasons)}\n"


def _spec_of(certificate: x509.Certificate, spec: CertificateSpec) -> CertificateSpec:
    names = tuple(names_in(certificate)) if spec.names else ()
    return CertificateSpec(key_type_of(certificate.public_key()), names, spec.common_name)


def _describe(kind: str, name: str, spec: CertificateSpec) -> str:
    names = f"names: {', '.join(spec.names)}\n" if spec.names else ""
    return f"{kind}: {name}\nkey type: {spec.key_type}\n{names}"
