"""Stored files in a bucket of an S3-compatible store (MinIO, Ceph, a cloud's).

What lies there is sealed before it leaves the process; the store adds its own checksum of each transfer. No address is
signed for anybody: every byte goes through a service. Uploads that were broken off are parts that the bucket's life cycle
removes (`AbortIncompleteMultipartUpload`, a day).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from service_kit.blobs import BlobMissing, BlobsAway
from service_kit.settings import Settings, SettingsError

PART = 8 * 1024 * 1024
"""Bytes of one part of an upload: what is held in memory, times `AT_ONCE`."""
AT_ONCE = 2
_READ = 256 * 1024


class Bucket:
    """A bucket, by path-style addresses: what every compatible store understands."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    @classmethod
    def from_settings(cls, settings: Settings) -> Bucket:
        endpoint = settings.files_s3_endpoint
        if not (endpoint and settings.files_s3_access_key and settings.files_s3_secret_key):
            raise SettingsError("XUEJI_FILES_S3_ENDPOINT, _ACCESS_KEY and _SECRET_KEY must be set with _BUCKET")
        if settings.production and not endpoint.startswith("https://"):
            raise SettingsError("XUEJI_FILES_S3_ENDPOINT must begin with https:// in production")
        store = S3Store(
            settings.files_s3_bucket,
            endpoint=endpoint,
            region=settings.files_s3_region,
            access_key_id=settings.files_s3_access_key,
            secret_access_key=settings.files_s3_secret_key,
            virtual_hosted_style_request=False,
            checksum_algorithm="SHA256",
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": timedelta(seconds=60)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )
        return cls(store)

    def sweep(self) -> int:
        return 0

    async def put(self, blob_id: str, pieces: AsyncIterator[bytes]) -> None:
        failure: list[Exception] = []

        async def guarded() -> AsyncIterator[bytes]:
            """The library wraps what the pieces raise: it is raised again as it was."""
            try:
                async for piece in pieces:
                    yield piece
            except Exception as error:
                failure.append(error)
                raise

        try:
            await obstore.put_async(
                self._store, _key(blob_id), guarded(), chunk_size=PART, max_concurrency=AT_ONCE, use_multipart=True
            )
        except Exception as error:
            if failure:
                raise failure[0] from None
            raise _away(error) from None

    async def get(self, blob_id: str) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._store, _key(blob_id))
            async for piece in found.stream(min_chunk_size=_READ):
                yield bytes(piece)
        except (NotFoundError, FileNotFoundError):
            raise BlobMissing from None
        except BaseError as error:
            raise _away(error) from None

    async def delete(self, blob_id: str) -> None:
        try:
            await obstore.delete_async(self._store, _key(blob_id))
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise _away(error) from None


def _key(blob_id: str) -> str:
    return f"{blob_id[-2:]}/{blob_id}"


def _away(error: Exception) -> BlobsAway:
    """The library's text would carry addresses and headers."""
    return BlobsAway(f"the object store did not do it: {type(error).__name__}")
