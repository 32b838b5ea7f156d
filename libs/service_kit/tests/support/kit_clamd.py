"""A clamd to test against: a program of its own that speaks INSTREAM and knows one virus, the EICAR test file.

python kit_clamd.py HOST:PORT | unix:PATH     # says its address on the first line
"""

from __future__ import annotations

import socketserver
import subprocess
import sys
from types import TracebackType

from xueji_local.processes import free_port

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LONGEST = 25_000_000  # clamd's StreamMaxLength


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        command = b""
        while not command.endswith(b"\0"):
            byte = self.rfile.read(1)
            if not byte:
                return
            command += byte
        if command == b"zPING\0":
            self.wfile.write(b"PONG\0")
        elif command == b"zINSTREAM\0":
            self.wfile.write(self._stream())
        else:
            self.wfile.write(b"UNKNOWN COMMAND\0")

    def _stream(self) -> bytes:
        content = b""
        while True:
            length = int.from_bytes(self.rfile.read(4), "big")
            if not length:
                break
            content += self.rfile.read(length)
            if len(content) > LONGEST:
                return b"INSTREAM size limit exceeded. ERROR\0"
        return b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0"


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True  # set before it binds: connections of the one before may linger on the port


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class ClamdProcess:
    """`with ClamdProcess() as clamd: clamd.address`. `stop` and `start` again: the scanner is away meanwhile, at the same
    address. `at`: a port of its own where nothing is said."""

    def __init__(self, at: str = "") -> None:
        self._at = at
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> ClamdProcess:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        for _ in range(20):  # somebody else's process may take a port between the look for it and its use
            at = self._at or f"127.0.0.1:{free_port()}"
            self._process = subprocess.Popen([sys.executable, __file__, at], stdout=subprocess.PIPE, text=True)
            assert self._process.stdout is not None
            if address := self._process.stdout.readline().strip():
                self.address, self._at = address, at
                return
            self.stop()
        raise RuntimeError(f"the scanner did not come up at {self._at or 'any port'}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def main(at: str) -> None:
    if at.startswith("unix:"):
        server: socketserver.BaseServer = _Unix(at.removeprefix("unix:"), _Session)
        address = at
    else:
        host, port = at.rsplit(":", 1)
        server, address = _Tcp((host, int(port)), _Session), f"tcp://{at}"
    print(address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
