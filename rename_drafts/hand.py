"""Small changes by exact text: each skips, and says so, when its text is gone. One module for the function's entry."""
from __future__ import annotations

import subprocess
from pathlib import Path

from lib import note, tracked, write

ENTRY = '''"""The entry point that the package names for Lambda: `ownertag.handler.lambda_function.handler`.

In Lambda it is built while this module is imported: Lambda does so while it prepares an environment, with more processor
time than later, and without holding up a message. So settings, catalogue and clients are ready for the first batch, and
wrong settings show as an error of the start, not of a message. Anywhere else it is built at the first call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from ownertag.aws.times import new_session
from ownertag.handler.settings import read_environment
from ownertag.handler.wiring import Context, Handler, build


@cache
def _built() -> Handler:
    environment, session = read_environment(os.environ), new_session()
    # Clients in the accounts are built when they are needed, by the same session: it keeps EC2's model and endpoints.
    session.client(
        "ec2", region_name=environment.organization.home_region, endpoint_url=environment.endpoint_url
    ).close()
    return build(environment, session)


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tag the creations of a batch of the queue; name the messages that are returned."""
    return _built()(event, context)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # Lambda sets it (developer guide, "Defined runtime environment variables")
    _built()
'''
#: What the two files were when this was written: where one has changed, it is left to hands.
ENTRY_BUILD = "return build(read_environment(os.environ))"


def run() -> None:
    package = Path("src/ownertag/cli/whois/__init__.py")
    if package.exists() and "import whois" not in package.read_text():  # `cli.app` takes a command's function from its module
        imports = "from __future__ import annotations\n\nfrom ownertag.cli.whois.command import whois\n\n"
        write(package, package.read_text().rstrip("\n") + "\n\n" + imports + '__all__ = ["whois"]\n')
    init, entry = Path("src/ownertag/handler/at_init.py"), Path("src/ownertag/handler/entry.py")
    if init.exists() and entry.exists():
        if ENTRY_BUILD in entry.read_text() and "return build(environment, session)" in init.read_text():
            subprocess.run(["git", "rm", "-q", "-f", str(init), str(entry)], check=True)
            new = Path("src/ownertag/handler/lambda_function.py")
            write(new, ENTRY)
            subprocess.run(["git", "add", str(new)], check=True)
            for path in tracked("*.py", "*.md", "*.yaml", "*.toml"):
                text = path.read_text("utf-8")
                fixed = text.replace('("ownertag.handler.at_init", "ownertag.handler.entry")', '("ownertag.handler.lambda_function",)')
                for a in ("handler.at_init", "handler.entry"):
                    fixed = fixed.replace(a, "handler.lambda_function")
                for a in ("handler/at_init", "handler/entry"):
                    fixed = fixed.replace(a, "handler/lambda_function")
                fixed = fixed.replace("from ownertag.handler import entry\n", "from ownertag.handler import lambda_function\n")
                if path.name == "test_environment.py":
                    import re
                    fixed = re.sub(r"(?<![\w.])entry\.", "lambda_function.", fixed)
                fixed = fixed.replace("handler.lambda_function as entry", "handler.lambda_function as lambda_function")
                if fixed != text:
                    write(path, fixed)
        else:
            note("hand: handler/entry.py or at_init.py changed: make lambda_function.py by hand")
