"""The made-up authors: what they write averages to the truth, and what can be known of them is found again."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from discourse.corpus.gazetteer import Gazetteer
from discourse.corpus.posts import Corpus
from discourse.schema import FRAMES
from discourse.simulate.bank import bank
from discourse.simulate.conflict import PERIOD, SIDES, daily_truth
from discourse.simulate.export import native_ids
from discourse.simulate.people import ZONES, Author, Post, people, written_posts

TONGUES = {"pakistan": {"ur", "ur-Latn", "en", "ps"}, "afghanistan": {"fa", "ps", "en"}}


def test_half_the_authors_are_on_each_side() -> None:
    made = people(400, np.random.default_rng(1))
    assert Counter(author.side for author in made) == {"pakistan": 200, "afghanistan": 200}
    assert [author.number for author in made] == list(range(1, 401))
    assert len({author.user_id for author in made}) == 400
    for author in made:
        assert 1 <= len(set(author.tongues)) == len(author.tongues) <= 2
        assert set(author.tongues) <= TONGUES[author.side]
        assert 0.35 <= author.activity <= 60
        assert 0 <= author.leaning < 1


def test_six_accounts_a_side_are_listed_and_the_rest_known_as_often_as_said() -> None:
    made = people(6000, np.random.default_rng(1))
    assert Counter(author.side for author in made if author.known_by == "list") == dict.fromkeys(SIDES, 6)
    rest = [author.known_by for author in made if author.known_by != "list"]
    for basis, chance in {"place": 0.74, "geo": 0.08, "none": 0.18}.items():
        assert abs(rest.count(basis) / len(rest) - chance) < 4 * np.sqrt(chance * (1 - chance) / len(rest))


def test_the_visible_side_hides_only_those_without_evidence() -> None:
    for basis in ("list", "place", "geo"):
        assert Author(1, "pakistan", basis, "", ("ur",), 1.0, 0.5).visible_side == "pakistan"
    assert Author(1, "pakistan", "none", "", ("ur",), 1.0, 0.5).visible_side == "unknown"


def test_ids_are_ten_digits_from_a_range_of_their_own() -> None:
    assert Author(7, "pakistan", "none", "", ("ur",), 1.0, 0.5).user_id == "9900000007"
    assert int(Author(1, "pakistan", "none", "", ("ur",), 1.0, 0.5).user_id) > 2**32


def test_the_gazetteer_reads_every_place_right() -> None:
    gazetteer = Gazetteer.builtin()
    for author in people(3000, np.random.default_rng(2)):
        expected = author.side if author.known_by == "place" else None
        assert gazetteer.side_of(author.location) in ({expected} if expected else {None, "unknown"}), author.location


def test_every_post_gets_the_side_that_is_visible(written: list[Post], tiny_corpus: Corpus) -> None:
    found = dict(tiny_corpus.posts.select("post_id", "side").iter_rows())
    for native, post in zip(native_ids(written), written, strict=True):
        assert found[f"x:{native}"] == post.author.visible_side, post.author.location


def test_the_evidence_is_the_one_the_author_gives(written: list[Post], tiny_corpus: Corpus) -> None:
    found = dict(tiny_corpus.posts.select("post_id", "side_basis").iter_rows())
    basis = {"list": "author", "geo": "country", "place": "location"}
    for native, post in zip(native_ids(written), written, strict=True):
        if post.author.known_by in basis:
            assert found[f"x:{native}"] == basis[post.author.known_by]


def test_posts_are_in_order_inside_the_period_and_of_the_right_kinds(written: list[Post]) -> None:
    assert [post.at for post in written] == sorted(post.at for post in written)
    for post in written:
        day = post.at.astimezone(ZoneInfo(ZONES[post.author.side])).date()
        assert PERIOD[0] <= day <= PERIOD[1]
        assert post.lang in post.author.tongues
        assert post.at.microsecond % 1000 == 0
        assert post.frame in FRAMES
    kinds = Counter(post.kind for post in written)
    for kind, chance in {"original": 0.80, "reply": 0.13, "quote": 0.07}.items():
        assert abs(kinds[kind] / len(written) - chance) < 4 * np.sqrt(chance / len(written))


def test_a_text_is_of_a_skeleton_of_its_language_frame_and_side() -> None:
    made = written_posts(people(40, np.random.default_rng(3)), 200, 0.15, np.random.default_rng(3))
    for post in made:
        starts = {one.text.split("{")[0].split(" ")[0] for one in bank(post.lang)
                  if one.frame == post.frame and one.side in (post.author.side, "any")}  # fmt: skip
        assert "" in starts or post.text.split(" ")[0] in starts


@pytest.mark.parametrize("loyalty", [0.0, 0.6])
def test_written_frames_average_to_the_truth(loyalty: float) -> None:
    """A day and side, many authors of one post each: shares within four standard errors of the truth."""
    truth = daily_truth()
    authors = [Author(n, side, "none", "", ("en",), 1.0, u) for side in SIDES
               for n, u in enumerate(np.random.default_rng(9).random(2500))]  # fmt: skip
    made = written_posts(authors, 4000, loyalty, np.random.default_rng(5))
    frame = pl.DataFrame({
        "side": [post.author.side for post in made], "frame": [post.frame for post in made],
        "day": [local_day(post) for post in made],
    })  # fmt: skip
    for side in SIDES:
        mine = frame.filter(pl.col("side") == side)
        expected = truth.filter(pl.col("side") == side).join(mine.group_by("day").len(), on="day")
        for name in FRAMES:
            rows = expected.filter(pl.col("frame") == name)
            mean = (rows["share"] * rows["len"]).sum() / mine.height
            found = (mine["frame"] == name).mean()
            assert abs(found - mean) < 4 * np.sqrt(mean * (1 - mean) / mine.height) * (1 + loyalty)


def local_day(post: Post) -> date:
    return post.at.astimezone(ZoneInfo(ZONES[post.author.side])).date()


@pytest.mark.parametrize("loyalty", [0.0, 0.6])
def test_loyalty_is_how_far_two_posts_of_an_author_agree(loyalty: float) -> None:
    """On a day of constant truth, P(same author's two posts both nationalist) = s^2 + loyalty s (1 - s)."""
    rng = np.random.default_rng(11)
    authors = [Author(n, "pakistan", "none", "", ("en",), 1.0, float(rng.random())) for n in range(1500)]
    made = written_posts(authors, 7500, loyalty, rng)
    early = [post for post in made if local_day(post) < date(2024, 12, 24)]
    by_author: dict[int, list[bool]] = {}
    for post in early:
        by_author.setdefault(post.author.number, []).append(post.frame == "nationalist")
    pairs = np.array([(x[0], x[1]) for x in by_author.values() if len(x) > 1])
    assert len(pairs) > 150
    both, s = float((pairs[:, 0] & pairs[:, 1]).mean()), 0.30
    expected = s * s + loyalty * s * (1 - s)
    assert abs(both - expected) < 4 * np.sqrt(expected * (1 - expected) / len(pairs))


def test_more_is_posted_around_events() -> None:
    made = written_posts(people(300, np.random.default_rng(4)), 3000, 0.15, np.random.default_rng(4))
    days = Counter(local_day(post) for post in made)
    before = np.mean([days[date(2024, 12, 10) + timedelta(days=i)] for i in range(7)])
    after = np.mean([days[date(2024, 12, 24) + timedelta(days=i)] for i in range(7)])
    assert after > 1.6 * before


def test_the_seed_decides() -> None:
    def texts(seed: int) -> list[tuple[datetime, str]]:
        rng = np.random.default_rng(seed)
        return [(post.at, post.text) for post in written_posts(people(30, rng), 60, 0.15, rng)]

    assert texts(1) == texts(1) != texts(2)
