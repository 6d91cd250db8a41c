from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.measure.windows import EVERY, Calendar, place_in_windows, windows_of

ZONES = {"pakistan": "Asia/Karachi", "afghanistan": "Asia/Kabul"}
SIDES = ("pakistan", "afghanistan", "unknown")


def local(side: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(ZONES.get(side, "UTC"))).astimezone(UTC)  # type: ignore[misc]


def placed(side: str, at: datetime, every: str) -> str:
    posts = pl.DataFrame({"side": [side], "created_at": pl.Series([at], dtype=pl.Datetime("us", "UTC"))})
    return str(place_in_windows(posts, Calendar(every, ZONES))["window"][0])


@pytest.mark.parametrize("side", SIDES)
def test_late_evening_belongs_to_the_local_day(side: str) -> None:
    assert placed(side, local(side, 2025, 1, 5, 23, 45), "1d") == "2025-01-05"
    assert placed(side, local(side, 2025, 1, 6, 0, 0), "1d") == "2025-01-06"
    assert placed(side, local(side, 2025, 1, 6, 0, 0) - timedelta(microseconds=1), "1d") == "2025-01-05"


def test_one_moment_lies_on_different_days() -> None:
    # 19:15 UTC is 00:15 in Karachi (+05:00) and 23:45 in Kabul (+04:30).
    at = datetime(2025, 1, 5, 19, 15, tzinfo=UTC)
    assert [placed(side, at, "1d") for side in SIDES] == ["2025-01-06", "2025-01-05", "2025-01-05"]
    assert [placed(side, at, "1h") for side in SIDES] == ["2025-01-06T00:00", "2025-01-05T23:00", "2025-01-05T19:00"]
    assert [placed(side, at, "6h") for side in SIDES] == ["2025-01-06T00:00", "2025-01-05T18:00", "2025-01-05T18:00"]


def test_weeks_start_on_monday() -> None:
    assert placed("pakistan", local("pakistan", 2025, 1, 5, 23, 59), "1w") == "2024-12-30"  # a Sunday
    assert placed("pakistan", local("pakistan", 2025, 1, 6, 0, 0), "1w") == "2025-01-06"  # a Monday


def test_months_are_those_of_the_calendar() -> None:
    assert placed("afghanistan", local("afghanistan", 2024, 2, 29, 23, 59), "1mo") == "2024-02"
    assert placed("afghanistan", local("afghanistan", 2024, 3, 1, 0, 0), "1mo") == "2024-03"
    grid = windows_of(
        Calendar("1mo", {}), ("unknown",), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
    )
    assert grid["window"].to_list() == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert (grid["end"] - grid["start"]).dt.total_days().to_list() == [31, 29, 31, 30]
    assert not grid["partial"].any()


def test_the_grid_by_hand() -> None:
    calendar = Calendar("1d", ZONES)
    begin, end = datetime(2025, 1, 5, 12, tzinfo=UTC), datetime(2025, 1, 8, tzinfo=UTC)
    grid = windows_of(calendar, SIDES, begin, end)
    labels = ["2025-01-05", "2025-01-06", "2025-01-07", "2025-01-08"]  # the last is reached in Karachi alone
    for side in SIDES:
        rows = grid.filter(pl.col("side") == side)
        assert rows["window"].to_list() == labels
        assert rows["start"].to_list() == [local(side, 2025, 1, day) for day in (5, 6, 7, 8)]
        assert rows["end"].to_list() == [local(side, 2025, 1, day) for day in (6, 7, 8, 9)]
        assert rows["partial"].to_list() == [True, False, False, True]
    assert grid.columns == ["window", "side", "start", "end", "partial"]


def test_a_period_of_whole_windows_is_not_partial() -> None:
    begin, end = local("pakistan", 2025, 1, 6), local("pakistan", 2025, 1, 20)
    grid = windows_of(Calendar("1w", ZONES), ("pakistan",), begin, end)
    assert grid["window"].to_list() == ["2025-01-06", "2025-01-13"]
    assert grid["partial"].to_list() == [False, False]
    one_short = windows_of(Calendar("1w", ZONES), ("pakistan",), begin, end - timedelta(microseconds=1))
    assert one_short["partial"].to_list() == [False, True]
    one_late = windows_of(Calendar("1w", ZONES), ("pakistan",), begin + timedelta(microseconds=1), end)
    assert one_late["partial"].to_list() == [True, False]
    one_over = windows_of(Calendar("1w", ZONES), ("pakistan",), begin, end + timedelta(microseconds=1))
    assert one_over["window"].to_list()[-1] == "2025-01-20"


def test_the_zone_in_which_a_period_is_given_does_not_matter() -> None:
    begin, end = datetime(2025, 1, 5, 12, tzinfo=UTC), datetime(2025, 1, 8, tzinfo=UTC)
    karachi = ZoneInfo("Asia/Karachi")
    elsewhere = windows_of(Calendar("1d", ZONES), SIDES, begin.astimezone(karachi), end.astimezone(karachi))
    assert elsewhere.equals(windows_of(Calendar("1d", ZONES), SIDES, begin, end))


