"""The handler of tools/add_days.yaml: arguments come as JSON on stdin, the answer goes to stdout as JSON."""

import json
import sys
from datetime import date, timedelta

given = json.load(sys.stdin)
try:
    day = date.fromisoformat(given["date"]) + timedelta(days=given["days"])
except (OverflowError, ValueError) as error:
    # What stands on stderr when it fails is told to the model, which may try again.
    sys.exit(str(error))
print(json.dumps({"date": day.isoformat(), "weekday": f"{day:%A}"}))
