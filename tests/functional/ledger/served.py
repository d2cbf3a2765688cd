"""DynamoDB on moto, in a process of its own. Run: `python -m ledger.served`; it prints its port and serves.

One request at a time: see `ledger.table.OneByOne`. A request whose client was killed is carried out all the same.
"""

from __future__ import annotations

import logging
import sys

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app))
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()
