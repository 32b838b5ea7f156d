import pytest
from casework.kinds import CaseKind, StepKind
from casework_samples import REGISTRATION, TRANSFER
from shared_contracts.actors import Role


def kind(*steps: StepKind) -> CaseKind:
    return CaseKind(
        name="k", title="业务", clause="15.1", steps=steps, entrant_party="p", entrant_roles=(Role.REGISTRAR,)
    )


def step(name: str, *distinct_from: str) -> StepKind:
    return StepKind(name=name, title=name, party="p", roles=(Role.PRINCIPAL,), distinct_from=distinct_from)


def test_steps_follow_each_other():
    assert REGISTRATION.first.name == "class_teacher"
    assert REGISTRATION.after("class_teacher") == REGISTRATION.step("principal")
    assert REGISTRATION.after("authority") is None


def test_a_step_of_another_kind_is_an_error():
    with pytest.raises(KeyError):
        REGISTRATION.position("from_school")


def test_only_accounts_that_somebody_must_differ_from_are_watched():
    assert REGISTRATION.watched == {"class_teacher"}
    assert TRANSFER.watched == {"to_authority"}


@pytest.mark.parametrize("steps", [(), (step("a"), step("a")), (step("a", "b"), step("b")), (step("a", "a"),)])
def test_a_kind_that_makes_no_sense_cannot_be_made(steps):
    with pytest.raises(ValueError, match="case kind k"):
        kind(*steps)


def test_distinct_from_the_entrant_and_from_earlier_steps():
    assert kind(step("a", "entrant"), step("b", "a", "entrant")).watched == {"a"}
