"""A W&B server of the smallest kind, on the loopback interface: it takes one run from start to end.

Its protocol is private to W&B: tried with wandb 0.31.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Arrived:
    """The address of the server, and what was sent to it."""

    url: str = ""
    created: list[dict[str, Any]] = field(default_factory=list)  # variables of UpsertBucket
    history: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, int] = field(default_factory=dict)  # file name -> bytes
    exit_code: int | None = None
    paths: list[str] = field(default_factory=list)


@contextmanager
def stub_server(status: int = 200) -> Iterator[Arrived]:
    """The server, answering every request with `status`; stopped when the context ends."""
    arrived = Arrived()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self._body()
            if status != 200:
                self._answer({"errors": [{"message": "refused by the stub"}]})
            elif self.path.endswith("/graphql"):
                self._answer({"data": self._graphql(json.loads(body))})
            else:
                if self.path.endswith("/file_stream"):
                    self._stream(json.loads(body))
                self._answer({})

        def do_PUT(self) -> None:
            arrived.uploads[self.path.removeprefix("/upload/")] = len(self._body())
            self._answer({})

        def do_GET(self) -> None:
            self._answer({})

        def _graphql(self, request: dict[str, Any]) -> dict[str, Any]:
            query, variables = request["query"], request.get("variables", {})
            if "upsertBucket" in query:
                arrived.created.append(variables)
                project = {"name": variables["project"], "entity": {"name": "stub"}}
                bucket = {
                    "id": "1",
                    "name": variables["name"],
                    "displayName": "",
                    "historyLineCount": 0,
                }
                return {"upsertBucket": {"bucket": bucket | {"project": project}, "inserted": True}}
            if "createRunFiles" in query:
                files = [
                    {"name": name, "uploadUrl": f"{arrived.url}/upload/{name}"}
                    for name in variables["files"]
                ]
                return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}
            return {}

        def _stream(self, chunk: dict[str, Any]) -> None:
            lines = chunk.get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
            arrived.history.extend(json.loads(line) for line in lines)
            if chunk.get("complete"):
                arrived.exit_code = chunk["exitcode"]

        def _body(self) -> bytes:
            arrived.paths.append(self.path)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, content: dict[str, Any]) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        arrived.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield arrived
        finally:
            server.shutdown()
            thread.join()
