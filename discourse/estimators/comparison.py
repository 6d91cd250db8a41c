"""What stands against comparing two sides at all, whatever the interval of their difference says.

An interval answers how much chance there is in a difference of what was collected and coded. It does not answer whether
those posts are the talk of two countries: when most authors have no known side, when a side was hardly coded, or when
all posts came in through one hashtag, a difference is one between those who could be placed, or between those who
joined a campaign. Each guard looks at plain numbers and gives a `Guard`, or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from discourse.errors import UsageError
from discourse.estimators.guards import Guard

__all__ = ["CAMPAIGN", "LEAST_GOLD", "UNKNOWN_SIDES", "few_gold", "one_campaign", "sides_unknown"]

UNKNOWN_SIDES: Final = 0.5
"""Above this part of posts without a known side, those with one are the exception."""
CAMPAIGN: Final = 0.5
"""Above this part of posts with one hashtag, the hashtag is what was collected."""
LEAST_GOLD: Final = 100
"""Fewer random gold labels than this leave a share of one side at plus or minus ten points at best."""


def sides_unknown(known: int, posts: int) -> Guard | None:
    """Flag "sides_unknown": most of `posts` have no side; `known` have one.

    >>> print(sides_unknown(300, 1000))
    sides_unknown: 70 % of the posts have no known side, and those whose side is known need not be like them.
    >>> sides_unknown(600, 1000) is None
    True
    """
    if not 0 <= known <= posts:
        raise UsageError(f"{known} of {posts} posts have a known side; the first must be from 0 to the second")
    if not posts or 1.0 - known / posts <= UNKNOWN_SIDES:
        return None
    return Guard(
        "sides_unknown",
        f"{100 * (1 - known / posts):.0f} % of the posts have no known side, and those whose side is known need not be "
        "like them.",
    )


def few_gold(n_gold: Mapping[str, int]) -> Guard | None:
    """Flag "few_gold": a side of those compared has fewer than 100 gold labels; `labels` is what is missing in all.

    >>> print(few_gold({"Pakistan": 30, "Afghanistan": 120}))
    few_gold: Pakistan has 30 gold labels, fewer than the 100 that hold a share to plus or minus 10 points; code 70 more
    random posts.
    """
    short = {side: n for side, n in n_gold.items() if n < LEAST_GOLD}
    if not short:
        return None
    who = " and ".join(f"{side} has {n}" for side, n in short.items())
    more = sum(LEAST_GOLD - n for n in short.values())
    return Guard(
        "few_gold",
        f"{who} gold labels, fewer than the {LEAST_GOLD} that hold a share to plus or minus 10 points; "
        f"code {more} more random posts.",
        more,
    )


def one_campaign(share: float) -> Guard | None:
    """Flag "one_campaign": one hashtag stands in the part `share` of the posts, from 0 to 1.

    >>> print(one_campaign(0.9))
    one_campaign: 90 % of the posts carry one hashtag: they show who joined a campaign and how, not what either country
    says.
    >>> one_campaign(0.2) is None
    True
    """
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"share is {share}; the part of posts with one hashtag lies from 0 to 1")
    if share <= CAMPAIGN:
        return None
    return Guard(
        "one_campaign",
        f"{100 * share:.0f} % of the posts carry one hashtag: they show who joined a campaign and how, not what either "
        "country says.",
    )
