"""`python -m plcli` and the `plcli` script: the process from its first moment to its last."""

from __future__ import annotations

import gc
import os
from importlib import import_module


def main() -> None:
    """Run the command line and leave."""
    # Collecting garbage costs a third of a short run, and frees nothing that the end of the process does not free.
    gc.disable()
    try:
        # Not at the top: whoever presses Ctrl-C while it loads wants no traceback.
        import_module("plcli.app").run_and_leave()
    except KeyboardInterrupt:
        os._exit(130)


if __name__ == "__main__":
    main()
