"""A matcher that says strange things: it stands between identity and the matcher and changes the answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec

Answers = list[dict[str, Any]]
Meddling = Callable[[Answers], Answers]


def honest(answers: Answers) -> Answers:
    return answers


def strangers(answers: Answers) -> Answers:
    """All about people nobody asked about."""
    return [{**answer, "id": f"stranger-{n}"} for n, answer in enumerate(answers)]


def contradictory(answers: Answers) -> Answers:
    """Everybody twice, with two truths."""
    return answers + [{**answer, "outcome": "not_found"} for answer in answers]


def unknown_words(answers: Answers) -> Answers:
    return [{**answer, "outcome": "perhaps"} for answer in answers]


def silent_about_half(answers: Answers) -> Answers:
    return answers[: len(answers) // 2]


class Meddler:
    """`with Meddler("http://matcher") as meddler:` listens at `url`; `meddle` may be changed at any time."""

    def __init__(self, matcher: str) -> None:
        self.meddle: Meddling = honest
        self.told: set[str] = set()
        """Ids about which something was said."""
        meddler, client = self, httpx.Client(base_url=matcher, timeout=60, trust_env=False)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {"X-API-Key": self.headers["X-API-Key"], "Content-Type": "application/json"}
                answer = client.post(self.path, content=body, headers=headers)
                content = answer.content
                if answer.status_code == 200:
                    told = meddler.meddle(msgspec.json.decode(content)["answers"])
                    meddler.told |= {answer["id"] for answer in told}
                    content = msgspec.json.encode({"answers": told})
                self.send_response(answer.status_code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Meddler:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
