"""`python -m plcli` and the `plcli` script."""

from __future__ import annotations

import gc

# Before anything heavy is imported: collecting garbage costs a third of a short run, and frees nothing
# that the end of the process does not free.
gc.disable()

from plcli.app import run_and_leave as main  # noqa: E402

if __name__ == "__main__":
    main()
