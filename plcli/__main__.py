"""`python -m plcli` and the `plcli` script."""

from __future__ import annotations

from plcli.app import run_and_leave as main

if __name__ == "__main__":
    main()
