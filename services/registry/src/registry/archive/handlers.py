"""What the registry does about archives when asked."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.archive import (
    AddArchiveEntries,
    FileEvidence,
    GetArchive,
    MakeArchive,
    SupersedeArchiveEntry,
)
from shared_contracts.messages import Command, Query

from registry.archive.entries import add_entries, file_evidence, supersede_entry
from registry.archive.making import make_archive
from registry.archive.reading import get_archive

COMMANDS: dict[type[Command], CommandHandler] = {
    AddArchiveEntries: add_entries,
    SupersedeArchiveEntry: supersede_entry,
    FileEvidence: file_evidence,
    MakeArchive: make_archive,
}
QUERIES: dict[type[Query], QueryHandler] = {GetArchive: get_archive}
