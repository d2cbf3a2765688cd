"""Inflates every file by isal and does nothing else: `python -m benchmarks.logs.bare FOLDER PROCESSES plain|sized`.

`plain` is the one call that everybody makes. `sized` is the fastest that was found: a buffer of the size that gzip's
trailer says, and memory that is not given back to the system between files. That is the limit of any scan by isal.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys

from isal import igzip_lib, isal_zlib


def plain(path: str) -> int:
    """How many bytes a file holds."""
    return len(isal_zlib.decompress(_read(path), 31))


def sized(path: str) -> int:
    """How many bytes a file holds."""
    data = _read(path)
    said = int.from_bytes(data[-4:], "little")
    return len(igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP).decompress(data, said + 1))


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    data = os.read(file, os.fstat(file).st_size)
    os.close(file)
    return data


def main(folder: str, processes: int, way: str) -> None:
    """Prints how many files and bytes there were."""
    paths = [entry.path for entry in _below(folder)]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        sizes = pool.imap_unordered(sized if way == "sized" else plain, paths, chunksize=64)
        print(json.dumps({"objects": len(paths), "inflated": sum(sizes)}))


def _below(folder: str) -> list[os.DirEntry[str]]:
    found: list[os.DirEntry[str]] = []
    for entry in os.scandir(folder):
        if entry.is_dir():
            found += _below(entry.path)
        else:
            found.append(entry)
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
