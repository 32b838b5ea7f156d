"""PostgreSQL and NATS in containers for the tests, with the same faces as the embedded ones (`servers`).

testcontainers and docker are development dependencies: they are imported only when Docker is wanted.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
import tarfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from xueji_local.processes import free_port, wait_until
from xueji_local.servers import ServerProblem, _nats_says

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

PG_IMAGE = os.environ.get("TEST_POSTGRES_IMAGE", "postgres:17-alpine")
NATS_IMAGE = os.environ.get("TEST_NATS_IMAGE", "nats:2.12-alpine")


def docker_defaults() -> None:
    """Before testcontainers is imported: it reads most of its settings at import."""
    defaults = os.environ.setdefault
    defaults("TESTCONTAINERS_RYUK_DISABLED", "true")  # one more image; `remove_leftovers` does its work
    defaults("TC_POOLING_INTERVAL", "0.2")
    defaults("TC_MAX_TRIES", "600")
    # A machine that is itself a container image but runs a daemon of its own: its loopback is the host.
    if Path("/.dockerenv").exists() and "DOCKER_HOST" not in os.environ and _local_daemon():
        defaults("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
        defaults("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")


def _local_daemon() -> bool:
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if comm.read_text().strip() == "dockerd":
                return True
    return False


def asked_for() -> str:
    return os.environ.get("TEST_BACKEND", "auto")


@functools.cache
def backend() -> str:
    """`docker` or `embedded`."""
    wanted = asked_for()
    if wanted not in ("auto", "docker", "embedded"):
        raise ServerProblem(f"TEST_BACKEND={wanted}: it is auto, docker or embedded")
    if wanted == "embedded":
        return wanted
    problem = _docker_problem(PG_IMAGE, NATS_IMAGE)
    if problem is None:
        return "docker"
    if wanted == "docker":
        raise ServerProblem(f"TEST_BACKEND=docker: {problem}")
    return "embedded"


def _docker_problem(*images: str) -> str | None:
    """None when containers can run, else why not. Short time-outs; a missing image is pulled once."""
    try:
        import docker  # type: ignore[import-untyped]
        import docker.errors  # type: ignore[import-untyped]

        client = docker.from_env(timeout=30)
        client.ping()
    except Exception as error:
        return f"no Docker daemon answers ({type(error).__name__})"
    for image in images:
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            try:
                docker.from_env(timeout=300).images.pull(image)
            except Exception as error:
                return f"image {image} is neither here nor can it be pulled ({type(error).__name__})"
    return None


def remove_leftovers() -> None:
    """What this session's containers left, when a fixture died half-way."""
    if "testcontainers.core.labels" not in sys.modules:
        return
    import docker
    from testcontainers.core.labels import LABEL_SESSION_ID, SESSION_ID

    try:
        client = docker.from_env(timeout=30)
    except Exception:
        return
    for container in client.containers.list(all=True, filters={"label": f"{LABEL_SESSION_ID}={SESSION_ID}"}):
        container.remove(force=True, v=True)


class _Container:
    """One container on a fixed loopback port, so that clients find it again after a restart."""

    def __init__(self, image: str, inner_port: int) -> None:
        self.port = free_port()
        self.inner_port = inner_port
        self.image = image
        self._made: DockerContainer | None = None

    def _describe(self, container: DockerContainer) -> DockerContainer:
        raise NotImplementedError

    def _ready(self) -> bool:
        raise NotImplementedError

    @property
    def host(self) -> str:
        return self._container.get_container_host_ip()

    @property
    def _container(self) -> DockerContainer:
        if self._made is None:
            raise ServerProblem(f"{self.image} has not been started")
        return self._made

    @property
    def _docker(self) -> Any:
        return self._container.get_wrapped_container()

    def _make(self) -> None:
        from testcontainers.core.container import DockerContainer

        self._made = self._describe(DockerContainer(self.image).with_bind_ports(self.inner_port, self.port))

    def alive(self) -> bool:
        if self._made is None or self._made.get_wrapped_container() is None:
            return False
        self._docker.reload()
        return bool(self._docker.status == "running")

    def start(self) -> None:
        if self.alive():
            return
        if self._made is None:
            self._make()
            self._container.start()
        else:
            self._docker.start()
        if not wait_until(self._ready, self.alive, 180, step=0.1):
            raise ServerProblem(f"{self.image} does not start: {self._docker.logs().decode()[-1500:]}")

    def stop(self) -> None:
        if self.alive():
            self._docker.stop(timeout=20)

    def kill(self) -> None:
        if self.alive():
            self._docker.kill("SIGKILL")
            self._docker.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        if self._made is not None:
            self._made.stop()
            self._made = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()


class DockerPostgres(_Container):
    """`servers.Postgres` in a container. Its data live in the container: they outlast a restart and a kill."""

    def __init__(self, *, password: str) -> None:
        super().__init__(PG_IMAGE, 5432)
        self.password = password

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        secret = quote(password if password is not None else self.password, safe="")
        return f"postgresql://{quote(user)}:{secret}@{self.host}:{self.port}/{database}"

    def _describe(self, container: DockerContainer) -> DockerContainer:
        return (
            container.with_env("POSTGRES_PASSWORD", self.password)
            .with_env("POSTGRES_INITDB_ARGS", "-E UTF8 --no-locale --locale-provider=builtin --builtin-locale=C.UTF-8")
            .with_command(
                "postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
                " -c log_parameter_max_length_on_error=0 -c log_error_verbosity=terse -c timezone=UTC"
            )
        )

    def _ready(self) -> bool:
        # By TCP: while it initialises, the image's first server listens on a socket file only.
        return bool(self._docker.exec_run(["pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres"]).exit_code == 0)


class DockerNats(_Container):
    """`servers.Nats` in a container."""

    def __init__(self, *, config: str) -> None:
        super().__init__(NATS_IMAGE, 4222)
        self.config = config
        self._store: bytes | None = None

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"

    def _describe(self, container: DockerContainer) -> DockerContainer:
        return container.with_copy_into_container(self.config.encode(), "/etc/xueji-nats.conf").with_command(
            f"-c /etc/xueji-nats.conf -a 0.0.0.0 -p {self.inner_port} -sd /data"
        )

    def _ready(self) -> bool:
        return _nats_says(self.host, self.port) is not None

    def save_store(self, to: Path) -> None:
        """The store as a tar file at `to`."""
        self.stop()
        chunks, _ = self._docker.get_archive("/data")
        to.write_bytes(b"".join(chunks))
        self.start()

    def restore_store(self, saved: Path) -> None:
        """A new container with the old store, on the same port."""
        self.stop()
        self.remove()
        self._make()
        with tarfile.open(fileobj=io.BytesIO(saved.read_bytes())) as archive:
            for member in archive:
                if member.isfile():
                    content = archive.extractfile(member)
                    assert content
                    self._container.with_copy_into_container(content.read(), f"/{member.name}")
        self._container.start()
        if not wait_until(self._ready, self.alive, 180, step=0.1):
            raise ServerProblem(f"{self.image} does not start: {self._docker.logs().decode()[-1500:]}")