MOMENT = st.datetimes(datetime(2008, 1, 1), datetime(2012, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@settings(deadline=None, max_examples=100)
@given(
    MOMENT,
    st.timedeltas(timedelta(microseconds=1), timedelta(days=40)),
    st.sampled_from(EVERY),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_windows_tile_the_period_and_every_post_finds_its_own(
    begin: datetime, length: timedelta, every: str, fractions: list[float]
) -> None:
    calendar, end = Calendar(every, ZONES), begin + length
    grid = windows_of(calendar, SIDES, begin, end)
    assert not grid.null_count().pipe(lambda nulls: any(nulls.row(0)))
    for side in SIDES:
        rows = grid.filter(pl.col("side") == side)
        assert rows["window"].is_unique().all()
        assert rows["window"].to_list() == grid["window"].to_list()[: rows.height]
        assert rows["start"][0] <= begin
        assert rows["end"][-1] >= end
        assert rows["end"].to_list()[:-1] == rows["start"].to_list()[1:]
    at = [min(begin + length * fraction, end - timedelta(microseconds=1)) for fraction in fractions]
    posts = pl.DataFrame({"side": [side for side in SIDES for _ in at], "created_at": at * 3})
    found = place_in_windows(posts, calendar).join(grid, on=["side", "window"], how="inner")
    assert found.height == posts.height
    assert (found["start"] <= found["created_at"]).all()
    assert (found["created_at"] < found["end"]).all()


@pytest.mark.parametrize("every", EVERY)
def test_clocks_set_back_in_pakistan_lose_no_post(every: str) -> None:
    # On 2009-11-01 at 00:00 the clocks of Pakistan went back to 23:00: that hour came twice.
    begin = datetime(2009, 10, 31, tzinfo=UTC)
    at = [begin + timedelta(minutes=10 * i) for i in range(6 * 48)]
    posts = pl.DataFrame({"side": ["pakistan"] * len(at), "created_at": at})
    grid = windows_of(Calendar(every, ZONES), ("pakistan",), begin, begin + timedelta(days=2))
    counts = place_in_windows(posts, Calendar(every, ZONES)).join(grid, on="window", how="left").group_by("start").len()
    assert counts["start"].null_count() == 0
    assert counts["len"].sum() == len(at)
    if every == "1h":
        twice = place_in_windows(posts, Calendar(every, ZONES)).filter(pl.col("window") == "2009-10-31T23:00")
        assert twice.height == 12
        hour = grid.filter(pl.col("window") == "2009-10-31T23:00")
        assert (hour["end"] - hour["start"])[0] == timedelta(hours=2)
    if every == "1d":
        day = grid.filter(pl.col("window") == "2009-10-31")
        assert (day["end"] - day["start"])[0] == timedelta(hours=25)


def test_a_day_whose_midnight_the_clocks_skip_starts_at_the_jump() -> None:
    # On 2009-04-15 the clocks of Pakistan went from 00:00 to 01:00, at 19:00 UTC of the day before.
    grid = windows_of(
        Calendar("1d", ZONES), ("pakistan",), local("pakistan", 2009, 4, 14), local("pakistan", 2009, 4, 16)
    )
    assert grid["window"].to_list() == ["2009-04-14", "2009-04-15"]
    assert grid["start"].to_list() == [datetime(2009, 4, 13, 19, tzinfo=UTC), datetime(2009, 4, 14, 19, tzinfo=UTC)]
    assert grid["end"].to_list() == [datetime(2009, 4, 14, 19, tzinfo=UTC), datetime(2009, 4, 15, 18, tzinfo=UTC)]
    assert grid["partial"].to_list() == [False, False]


def test_posts_keep_their_order_and_columns() -> None:
    at = [datetime(2025, 1, 5, tzinfo=UTC) + timedelta(days=d) for d in (3, 0, 9)]
    posts = pl.DataFrame({"post_id": ["c", "a", "b"], "side": ["unknown", "pakistan", "unknown"], "created_at": at})
    made = place_in_windows(posts, Calendar("1d", ZONES))
    assert made.drop("window").equals(posts)
    assert made["window"].to_list() == ["2025-01-08", "2025-01-05", "2025-01-14"]


@pytest.mark.parametrize("zone", ["Asia/Kabull", "", "../Kabul", "Asia", "PKT"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UsageError) as caught:
        Calendar("1d", {"pakistan": "Asia/Karachi", "afghanistan": zone})
    assert str(caught.value) == (
        f"the time zone of afghanistan is {zone!r}; name it as in the IANA list, like 'Asia/Kabul'"
    )


def test_an_unknown_length_is_told_the_options() -> None:
    with pytest.raises(SchemaError) as caught:
        Calendar("2w", {})
    assert str(caught.value).startswith("every is '2w'; it must be '1h', '6h', '1d', '1w' or '1mo'")


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)),
        (datetime(2025, 1, 3, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)),
        (datetime(2025, 1, 1), datetime(2025, 1, 2, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2)),
    ],
)
def test_a_period_needs_two_times_in_order(begin: datetime, end: datetime) -> None:
    with pytest.raises(MeaningError, match=r"^the period runs from .*; it needs two times with a zone, the first earl"):
        windows_of(Calendar("1d", {}), ("unknown",), begin, end)
