"""The ladder: any order of events gives the same row."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from django_meta_whatsapp.models.ladder import EVENT_STATES, RANK, MessageStatus, higher

RUNGS = st.sampled_from(sorted(RANK))
CLIMB = ["accepted", "sent", "failed", "delivered", "read", "played"]


def test_the_rungs_stand_in_the_documented_order() -> None:
    assert sorted(RANK, key=lambda rung: (RANK[rung], rung)) == ["sending", "unknown", *CLIMB]
    assert [RANK[rung] for rung in CLIMB] == sorted({RANK[rung] for rung in CLIMB})
    assert set(RANK) == set(MessageStatus) - {MessageStatus.RECEIVED}
    assert set(EVENT_STATES) < set(RANK)


@given(st.lists(RUNGS), st.randoms())
def test_any_order_and_any_repetition_of_events_ends_on_the_same_rung(
    seen: list[str], chance: object
) -> None:
    shuffled = [*seen, *seen]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    ends = {reduce(higher, order, "sending") for order in (seen, shuffled, sorted(seen))}
    levels = {RANK[end] for end in ends}
    assert levels == {max([RANK[rung] for rung in seen], default=0)}
    if levels != {0}:
        assert len(ends) == 1


@given(RUNGS, RUNGS)
def test_a_climb_never_goes_down_and_level_rungs_stay(current: str, seen: str) -> None:
    result = higher(current, seen)
    assert RANK[result] == max(RANK[current], RANK[seen])
    if RANK[current] >= RANK[seen]:
        assert result == current


def test_a_late_sent_never_undoes_delivered_and_a_delivery_outweighs_a_failure() -> None:
    assert higher("delivered", "sent") == "delivered"
    assert higher("failed", "delivered") == "delivered"
    assert higher("read", "failed") == "read"
    assert higher("sent", "failed") == "failed"
