"""`plcli open` held against servers: what a spec that comes of a run makes them receive."""

from __future__ import annotations

import json

from tests.support.tool_loop import OSLO, TOOL, Loop, write_json


def test_each_request_of_a_loop_is_received_again_though_its_files_have_changed(loop: Loop) -> None:
    """The answers hold signatures, pictures, items of the provider: a later request echoes them."""
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called, loop.api.says("Cold."))
    assert loop.run().code == 0
    run = loop.record.id
    write_json(loop.folder / "tools" / "get_weather.json", {**TOOL, "description": "another one now"})
    (loop.folder / "prompts" / "ask.json").unlink(missing_ok=True)
    for at in (0, 1):
        out = f"opened/{at}.yaml"
        opened = loop.cli("open", run, "--exchange", str(at), "--out", out)
        assert (opened.code, "proved: it compiles to the same wire" in opened.err) == (0, True)
        loop.answer(loop.api.says("Cold."))
        assert loop.cli("run", out, *([] if loop.stream else ["--no-stream"])).code == 0
        first, again = loop.server.received[at].json, loop.server.received[-1].json
        assert json.dumps(first, sort_keys=True) == json.dumps(again, sort_keys=True)


def test_a_body_that_a_server_received_is_received_again(loop: Loop) -> None:
    called = loop.api.calls(1, (("c1", "get_weather", OSLO),))
    loop.answer(called, loop.api.says("Cold."))
    assert loop.run().code == 0
    write_json(loop.folder / "body.json", loop.server.received[1].json)
    opened = loop.cli("open", "body.json", "--model", "m", "--out", "opened.yaml")
    assert (opened.code, "proved: it compiles to the same wire" in opened.err) == (0, True)
    loop.answer(loop.api.says("Cold."))
    assert loop.cli("run", "opened.yaml", *([] if loop.stream else ["--no-stream"])).code == 0
    first, again = loop.server.received[1].json, loop.server.received[-1].json
    assert json.dumps(first, sort_keys=True) == json.dumps(again, sort_keys=True)
