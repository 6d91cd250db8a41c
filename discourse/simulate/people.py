"""The made-up authors and what they write: who posts when, in which language, in which frame, with which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from discourse.schema import FRAMES
from discourse.simulate.bank import BANK_LANGUAGES, Skeleton, bank, render
from discourse.simulate.conflict import PERIOD, SHOCKS, SIDES, daily_truth

__all__ = ["Author", "Post", "people", "written_posts"]

ZONES = {"pakistan": "Asia/Karachi", "afghanistan": "Asia/Kabul"}
_TONGUES = {
    "pakistan": {"ur": 0.34, "ur-Latn": 0.30, "en": 0.24, "ps": 0.12},
    "afghanistan": {"fa": 0.42, "ps": 0.34, "en": 0.24},
}
_PLACES = {
    "pakistan": (
        "Lahore, Pakistan", "Karachi", "Islamabad", "Peshawar", "پاکستان", "لاہور", "کراچی", "Rawalpindi, Pakistan",
        "Quetta", "Pakistan 🇵🇰", "Multan, Pakistan", "اسلام آباد", "پشاور", "Faisalabad",
    ),
    "afghanistan": (
        "Kabul, Afghanistan", "Kandahar", "Herat", "کابل", "Afghanistan", "افغانستان", "Jalalabad, Afghanistan",
        "ننګرهار", "Mazar-i-Sharif", "هرات", "کندهار", "Khost, Afghanistan", "Afghanistan 🇦🇫", "بلخ",
    ),
}  # fmt: skip
_NOWHERE = ("", "", "", "", "Earth", "somewhere", "Hamburg, Germany", "Dubai", "online", "🌍", "London", "home")
_LISTED = 6  # accounts a side that are known from a list


@dataclass(frozen=True)
class Author:
    """One invented account. `known_by` is the evidence a researcher has for its side: list, place, geo or none."""

    number: int
    side: str
    known_by: str
    location: str
    tongues: tuple[str, ...]
    activity: float
    leaning: float

    @property
    def user_id(self) -> str:
        """An id from a range the platform never gave out."""
        return f"99{self.number:08d}"

    @property
    def visible_side(self) -> str:
        """The side that can be known from outside."""
        return self.side if self.known_by != "none" else "unknown"


@dataclass(frozen=True)
class Post:
    """One invented post with its true frame."""

    author: Author
    at: datetime
    frame: str
    lang: str
    text: str
    kind: str


def people(authors: int, rng: np.random.Generator) -> tuple[Author, ...]:
    """`authors` invented accounts, half a side, heavy-tailed in activity."""
    made = []
    for number in range(1, authors + 1):
        side = SIDES[number % 2]
        known_by = "list" if number <= 2 * _LISTED else str(rng.choice(["place", "geo", "none"], p=[0.74, 0.08, 0.18]))
        location = str(rng.choice(_PLACES[side] if known_by == "place" else _NOWHERE))
        tongues = _TONGUES[side]
        count = int(rng.choice([1, 2], p=[0.6, 0.4]))
        spoken = rng.choice(list(tongues), size=count, replace=False, p=list(tongues.values()))
        activity = float(min(rng.pareto(1.3) + 0.35, 60.0))
        made.append(
            Author(number, side, known_by, location, tuple(str(t) for t in spoken), activity, float(rng.random()))
        )
    return tuple(made)


def written_posts(authors: Sequence[Author], posts: int, loyalty: float, rng: np.random.Generator) -> list[Post]:
    """About `posts` posts of these authors over the period, in order of time.

    The frame of each post is drawn from the author's propensities on that day: with weight sqrt(`loyalty`) the
    one frame the author leans to, else the side's true shares, so that the mean over authors is the truth.
    """
    truth = daily_truth()
    shares, volume = _truth_arrays(truth)
    activity = np.array([author.activity for author in authors])
    counts = rng.poisson(activity / activity.sum() * posts)
    desk = _Desk(rng)
    made = []
    for author, count in zip(authors, counts, strict=True):
        s = SIDES.index(author.side)
        for day_index in np.sort(rng.choice(len(volume[s]), size=count, p=volume[s])):
            day = PERIOD[0] + timedelta(days=int(day_index))
            frame = FRAMES[_drawn_frame(shares[s, day_index], author.leaning, loyalty, rng)]
            lang = author.tongues[0] if rng.random() < 0.75 else author.tongues[-1]
            skeleton = desk.pick(lang, frame, author.side, day)
            kind = str(rng.choice(["original", "reply", "quote"], p=[0.80, 0.13, 0.07]))
            made.append(Post(author, _moment(day, author.side, rng), frame, lang, render(skeleton, rng), kind))
    return sorted(made, key=lambda post: (post.at, post.author.number))


class _Desk:
    """Picks skeletons: some are more popular, some come into use later, and topics follow the news."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.popularity = {lang: rng.pareto(1.5, len(bank(lang))) + 0.5 for lang in BANK_LANGUAGES}
        last = (PERIOD[1] - PERIOD[0]).days
        self.since = {lang: rng.integers(-last, 90, len(bank(lang))) for lang in BANK_LANGUAGES}
        self.rng = rng

    def pick(self, lang: str, frame: str, side: str, day: date) -> Skeleton:
        skeletons = bank(lang)
        fits = np.array([one.frame == frame and one.side in (side, "any") for one in skeletons])
        in_use = self.since[lang] <= (day - PERIOD[0]).days
        weight = self.popularity[lang] * fits * np.where(in_use, 1.0, 0.02)
        weight = weight * np.array([_news(one.topic, day) for one in skeletons])
        return skeletons[int(self.rng.choice(len(skeletons), p=weight / weight.sum()))]


def _news(topic: str, day: date) -> float:
    """How much more a topic is talked about on a day."""
    by_topic = {
        "strike": ("2024-12-24-barmal", "2024-12-28-retaliation"),
        "closure": ("2025-02-21-torkham-closed",),
        "talks": ("2025-03-17-torkham-jirga", "2025-03-22-sadiq-kabul"),
        "trade": ("2025-02-21-torkham-closed",),
    }
    heat = sum(shock.strength(day) for shock in SHOCKS if shock.event_id in by_topic.get(topic, ()))
    return (0.5 if topic in by_topic else 1.0) + 4.0 * heat


def _drawn_frame(shares: npt.NDArray[np.float64], leaning: float, loyalty: float, rng: np.random.Generator) -> int:
    edges = np.cumsum(shares)
    draw = leaning if rng.random() < loyalty**0.5 else rng.random()
    return min(int(np.searchsorted(edges, draw, side="right")), len(shares) - 1)


def _moment(day: date, side: str, rng: np.random.Generator) -> datetime:
    """A moment of a local day, more often in the evening, as UTC with milliseconds."""
    hour = 24.0 * float(rng.beta(3.0, 1.7))
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONES[side])) + timedelta(
        milliseconds=int(min(hour, 23.999) * 3_600_000)
    )
    return local.astimezone(UTC)


def _truth_arrays(truth: pl.DataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Shares (s, days, k) and volume (s, days)."""
    days = truth["day"].n_unique()
    shares = truth["share"].to_numpy().reshape(len(SIDES), days, len(FRAMES))
    volume = truth["volume"].to_numpy().reshape(len(SIDES), days, len(FRAMES))[:, :, 0]
    return shares, volume / volume.sum(axis=1, keepdims=True)
