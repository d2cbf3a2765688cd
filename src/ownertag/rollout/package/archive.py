"""Zips a folder to the same bytes each time: names sorted, times and modes fixed.

Another build of zlib may compress the same files to other bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from msgspec import Struct

#: The first time that a zip can hold.
_TIME = (1980, 1, 1, 0, 0, 0)
#: Lambda runs the function as a user who owns none of the files: everybody must be able to read them.
_MODE = stat.S_IFREG | 0o644
_UNIX = 3


class Share(Struct):
    """A part of a package: how many files, their bytes, and their bytes in the zip."""

    name: str
    files: int = 0
    size: int = 0
    zipped: int = 0


def write(folder: Path, path: Path, share_of: Callable[[str], str]) -> tuple[str, list[Share]]:
    """Zips a folder. An older file stays until the new one is complete.

    Args:
        folder: What goes in.
        path: The zip.
        share_of: The share that a file belongs to, by its name in the zip.

    Returns:
        The zip's SHA-256 in hex, and its shares, the largest first.

    Raises:
        OSError: The zip can't be written; nothing is left of it.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    shares: dict[str, Share] = {}
    try:
        with ZipFile(half, "w", ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()):
                info = ZipInfo(name, _TIME)
                info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, _UNIX, _MODE << 16
                archive.writestr(info, (folder / name).read_bytes())
                share = shares.setdefault(share_of(name), Share(share_of(name)))
                share.files += 1
                share.size += info.file_size
                share.zipped += info.compress_size
        digest = hashlib.sha256(half.read_bytes()).hexdigest()
        half.replace(path)
    finally:
        with suppress(FileNotFoundError):
            half.unlink()
    return digest, sorted(shares.values(), key=lambda share: -share.zipped)
