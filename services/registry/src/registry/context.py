"""What the registry builds once and hands to every handler and worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.files import FileStore
from service_kit.scanning import Scanner
from service_kit.signing import Signer
from service_kit.work import Work

from registry.policy_values.live import LivePolicy


@dataclass(frozen=True, slots=True)
class Registry:
    """`outside`: a small pool of its own, for what must be committed before the handler's own transaction is.
    `signer`: signs archives that leave; None only where nothing is to be signed.
    `scanner`: looks at evidence for viruses, None where the installation has none.
    `wake_rosters`, `wake_policy`: called after a commit that left something to the roster worker, or changed a policy value.
    `wake_children`, `wake_placements`, `wake_worklist`: the same for lists of children, placements and the work queues.
    `policy`: the parameters of the law, by division and day.
    """

    bus: Bus
    cipher: FieldCipher
    files: FileStore
    outside: Database
    wake_rosters: Callable[[], None]
    scanner: Scanner | None = None
    signer: Signer | None = None
    policy: LivePolicy = field(default_factory=LivePolicy)
    wake_policy: Callable[[], None] = lambda: None
    wake_children: Callable[[], None] = lambda: None
    wake_placements: Callable[[], None] = lambda: None
    wake_worklist: Callable[[], None] = lambda: None

    @property
    def calendar(self) -> Calendar:
        """The statutory working days as they are known now."""
        return self.policy.calendar


RegistryWork = Work[Registry]
