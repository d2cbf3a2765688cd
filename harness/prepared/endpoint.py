"""Serves prepared answers on 127.0.0.1, each after a delay, and counts the calls by API: `python -m` with a file.

Prints its port; when its standard input ends, it prints the counts as JSON and ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.prepared.answers import PreparedAnswers


class _Endpoint:
    def __init__(self, answers: PreparedAnswers, delay: float) -> None:
        self._answers = answers
        self._delay = delay
        self.counts: Counter[str] = Counter()
        self.at_once = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        try:
            while line := await reader.readline():
                _, target, _ = line.decode().split(" ", 2)
                headers = {}
                while (line := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = line.decode().partition(":")
                    headers[name.strip().lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length") or 0))
                self.at_once += 1
                self.most = max(self.most, self.at_once)
                answer = self._answers.answer(target, headers, body)
                self.counts[answer.api] += 1
                await asyncio.sleep(self._delay)
                self.at_once -= 1
                head = f"Content-Type: {answer.type}\r\nContent-Length: {len(answer.body)}\r\n"
                writer.write(f"HTTP/1.1 {answer.status} .\r\n{head}\r\n".encode() + answer.body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _main(file: str, delay: float) -> None:
    endpoint = _Endpoint(PreparedAnswers(json.loads(Path(file).read_text("utf-8"))), delay)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"calls": endpoint.counts, "at_once": endpoint.most}), flush=True)
    server.close()


class Served:
    """A running endpoint: its address, and what it counted once it has ended."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: dict[str, int] = {}
        self.at_once = 0


@contextmanager
def serving(deployment: dict[str, Any], folder: Path, delay: float) -> Iterator[Served]:
    """Serves from a process of its own, for as long as the `with` block lasts."""
    file = folder / "deployment.json"
    file.write_text(json.dumps(deployment), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.prepared.endpoint", str(file), str(delay)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    served = Served(f"http://127.0.0.1:{process.stdout.readline().strip()}")
    try:
        yield served
    finally:
        told, _ = process.communicate()
        counted = json.loads(told)
        served.calls, served.at_once = counted["calls"], counted["at_once"]


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2])))
