"""A transfer whose services are killed on its way, in whichever direction: the client, the steps, and the moments at which it
breaks off that both directions have."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

from e2e_api import Api, done
from e2e_system import HANGS, System, wait_for

STEPS = ("receiving_authority", "releasing_school", "releasing_authority")
NO_CASE_IS_WRITTEN = "LOCK TABLE transfers IN SHARE MODE"


@dataclass
class Way(ABC):
    """One transfer of one direction. `registrar`: of the receiving school, who applies."""

    system: System
    registrar: Api
    path: ClassVar[str]

    @abstractmethod
    def body(self) -> dict[str, Any]:
        """The application, with papers just uploaded."""

    @abstractmethod
    def word(self, transfer: str, step: str) -> tuple[Api, str, dict[str, Any]]:
        """Who approves a step, where, and what is said beside that."""

    @abstractmethod
    def known(self) -> int:
        """For how many cases the registry holds the pupil or expects the child now."""

    @abstractmethod
    def whole(self, transfer: str) -> None:
        """Waits until the case is done; then everything is in its one place."""

    # ---- a good client: again with the same key until it is answered -------------------------------------------------

    def apply(self, key: str = "") -> dict[str, Any]:
        found: dict[str, Any] = done(self.registrar.call("POST", self.path, key=key, json=self.body()), 201)
        return found

    def approve(self, transfer: str, step: str) -> dict[str, Any]:
        who, path, more = self.word(transfer, step)
        body = {"step": step, "decision": "approve", **more}
        found: dict[str, Any] = done(who.call("POST", path, json=body))
        return found

    def approved(self, *steps: str) -> str:
        """Applied for, and approved so far; the case's id."""
        transfer: str = self.apply()["id"]
        for step in steps:
            self.approve(transfer, step)
        return transfer

    def completed(self, transfer: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.registrar.call("GET", f"/v1/transfers/{transfer}").json()
            return found if found["state"] == "completed" else None

        found = wait_for(look, HANGS, "the case is not completed")
        assert found is not None
        return found

    # ---- where it breaks off -----------------------------------------------------------------------------------------

    def killed_before_the_case(self) -> str:
        """The registry knows of it, the case was never written: the same client, with the same key, gets its case."""
        with ThreadPoolExecutor(1) as pool:
            with self.system.held("transfer", NO_CASE_IS_WRITTEN):
                asked = pool.submit(self.apply, str(uuid.uuid4()))
                self._killed_when_the_registry_knows()
            self.system.start("transfer")
            transfer: str = asked.result(HANGS)["id"]
        return transfer

    def killed_before_the_case_and_never_asked_again(self) -> None:
        """The client gives it up; after a while the registry knows of nothing that is not there."""
        with ThreadPoolExecutor(1) as pool, self.system.held("transfer", NO_CASE_IS_WRITTEN):
            asked = pool.submit(self.registrar.once, "POST", self.path, json=self.body())
            self._killed_when_the_registry_knows()
            asked.result(HANGS)
        self.system.start("transfer")
        wait_for(lambda: self.known() == 0, HANGS, "the registry keeps what is for a case that is not there")

    def _killed_when_the_registry_knows(self) -> None:
        self.system.wait_blocked("transfer", "transfers")  # by its own work perhaps, before the request comes so far
        wait_for(lambda: self.known() == 1, HANGS, "the registry is not told of the case")
        self.system.kill("transfer")

    def killed_after_each_step(self, service: str) -> str:
        transfer = self.approved()
        for step, following in zip(STEPS, (*STEPS[1:], None), strict=True):
            decided = self.approve(transfer, step)
            self.again(service)
            if following:
                assert decided["waits_for"] == following
        return transfer

    def killed_before_the_last_approval_is_published(self) -> str:
        transfer = self.approved(*STEPS[:2])
        with self.system.relay_held_back("transfer"):
            assert self.approve(transfer, STEPS[2])["state"] == "moving"
            self.system.kill("transfer")
        self.system.start("transfer")
        return transfer

    def again(self, service: str) -> None:
        """Killed and started."""
        self.system.kill(service)
        self.system.start(service)
