"""A server of MCP over stdio that misbehaves as the called tool says. It needs no package, and so starts fast."""

import json
import os
import signal
import subprocess
import sys
import time

MODE = "".join(sys.argv[1:])


def say(**fields: object) -> None:
    print(json.dumps({"jsonrpc": "2.0", **fields}), flush=True)


def text(number: object, words: str) -> None:
    say(id=number, result={"content": [{"type": "text", "text": words}]})


def call(tool: str, number: object) -> None:
    match tool:
        case "flood":
            sys.stdout.write("x" * (2 * 1024 * 1024))
            sys.stdout.flush()
        case "long":
            text(number, "x" * (1024 * 1024 + 1))
        case "wrong":
            say(id=number, result={"content": "nothing of the kind"})
        case "bare":
            say(id=number, result="text")
        case "half":
            text(number, "\ud800")
        case "strange":
            say(id=number, result={"content": [{"type": "hologram", "light": 1}]})
        case "deep":
            deep = '{"a":' * 9999 + "1" + "}" * 9999
            print(f'{{"jsonrpc":"2.0","id":{number},"result":{deep}}}', flush=True)
        case "refuse":
            say(id=number, error={"code": -32602, "message": "no such tool"})
        case "noise":
            print("starting up\n\n{not json}\n[1]", flush=True)
            say(method="notifications/message", params={"level": "info", "data": "hm"})
            say(method="notifications/none", params={"a": 1})
            say(id=7777, result={})
            text(number, "still here")
        case "sampling":
            say(id="s", method="sampling/createMessage", params={"messages": [], "maxTokens": 9})
            text(number, json.loads(sys.stdin.readline())["error"]["message"])
        case "input":
            form = {"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
            asks = {"who": {"method": "elicitation/create", "params": form}}
            say(id=number, result={"resultType": "input_required", "inputRequests": asks})
        case "path":
            say(
                id=number,
                result={"content": [], "structuredContent": {"content": [{"type": "file", "source": "notes.txt"}]}},
            )
        case "environment":
            text(number, " ".join(sorted(os.environ)))
        case "folder":
            text(number, os.getcwd())
        case "deaf":
            os.close(1)
            time.sleep(60)
        case "die":
            print("the last words", file=sys.stderr, flush=True)
            os._exit(3)
        case "process":
            text(number, str(os.getpid()))
        case "family":
            child = subprocess.Popen(["sleep", "600"])
            text(number, f"{os.getpid()} {child.pid}")
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            text(number, str(os.getpid()))
            time.sleep(600)


for line in sys.stdin:
    asked = json.loads(line)
    match asked.get("method"):
        case "server/discover" if MODE == "modern":
            about = {"resultType": "complete", "ttlMs": 0, "cacheScope": "public", "capabilities": {"tools": {}}}
            say(id=asked["id"], result={"supportedVersions": ["2026-07-28"], **about})
        case "server/discover":
            say(id=asked["id"], error={"code": -32601, "message": "Method not found"})
        case "initialize":
            version = asked["params"]["protocolVersion"]
            about = {"name": "rogue", "version": "1"}
            say(id=asked["id"], result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
        case "tools/list":
            after = int(asked.get("params", {}).get("cursor", 0))
            page = [{"name": f"tool {after}", "inputSchema": {"type": "object"}}]
            endless = {} if MODE != "endless" and after == 2 else {"nextCursor": str(after + 1)}
            say(id=asked["id"], result={"tools": page, **endless})
        case "tools/call":
            call(asked["params"]["name"], asked["id"])
