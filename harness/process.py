"""Memory and processor time of a process. Standard library alone: the compared tools' processes use it too."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def peak_kb(pid: int | None = None) -> int:
    """The most memory that this process, or another one on Linux, ever held.

    In KB, by Linux's count for its program: what `getrusage` tells begins with the process that forked it.
    """
    status = Path("/proc") / (str(pid) if pid else "self") / "status"
    if status.exists():
        found = [line.split()[1] for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:")]
        return int(found[0])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process on Linux used, by itself and in the kernel."""
    fields = (Path("/proc") / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
