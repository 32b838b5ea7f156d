"""Files that services pass on by reference, and small ones that a reply carries whole."""

from __future__ import annotations

from shared_contracts.messages import Message


class FileRef(Message, frozen=True, kw_only=True, gc=False):
    """A file in the file store (`service_kit.files`), encrypted at rest. `size` in bytes, `sha256` of the plain content."""

    id: str
    name: str
    size: int
    sha256: str
    media_type: str


class Template(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.template_file"):
    """A blank workbook or form, whole."""

    name: str
    content: bytes
    media_type: str
