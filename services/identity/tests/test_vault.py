from __future__ import annotations

import base64
import os

import pytest
from identity.vault import Vault, Waiting
from identity_support import People
from service_kit.crypto import SealBroken
from service_kit.settings import Settings
from shared_contracts.identity import Member

OLD, NEW, INDEX = (base64.b64encode(os.urandom(32)).decode() for _ in range(3))


def vault(keys: str) -> Vault:
    return Vault.from_settings(Settings(field_keys=keys, index_key=INDEX))


def test_a_new_key_seals_and_the_old_still_opens() -> None:
    before = vault(f"k1:{OLD}")
    sealed = before.seal_document("p1", "230102201910030019")
    rotated = vault(f"k2:{NEW},k1:{OLD}")
    assert rotated.open_document("p1", sealed) == "230102201910030019"
    again = rotated.seal_document("p1", "230102201910030019")
    with pytest.raises(SealBroken):
        before.open_document("p1", again)
    with pytest.raises(SealBroken):
        vault(f"k2:{NEW}").open_document("p1", sealed)


def test_the_index_survives_a_rotation_of_field_keys() -> None:
    entry = People(3).entry()
    assert vault(f"k1:{OLD}").document_index(entry, "S1") == vault(f"k2:{NEW}").document_index(entry, "S1")


def test_a_sealed_value_opens_in_its_own_place_only() -> None:
    one = vault(f"k1:{OLD}")
    entry = People(4).entry(members=(Member(slot=1, document_kind="1", document_number="x"),))
    document = one.seal_document("p1", entry.document_number)
    waiting = Waiting(entry=entry, index=b"i", name_keys=(-1, 2), member_keys=(3,))
    row = one.seal_row("i1", waiting)
    assert one.open_row("i1", entry.row, row) == waiting
    members = one.seal_members("p1", entry.members)
    assert one.open_members("p1", members) == entry.members
    number = one.seal_number("p1", "G" + entry.document_number)
    for wrong in (
        lambda: one.open_document("p2", document),
        lambda: one.open_row("i2", entry.row, row),
        lambda: one.open_row("i1", entry.row + 1, row),
        lambda: one.open_members("p2", members),
        lambda: one.open_number("p2", number),
        lambda: one.open_number("p1", document or b""),
    ):
        with pytest.raises(SealBroken):
            wrong()


def test_nothing_plain_is_left_in_a_sealed_row() -> None:
    entry = People(5).entry()
    sealed = vault(f"k1:{OLD}").seal_row("i1", Waiting(entry=entry, index=b"i", name_keys=(), member_keys=()))
    assert entry.document_number.encode() not in sealed
    assert entry.name.encode() not in sealed


def test_no_number_is_no_blob() -> None:
    one = vault(f"k1:{OLD}")
    assert one.seal_document("p1", "") is None
    assert one.open_document("p1", None) == ""
    assert one.seal_members("p1", ()) is None
