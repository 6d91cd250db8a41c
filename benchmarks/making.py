"""A made-up export for benchmarks: flattened tweets of the X API v2, the same bytes for one seed; nobody wrote them.

Posts are windows of words from the package's invented bank: 44 of 100 English, 22 Urdu, 14 Roman Urdu, 9 Pashto, 8
Dari, 3 without words; median 18 words, with links, mentions, hashtags and emoji; one in five copies an earlier post.
Authors are heavy-tailed and carry the country they write from. What is measured on such posts is speed, never accuracy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from discourse.simulate.bank import BANK_LANGUAGES, bank, render

SEED = 7
_SHARES = {"en": 0.44, "ur": 0.22, "ur-Latn": 0.14, "ps": 0.09, "fa": 0.08, "": 0.03}
_DECLARED = {"en": "en", "ur": "ur", "ur-Latn": "hi", "ps": "ps", "fa": "fa", "": "und"}
_EXTRA = [
    "not good", "VERY bad!!", "so happy :)", "isn't great", "lol", "but hopeless", "kind of sad", "love it",
    "don't trust them", "the worst", "really AMAZING", "least terrible",
]  # fmt: skip
_ANY_LANGUAGE = ["😂", "😡", "#Peace", "#Torkham"]
_COUNTRIES = ("Pakistan", "Afghanistan", "")
_FIRST = 1_733_011_200  # 2024-12-01 in UTC
_DAYS = 60
_EPOCH = 1_288_834_974_657


def _pools(rng: np.random.Generator) -> dict[str, list[str]]:
    """The words of many rendered skeletons of each language, one after the other."""
    pools = {}
    for lang in BANK_LANGUAGES:
        skeletons = bank(lang)
        words = " ".join(render(skeletons[int(at)], rng) for at in rng.integers(0, len(skeletons), 4_000)).split()
        pools[lang] = words
    return pools


def texts(posts: int, seed: int = SEED) -> Iterator[tuple[str, str]]:
    """Language and text of so many posts."""
    rng = np.random.default_rng([seed, 1])
    pools = _pools(rng)
    langs = list(_SHARES)
    recent: list[tuple[str, str]] = []
    for begin in range(0, posts, 10_000):
        count = min(10_000, posts - begin)
        picked = rng.choice(len(langs), count, p=list(_SHARES.values()))
        sizes = np.clip(rng.lognormal(np.log(18), 0.55, count), 2, 80).astype(int)
        places, dice, extra = rng.random((count, 4)), rng.random((count, 5)), rng.integers(0, 48, (count, 2))
        for i in range(count):
            if recent and dice[i, 0] < 0.2:
                yield recent[int(places[i, 1] * len(recent))]
                continue
            lang = langs[picked[i]]
            wild = [*_EXTRA, *_ANY_LANGUAGE] if lang == "en" else _ANY_LANGUAGE
            made = (
                lang,
                _text(
                    pools.get(lang, []), int(sizes[i]), places[i], dice[i], [wild[at % len(wild)] for at in extra[i]]
                ),
            )
            recent.append(made)
            if len(recent) > 20_000:
                recent[int(places[i, 2] * 20_000)] = recent.pop()
            yield made


def _text(pool: list[str], size: int, place: np.ndarray, dice: np.ndarray, extra: list[str]) -> str:
    words = []
    if pool:
        at = int(place[0] * (len(pool) - size))
        words = pool[at : at + size]
        for n in range(2):
            if dice[1 + n] < 0.35:
                words.insert(int(place[2] * len(words)), extra[n])
    if dice[3] < 0.3:
        words.insert(0, f"@demo_{int(place[3] * 5_000)}")
    if dice[4] < 0.25 or not words:
        words.append(f"https://example.org/{int(place[1] * 1e9):x}")
    return " ".join(words)


def write_export(path: Path, posts: int, seed: int = SEED) -> None:
    """So many posts as JSON lines, in order of their time, by one author in eleven posts."""
    rng = np.random.default_rng([seed, 2])
    authors = max(60, posts // 11)
    with path.open("w", encoding="utf-8") as file:
        made = texts(posts, seed)
        for begin in range(0, posts, 50_000):
            count = min(50_000, posts - begin)
            who = np.minimum(rng.pareto(0.9, count) * authors / 50, authors - 1).astype(int)
            likes = rng.poisson(3, (count, 4))
            for i, (lang, text) in zip(range(count), made, strict=False):
                number = begin + i
                second = _FIRST + number * _DAYS * 86_400 // posts
                native = str(((second * 1000 - _EPOCH) << 22) | number % 4096)  # an id tells its time
                moment = np.datetime64(second, "s")
                author = int(who[i]) * 7_919 % authors
                file.write(json.dumps(_tweet(native, author, f"{moment}.000Z", (lang, text), likes[i].tolist())))
                file.write("\n")


def _tweet(native: str, author: int, moment: str, said: tuple[str, str], likes: list[int]) -> dict[str, object]:
    account = str(9_000_000_000 + author)
    country = _COUNTRIES[min(author * 7 % 20 // 9, 2)]
    return {
        "id": native, "author_id": account, "created_at": moment, "lang": _DECLARED[said[0]], "text": said[1],
        "edit_history_tweet_ids": [native], "conversation_id": native, "reply_settings": "everyone",
        "possibly_sensitive": False, "entities": {"hashtags": [{"start": 1, "end": 5, "tag": "demo"}]},
        "public_metrics": dict(zip(("retweet_count", "reply_count", "like_count", "quote_count"), likes, strict=True)),
        "author": {"id": account, "username": f"demo_{author}", "name": "A demo account", "location": country,
                   "created_at": "2019-01-01T00:00:00.000Z", "verified": False,
                   "public_metrics": {"followers_count": author % 997, "following_count": 10, "tweet_count": 77}},
    }  # fmt: skip


def training(posts: int, seed: int = SEED) -> tuple[list[str], list[str]]:
    """Texts of the bank with their frames, to train both classifiers on."""
    rng = np.random.default_rng([seed, 3])
    skeletons = [one for lang in BANK_LANGUAGES for one in bank(lang)]
    picked = [skeletons[int(at)] for at in rng.integers(0, len(skeletons), posts)]
    return [render(one, rng) for one in picked], [one.frame for one in picked]
