"""A mail server and a gateway for text messages that keep what they are given and send nothing on: for tests and development.

`python -m xueji_local.sink` prints the settings that make the notifications service use it, and every message as it comes.
A webhook may be pointed at it, too: every path but `/sms` takes whatever is posted.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import json
import sys
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

SMTP_PORT, HTTP_PORT = 8025, 8026
_PATIENCE = 30.0


@dataclass
class Taken:
    """One message. `id`: the sender's, the same for every try of one message."""

    channel: str
    id: str
    to: str
    subject: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


class Sink:
    """Both servers on ports of their own (0: any). `smtp_says`, `http_says`: what the next are answered instead of yes."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.smtp_says: list[int] = []
        self.http_says: list[int] = []
        self.tries = 0
        self.slow = 0.0  # seconds between taking something over HTTP and saying so
        self.smtp_port = self.http_port = 0
        self._servers: list[asyncio.Server] = []

    async def start(self, smtp_port: int = 0, http_port: int = 0) -> None:
        for talk, port in ((self._smtp, smtp_port), (self._http, http_port)):
            self._servers.append(await asyncio.start_server(talk, "127.0.0.1", port))
        self.smtp_port, self.http_port = (one.sockets[0].getsockname()[1] for one in self._servers)

    async def stop(self) -> None:
        for one in self._servers:
            one.close()

    def settings(self) -> dict[str, str]:
        """What the notifications service has to be told."""
        return {
            "XUEJI_SMTP_HOST": "127.0.0.1",
            "XUEJI_SMTP_PORT": str(self.smtp_port),
            "XUEJI_SMTP_TLS": "none",
            "XUEJI_MAIL_FROM": "xueji@example.cn",
            "XUEJI_SMS_URL": f"http://127.0.0.1:{self.http_port}/sms",
            "XUEJI_SMS_KEY": "sink",
            "XUEJI_WEBHOOK_PRIVATE": "1",
        }

    # ---- SMTP (RFC 5321, as much as a client needs) --------------------------------------------------------------------

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        to = ""
        with contextlib.suppress(ConnectionError, TimeoutError):
            await say("220 sink")
            while line := (await asyncio.wait_for(reader.readline(), _PATIENCE)).decode().strip():
                word = line[:4].upper()
                if word == "RCPT":
                    to = line.partition("<")[2].partition(">")[0]
                    self.tries += 1
                    code = self.smtp_says.pop(0) if self.smtp_says else 250
                    await say(f"{code} as told")
                elif word == "DATA":
                    await say("354 go on")
                    data = await asyncio.wait_for(reader.readuntil(b"\r\n.\r\n"), _PATIENCE)
                    self._mail(to, data.removesuffix(b".\r\n"))
                    await say("250 taken")
                else:
                    await say("221 bye" if word == "QUIT" else "250 sink")
                if word == "QUIT":
                    break
        writer.close()

    def _mail(self, to: str, data: bytes) -> None:
        mail = email.message_from_bytes(data.replace(b"\r\n..", b"\r\n."), policy=default)
        assert isinstance(mail, EmailMessage)
        id_ = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        self.taken.append(Taken("email", id_, to, str(mail["Subject"]), str(mail.get_content())))

    # ---- HTTP ------------------------------------------------------------------------------------------------------------

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE)).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
            body = await asyncio.wait_for(reader.readexactly(int(headers.get("content-length", "0"))), _PATIENCE)
            self.tries += 1
            code = self.http_says.pop(0) if self.http_says else 202
            if code < 300:
                self._post(first.split(" ")[1], headers, body)
            await asyncio.sleep(self.slow)
            writer.write(f"HTTP/1.1 {code} as told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    def _post(self, path: str, headers: dict[str, str], body: bytes) -> None:
        if path == "/sms":
            given = json.loads(body)
            self.taken.append(Taken("sms", given["id"], given["to"], "", given["text"], headers))
        else:
            self.taken.append(Taken("webhook", headers.get("webhook-id", ""), path, "", body.decode(), headers))


async def main() -> None:
    sink = Sink()
    await sink.start(SMTP_PORT, HTTP_PORT)
    sys.stdout.write("\n".join(f"{name}={value}" for name, value in sink.settings().items()) + "\n")
    shown = 0
    while True:
        for one in sink.taken[shown:]:
            sys.stdout.write(f"[{one.channel}] {one.to} {one.subject}\n{one.text}\n\n")
        shown = len(sink.taken)
        sys.stdout.flush()
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
