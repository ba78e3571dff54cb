"""Functions that tools call; `plcli tools import handlers/units.py:convert` made tools/convert.yaml of this one."""

from typing import Literal

Unit = Literal["m", "km", "mi", "ft"]

METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048}


def convert(length: float, unit: Unit, to: Unit = "m") -> float:
    """Convert a length from one unit to another.

    Args:
        length: How long it is.
        unit: The unit that it is given in.
        to: The unit that is wanted.
    """
    return round(length * METRES[unit] / METRES[to], 6)
