from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from discourse.report.composition import composition, evidence_over_time, waves_over_time


def posts(side: str | None, lang: str | None, authors: int, each: int = 1) -> list[dict[str, str | None]]:
    return [
        {"window": "2025-01-06", "side": side, "lang": lang, "author_id": f"x:{side}-{lang}-{a}"}
        for a in range(authors)
        for _ in range(each)
    ]


def test_posts_and_authors_per_cell() -> None:
    made = composition(pl.DataFrame(posts("pakistan", "ur", 12, each=3)))
    assert made.rows() == [("2025-01-06", "pakistan", "ur", 36, 12)]


def test_ten_authors_are_shown_and_nine_are_not_and_no_sum_tells_the_nine() -> None:
    sides = posts("pakistan", "ur", 10) + posts("afghanistan", "fa", 9, each=5) + posts(None, "en", 30)
    assert composition(pl.DataFrame(sides)).rows() == [
        ("2025-01-06", "afghanistan", "other", None, None),
        ("2025-01-06", "pakistan", "ur", None, None),
        ("2025-01-06", "unknown", "en", 30, 30),
    ]


def test_small_languages_of_a_cell_are_put_together() -> None:
    made = composition(
        pl.DataFrame(posts("pakistan", "ps", 6) + posts("pakistan", "fa", 4) + posts("pakistan", "en", 11))
    )
    assert made.rows() == [("2025-01-06", "pakistan", "en", 11, 11), ("2025-01-06", "pakistan", "other", 10, 10)]


def test_a_small_rest_takes_in_the_next_smallest_language() -> None:
    given = posts("pakistan", "ps", 6) + posts("pakistan", "en", 12) + posts("pakistan", "ur", 11)
    made = composition(pl.DataFrame(given))
    assert made.rows() == [("2025-01-06", "pakistan", "en", 12, 12), ("2025-01-06", "pakistan", "other", 17, 17)]


def test_an_author_in_two_small_languages_counts_once() -> None:
    rows = [
        {"window": "w", "side": "pakistan", "lang": lang, "author_id": f"x:{a}"}
        for lang in ("ps", "fa")
        for a in range(9)
    ]
    assert composition(pl.DataFrame(rows)).rows() == [("w", "pakistan", "other", None, None)]


def test_unknown_side_and_language_stay_groups_and_the_input_stays_as_it_was() -> None:
    given = pl.DataFrame(posts(None, None, 15))
    before = given.clone()
    assert composition(given).rows() == [("2025-01-06", "unknown", "und", 15, 15)]
    assert given.equals(before)
    assert composition(given.reverse()).equals(composition(given))


def test_evidence_is_counted_like_languages_and_no_evidence_is_a_part_of_its_own() -> None:
    given = pl.DataFrame(posts("pakistan", "geotag", 12) + posts("pakistan", "account", 30) + posts(None, None, 20))
    made = evidence_over_time(given.rename({"lang": "side_basis"}))
    assert made.rows() == [
        ("2025-01-06", "pakistan", "account", 30, 30),
        ("2025-01-06", "pakistan", "geotag", 12, 12),
        ("2025-01-06", "unknown", "none", 20, 20),
    ]


def copied(window: str, copy: str | None, authors: int, minute: int, kind: str = "original") -> list[dict[str, object]]:
    at = datetime(2025, 1, 6, 12, minute, tzinfo=UTC)
    return [
        {"window": window, "copy_id": copy, "created_at": at, "kind": kind, "author_id": f"x:{copy}-{a}"}
        for a in range(authors)
    ]


def wave(copy: str, authors: int, first: int, last: int) -> dict[str, object]:
    times = {name: datetime(2025, 1, 6, 12, minute, tzinfo=UTC) for name, minute in (("first", first), ("last", last))}
    return {"copy_id": copy, "posts": authors, "authors": authors, **times}


def test_posts_of_a_wave_count_between_its_first_and_last_post_and_reposts_nowhere() -> None:
    given = pl.DataFrame([
        *copied("w1", "c", 12, 0), *copied("w1", "c", 1, 50), *copied("w1", "c", 40, 1, "repost"),
        *copied("w1", "d", 30, 0), *copied("w2", None, 15, 59),
    ])  # fmt: skip
    made = waves_over_time(given, pl.DataFrame([wave("c", 12, 0, 10)]))
    assert made.rows() == [("w1", 1, 12, 12, 43), ("w2", 0, 0, 0, 15)]


def test_waves_of_nine_authors_and_windows_of_nine_are_withheld() -> None:
    given = pl.DataFrame([*copied("w1", "c", 9, 0), *copied("w1", "d", 5, 0), *copied("w2", "e", 9, 0)])
    made = waves_over_time(given, pl.DataFrame([wave("c", 9, 0, 10), wave("e", 9, 0, 10)]))
    assert made.rows() == [("w1", None, None, None, 14), ("w2", None, None, None, None)]
    two = waves_over_time(given, pl.DataFrame([wave("c", 9, 0, 10), wave("d", 5, 0, 10)]))
    assert two.row(0) == ("w1", 2, 14, 14, 14)
