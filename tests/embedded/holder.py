"""A process that holds the embedded servers until its standard input ends; run as `holder.py DATA_DIR [fast]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from erp_core.kernel.embedded.servers import embedded_servers


def main() -> None:
    """Print the addresses in one line of JSON once the servers answer."""
    with embedded_servers(Path(sys.argv[1]), durable="fast" not in sys.argv) as servers:
        answer = {"superuser_url": servers.superuser_url(), "redis_url": servers.redis_url}
        print(json.dumps({**answer, "secret": servers.secret("erp_app")}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
