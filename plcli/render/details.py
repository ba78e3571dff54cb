"""What `--verbose` adds: where a request goes, and how each call of it went."""

from __future__ import annotations

from pathlib import Path

from plcli.connect import Connection
from plcli.exchange import Target
from plcli.records import Record
from plcli.render.screen import Screen


def show_connection(connection: Connection, target: Target, screen: Screen) -> None:
    """Before the call: operation, model, address, what goes along to be let in, and the limits."""
    where = connection.base_url or "this process"
    cloud = "with the cloud's own credentials" if connection.ambient else "without a key"
    key = "with a key" if connection.key else cloud
    screen.say((f"{target.operation} of {target.model} at {where}, {key}", "dim"))
    limits = f"timeout {connection.timeout:g} s, deadline {connection.deadline:g} s, {connection.retries} retries"
    screen.say((limits, "dim"))


def show_attempts(record: Record, log: Path | None, screen: Screen) -> None:
    """After the call: every HTTP call with its status, and where the record is."""
    for exchange in record.exchanges:
        for attempt in exchange.attempts:
            facts = (
                f"status {attempt.status}" if attempt.status else "no status",
                f"{attempt.duration_ms} ms",
                f"request {attempt.request_id}" if attempt.request_id else None,
                attempt.error.message if attempt.error else None,
            )
            screen.say((f"{attempt.started}: {', '.join(fact for fact in facts if fact)}", "dim"))
    if log is not None:
        screen.say((f"record {record.id} in {log}", "dim"))
