"""What stands against comparing sides: at which numbers each guard begins to speak, and what it says."""

from __future__ import annotations

import polars as pl
import pytest

from discourse.corpus.texts import campaign_share
from discourse.errors import UsageError
from discourse.estimators.comparison import CAMPAIGN, LEAST_GOLD, few_gold, one_campaign, sides_unknown
from discourse.estimators.guards import labels_needed


def test_sides_are_unknown_when_more_than_half_of_the_posts_have_none() -> None:
    assert sides_unknown(50, 100) is None
    assert sides_unknown(0, 0) is None
    made = sides_unknown(49, 100)
    assert made is not None
    assert made.flag == "sides_unknown"
    assert made.sentence.startswith("51 % of the posts have no known side")
    assert made.labels is None
    with pytest.raises(UsageError, match=r"^11 of 10 posts have a known side; the first must be from 0 to the second$"):
        sides_unknown(11, 10)


def test_a_side_with_too_few_labels_is_named_with_what_it_lacks() -> None:
    assert few_gold({"A": LEAST_GOLD, "B": LEAST_GOLD}) is None
    one = few_gold({"A": LEAST_GOLD - 1, "B": 500})
    assert one is not None
    assert one.labels == 1
    assert one.sentence.startswith("A has 99 gold labels")
    both = few_gold({"A": 40, "B": 70})
    assert both is not None
    assert both.labels == 90
    assert both.sentence.startswith("A has 40 and B has 70 gold labels, fewer than the 100")


def test_a_hundred_labels_are_what_ten_points_cost() -> None:
    assert labels_needed(0.1) <= LEAST_GOLD < labels_needed(0.095)


def test_one_hashtag_in_most_posts_is_a_campaign() -> None:
    assert one_campaign(CAMPAIGN) is None
    made = one_campaign(0.94)
    assert made is not None
    assert made.sentence.startswith("94 % of the posts carry one hashtag")
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="the part of posts with one hashtag lies from 0 to 1"):
            one_campaign(wrong)


def test_the_campaign_is_the_most_common_hashtag_counted_once_a_post() -> None:
    texts = ["#a #a #a", "#b #a", "#b", "#b", None, "", "no tag", "a # b", "#b"]
    assert campaign_share(pl.DataFrame({"text_norm": texts})) == pytest.approx(4 / 9)
    assert campaign_share(pl.DataFrame({"text_norm": []}, schema={"text_norm": pl.String})) == 0.0
