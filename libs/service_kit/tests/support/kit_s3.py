"""An S3-compatible store to test against: moto's server, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import TracebackType

import obstore
from service_kit.s3 import Bucket
from service_kit.settings import Settings
from xueji_local.processes import free_port

BUCKET = "xueji-test"
KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


class S3Process:
    """`with S3Process() as s3: s3.settings`. `stop` it and the store is away."""

    def __enter__(self) -> S3Process:
        self.start(free_port())
        request = urllib.request.Request(f"{self.endpoint}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=5).close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{self.endpoint}/moto-api/", timeout=1).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError("the store did not come up")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def settings(self) -> Settings:
        return Settings(
            files_key=KEY,
            files_s3_endpoint=self.endpoint,
            files_s3_bucket=BUCKET,
            files_s3_access_key="test",
            files_s3_secret_key="test",
        )

    def names(self) -> list[str]:
        """What lies in the bucket, by the server's own word."""
        with urllib.request.urlopen(f"{self.endpoint}/{BUCKET}?list-type=2", timeout=5) as answer:
            text = answer.read().decode()
        return [part.split("</Key>")[0] for part in text.split("<Key>")[1:]]

    def uploads(self) -> int:
        """Uploads that were begun and neither finished nor given up."""
        with urllib.request.urlopen(f"{self.endpoint}/{BUCKET}?uploads", timeout=5) as answer:
            return int(answer.read().decode().count("<UploadId>"))

    def raw(self, name: str) -> bytes:
        """Past the store that is tested, to what lies there."""
        return bytes(obstore.get(Bucket.from_settings(self.settings)._store, name).bytes())

    def replace(self, name: str, content: bytes) -> None:
        obstore.put(Bucket.from_settings(self.settings)._store, name, content)
