"""The error budget: which share of failures stops a campaign, and since when they count."""

from typing import Any

import pytest

from django_meta_whatsapp.models import PauseCause
from django_meta_whatsapp.services.campaigns.budget import Budget, Sample
from django_meta_whatsapp.services.campaigns.stops import Stop

BEGIN = Sample(0, 0)


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    settings.WHATSAPP = {
        **settings.WHATSAPP,
        "ERROR_BUDGET": 30,
        "ERROR_BUDGET_SAMPLE": 20,
        "ERROR_BUDGET_WINDOW": 100,
    }


def verdicts(begin: Sample, *counts: tuple[int, int]) -> list[Stop | None]:
    budget = Budget()
    return [budget.judge(begin, Sample(*each)) for each in counts]


def test_it_stops_above_its_share_and_names_the_figures() -> None:
    [stop] = verdicts(BEGIN, (40, 13))
    assert stop == Stop(PauseCause.ERROR_BUDGET, "13 of the newest 40 messages failed (32%).")


@pytest.mark.parametrize("counts", [(19, 19), (20, 6), (1000, 300), (0, 0)])
def test_it_judges_no_small_sample_and_bears_its_share(counts: tuple[int, int]) -> None:
    assert verdicts(BEGIN, counts) == [None]


def test_what_had_failed_before_somebody_let_it_go_on_does_not_count() -> None:
    assert verdicts(Sample(1000, 900), (1050, 910), (1100, 920)) == [None, None]
    assert verdicts(Sample(1000, 900), (1050, 920))[0] is not None


def test_a_long_good_run_does_not_hide_a_list_that_turns_bad() -> None:
    good = [(tried, 0) for tried in range(100, 1100, 100)]
    *before, last = verdicts(BEGIN, *good, (1100, 40))
    assert before == [None] * 10
    assert last is not None
    assert last.reason == "40 of the newest 100 messages failed (40%)."


def test_failures_that_webhooks_tell_later_count_though_nothing_new_is_tried() -> None:
    told = verdicts(BEGIN, (50, 0), *((50, failed) for failed in range(1, 17)))
    assert [bool(stop) for stop in told] == [False] * 16 + [True]


def test_a_whole_budget_never_stops(settings: Any) -> None:
    settings.WHATSAPP = {**settings.WHATSAPP, "ERROR_BUDGET": 100}
    assert verdicts(BEGIN, (500, 500)) == [None]


def test_looking_on_for_days_takes_no_room() -> None:
    budget = Budget()
    for _ in range(1000):
        budget.judge(BEGIN, Sample(10, 0))
    assert len(budget._samples) <= 3
