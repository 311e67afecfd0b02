# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contexts as files: what C(docker context export) writes, and C(docker context import) reads (cli/context/store)."""

from __future__ import annotations

__all__ = ("LARGEST", "pack", "unpack")

import io
import stat
import tarfile
import typing as t
import zipfile
import zlib

from .._shared.failure import Failure
from .store import Context, parse_meta, render_meta

#: Bytes, of the archive and of what is in it. The CLI has the same limit.
LARGEST = 10 << 20
_META = "meta.json"
_TLS = "tls"
_ZIP = b"PK\x03\x04"


def pack(name: str, context: Context) -> bytes:
    """Return the tar archive; the same context gives the same bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, _META, render_meta(name, context))
        _add(archive, _TLS, None)
        for endpoint, files in sorted(context.tls.items()):
            _add(archive, f"{_TLS}/{endpoint}", None)
            for file, content in sorted(files.items()):
                _add(archive, f"{_TLS}/{endpoint}/{file}", content or b"", 0o600)
    return stream.getvalue()


def _add(archive: tarfile.TarFile, path: str, content: bytes | None, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(path)
    if content is None:
        member.type, member.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(member)
        return
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def unpack(content: bytes, path: str) -> Context:
    """Return the context in a tar or zip archive. Failures: C(context_archive_invalid), C(context_unreadable)."""
    try:
        if len(content) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
        return _context(_zipped(content) if content.startswith(_ZIP) else _tarred(content), path)
    # RuntimeError: encrypted; NotImplementedError: a way to compress that Python does not know.
    except (ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as exc:
        raise Failure(
            "context_archive_invalid",
            thing=path,
            reason=f"it is not an exported docker context ({exc or type(exc).__name__})",
            cure="Export it again: docker context export NAME, or export_to",
        ) from exc


def _tarred(content: bytes) -> t.Iterator[tuple[str, bytes]]:
    # The CLI's own exports end with the last byte of the last file, without what has to fill the block.
    complete = content + bytes(-len(content) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
    with tarfile.open(fileobj=io.BytesIO(complete), mode="r:") as archive:
        for member in archive:
            if member.offset_data + member.size > len(content):
                raise ValueError("its end is missing")
            # No links, and no sparse files, which are larger than their archive.
            if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse():
                stream = archive.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()


def _zipped(content: bytes) -> t.Iterator[tuple[str, bytes]]:
    left = LARGEST
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.is_dir() or stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                continue
            with archive.open(member) as stream:
                read = stream.read(left + 1)
            left -= len(read)
            if left < 0:
                raise ValueError(f"it holds more than {LARGEST >> 20} MiB")
            yield member.filename, read


def _context(files: t.Iterable[tuple[str, bytes]], path: str) -> Context:
    found: Context | None = None
    tls: dict[str, dict[str, t.Optional[bytes]]] = {}
    for name, content in files:
        if name == _META:
            found = parse_meta(content, f"{path}: {name}")
            continue
        top, _slash, rest = name.partition("/")
        endpoint, _slash, file = rest.partition("/")
        if top != _TLS or not _is_file_name(endpoint) or not _is_file_name(file):
            raise ValueError(f"unexpected file {name!r}")
        tls.setdefault(endpoint, {})[file] = content
    if found is None:
        raise ValueError("there is no meta.json in it")
    return Context(found.metadata, found.endpoints, tls)


def _is_file_name(name: str) -> bool:
    """Whether it is one name, and no path, on any system."""
    return name not in ("", ".", "..") and not any(character in name for character in "/\\:") and name.isprintable()
