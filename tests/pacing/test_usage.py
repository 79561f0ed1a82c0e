"""What Meta's headers tell of the allowance."""

import pytest

from django_meta_whatsapp.cloud_api import usage
from django_meta_whatsapp.services.pacing import rules


@pytest.mark.parametrize(
    ("headers", "percent"),
    [
        ({}, 0),
        ({"x-app-usage": '{"call_count":28,"total_time":25,"total_cputime":31}'}, 31),
        (
            {
                "x-business-use-case-usage": '{"1":[{"call_count":95,"total_cputime":20}],"2":[{"total_time":7}]}'
            },
            95,
        ),
        ({"x-app-usage": "soon"}, 0),
        ({"x-app-usage": "[1]", "x-business-use-case-usage": '{"1":{"call_count":95}}'}, 0),
        ({"x-app-usage": '{"call_count":"much","total_time":null,"total_cputime":NaN}'}, 0),
    ],
)
def test_what_is_used_most_counts_and_odd_headers_tell_nothing(
    headers: dict[str, str], percent: float
) -> None:
    assert usage.used(headers) == percent


def test_a_number_slows_down_as_the_allowance_runs_out_and_never_stops_for_it() -> None:
    assert [rules.share_when(used) for used in (0, 80, 90, 100, 250)] == [1, 1, 0.625, 0.25, 0.25]
