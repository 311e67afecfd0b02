# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of everything that works on a fleet's folder."""

    DOCUMENTATION = r"""
options:
  fleet:
    description: The daemons and clients that trust one authority; a folder below O(fleets_dir).
    type: str
    default: default
  fleets_dir:
    description: The folder on the controller that holds the fleets.
    type: path
    default: ~/.docker/gangway
  passphrase:
    description:
      - Opens the authority's key, and encrypts it when it is made. Best from a vaulted variable.
      - It stays on the controller, in memory.
    type: str
  variables_prefix:
    description:
      - Takes each option that is not set from the variable of this prefix and the option's name. With V(expose_),
        O(fleet) is the variable C(expose_fleet), if there is one.
      - The roles pass on their variables this way.
      - A variable that the host has returned as a fact is refused.
    type: str
notes:
  - An option with an empty value is the same as one that is not set.
requirements:
  - cryptography on the controller
"""

    IDENTITY = r"""
options:
  key_type:
    description: The type of the identities' keys. An identity with another type of key gets a new key and certificate.
    type: str
    choices: [ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, rsa_4096, ed25519]
    default: ecdsa_p256
  validity:
    description: How long new certificates are valid, in days (V(365), V(365d)) or hours (V(12h)).
    type: str
    default: 365d
  renew_before:
    description:
      - When certificates are renewed, as a duration before they expire (V(30), V(30d), V(12h)) or as the share of their
        life that is left (V(25%)). The default is one third of their life.
    type: str
  sign_command:
    description:
      - A command on the controller that signs instead of an authority's key, for a CA that is kept elsewhere. It gets a
        certificate request (CSR, PEM) on stdin, and prints the certificate and its chain (PEM) to stdout.
      - The words are split as a shell does, and no shell is run. C(GANGWAY_KIND) (V(server) or V(client)),
        C(GANGWAY_NAME) and C(GANGWAY_NAMES) (with commas) are in its environment.
      - The authority's certificate has to be given, see O(gangway.docker.tls_bundle#module:authority_certificate).
      - The first run that names a command records it in the fleet's folder. Later runs need not name it, and another
        one is refused.
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
    description: How long a new authority is valid, in days (V(3650), V(3650d)) or hours (V(12h)).
    type: str
    default: 3650d
  authority_certificate:
    description:
      - A file on the controller with the certificate of a CA of your own, in PEM, as the fleet's authority. For an
        intermediate CA, append the chain up to the root.
      - Daemons accept the clients that this CA has signed, and not those of the CAs in its chain.
    type: path
  authority_key:
    description:
      - A file on the controller with the key of O(authority_certificate). It is copied into the fleet's folder,
        encrypted if it is encrypted or if there is a O(passphrase).
      - Without it, O(sign_command) has to sign.
    type: path
"""
