from __future__ import annotations

import polars as pl

from discourse.report.composition import composition


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
