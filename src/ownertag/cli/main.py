"""`ownertag`: the commands, each imported only when it runs, so that `--help` answers at once.

What ends any of them is told here, in a line: Ctrl-C, a pipe whose reader has gone, a disk that is full.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

#: As shells have it for a program that a signal ended: SIGINT and SIGPIPE.
INTERRUPTED, PIPE_CLOSED = 130, 141
#: It could not be done, and nothing else was wrong.
NOT_WRITTEN = 1
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run() -> None:
    """Runs the command line."""
    _prepare_streams()
    try:
        code = _run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("ended by Ctrl-C")
        code = INTERRUPTED
    except OSError as error:
        code = _unwritten(error)
    sys.exit(code)


def _run() -> int:
    from ownertag.cli.app import app

    try:
        app()
    except SystemExit as end:
        # Typer ends for both of these by itself: without a word, and with 1, which here means that something was found.
        if isinstance(cause := _cause(end), KeyboardInterrupt | BrokenPipeError):
            raise cause from None
        if isinstance(end.code, str):
            raise
        return end.code or 0
    return 0


def _cause(end: SystemExit) -> BaseException | None:
    """What Typer ended for. No further back: a broken pipe to AWS is none of ours."""
    return end.__context__.__cause__ if end.__context__ and end.__context__.__cause__ else end.__context__


def _prepare_streams() -> None:
    """Writes what a stream's encoding lacks as an escape; a stream that is closed takes everything."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - to the end
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _unwritten(error: OSError) -> int:
    """Ends without a word where nobody reads any more, and with one where what was printed is lost."""
    if not isinstance(error, BrokenPipeError) and error.errno not in _DISK:
        raise error
    # What is in the buffer would fail again when Python ends.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return PIPE_CLOSED
    # Whether it was standard output or a file, the error does not tell where that was open already.
    _say(f"{error.filename or 'what was printed'}: can't be written: {error.strerror}")
    return NOT_WRITTEN


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"ownertag: {text}\n")
        sys.stderr.flush()
