"""What the registry builds once and hands to every handler and worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.files import FileStore
from service_kit.scanning import Scanner
from service_kit.work import Work


@dataclass(frozen=True, slots=True)
class Registry:
    """`outside`: a small pool of its own, for what must be committed before the handler's own transaction is.
    `scanner`: looks at evidence for viruses, None where the installation has none.
    `wake_rosters`: called after a commit that left something to the roster worker.
    """

    bus: Bus
    cipher: FieldCipher
    files: FileStore
    calendar: Calendar
    outside: Database
    wake_rosters: Callable[[], None]
    scanner: Scanner | None = None


RegistryWork = Work[Registry]
