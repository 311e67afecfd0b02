# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of all that works on a fleet's folder."""

    DOCUMENTATION = r"""
options:
  fleet:
    description: The daemons and clients that trust one authority; a folder below O(home).
    type: str
    default: default
  home:
    description: The folder on the controller that holds the fleets.
    type: path
    default: ~/.docker/gangway
  passphrase:
    description:
      - Opens the authority's key, and encrypts it when it is made. Best from a vaulted variable.
      - It stays on the controller, in memory.
    type: str
requirements:
  - cryptography on the controller
"""

    IDENTITY = r"""
options:
  key_type:
    description: The type of the identities' keys. An identity with a key of another type is made anew.
    type: str
    choices: [ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, rsa_4096, ed25519]
    default: ecdsa_p256
  validity:
    description: Days that new identities are valid.
    type: int
    default: 365
  renew_before:
    description:
      - When an identity is renewed, as days before it expires (V(30), V(30d)) or as the share of its life that is left
        (V(25%)). Left out, it is one third of its life.
    type: str
  sign_command:
    description:
      - A command on the controller that signs instead of an authority's key, for a CA that is kept elsewhere. It gets a
        certificate request (CSR, PEM) on stdin, and prints the certificate and those above it (PEM) to stdout.
      - The words are split as a shell does, and no shell is run. C(GANGWAY_KIND) (V(server) or V(client)),
        C(GANGWAY_NAME) and C(GANGWAY_NAMES) (with commas) are in its environment.
      - The authority's certificate has to be there, see O(gangway.docker.tls_bundle#module:authority_certificate).
    type: str
"""

    AUTHORITY = r"""
options:
  authority_key_type:
    description: The type of the authority's key, when it is made.
    type: str
    choices: [ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, rsa_4096, ed25519]
    default: ecdsa_p256
  authority_validity:
    description: Days that the authority is valid, when it is made.
    type: int
    default: 3650
  authority_certificate:
    description:
      - A file on the controller with the certificate of a CA of your own, in PEM, to be the fleet's authority. Where it
        is no root, the certificates above it come behind it, up to the root.
      - Daemons let in the clients that this CA has signed for, and not those of CAs above it.
    type: path
  authority_key:
    description:
      - A file on the controller with the key of O(authority_certificate). It is copied into the fleet's folder,
        encrypted if it is so or if there is a O(passphrase).
      - Left out, O(sign_command) has to sign.
    type: path
"""
