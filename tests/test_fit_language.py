"""A model fitted on a small part of the texts already knows the languages; the texts are what the card says."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from conftest import shared_file
from discourse.text.fit_language import RESPELLED, fit, read_texts
from discourse.text.language import identify
from discourse.text.language_model import shipped
from discourse.text.letters import ARABIC, LATIN, script_of, words

ROOT = Path(__file__).resolve().parents[1]
TEXTS = ROOT / "corpora" / "language"
HELD_OUT = ROOT / "tests" / "fixtures" / "language"


def test_the_texts_are_many_and_in_their_script() -> None:
    texts = read_texts(TEXTS)
    least = {"en": (1000, 5000), "ur-Latn": (900, 5000), "ur": (700, 3500), "ps": (700, 5000), "fa": (700, 5000)}
    for lang, (n_posts, n_words) in least.items():
        posts, listed = texts[lang]
        assert len(set(posts)) == len(posts) >= n_posts, lang
        assert len(set(listed)) == len(listed) >= n_words, lang
    assert sum(name.startswith("other-") for name in texts) >= 23
    codes = "de es fr id it nl pl pt ro so sv sw tl tr uz vi".split()  # noqa: SIM905
    latin = {"en", "ur-Latn"} | {f"other-{code}" for code in codes}
    for lang, (posts, _) in texts.items():
        assert all(unicodedata.is_normalized("NFC", post) for post in posts), lang
        assert not [post for post in posts if "http" in post or "@" in post], lang
        first = [script_of(word) for post in posts for word, _, _ in words(post)[:1]]
        wanted = LATIN if lang in latin or lang.endswith("-Latn") else ARABIC
        assert first.count(wanted) >= 0.99 * len(first), lang


def test_no_held_out_post_is_among_the_texts() -> None:
    known = {" ".join(post.split()) for posts, _ in read_texts(TEXTS).values() for post in posts}
    for file in HELD_OUT.glob("*.txt"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert " ".join(line.split("\t")[-1].split()) not in known, file.name


def test_other_keyboards_type_other_letters() -> None:
    for lang, tables in RESPELLED.items():
        posts, _ = read_texts(TEXTS)[lang]
        for table in tables:
            assert sum(post.translate(table) != post for post in posts) > len(posts) / 10


@pytest.fixture(scope="module")
def few() -> dict[str, tuple[list[str], list[str]]]:
    """A part of the texts that is fitted in seconds."""
    keep = ("en", "ur-Latn", "ur", "ps", "fa", "other-ar", "other-tr")
    return {lang: (posts[:120], listed[:400]) for lang, (posts, listed) in read_texts(TEXTS).items() if lang in keep}


def test_a_small_fit_knows_the_languages_and_comes_out_the_same_twice(
    few: dict[str, tuple[list[str], list[str]]],
) -> None:
    made, again = fit(few), fit(few)
    for lang in ("en", "ur-Latn", "ur", "ps", "fa"):
        lines = (HELD_OUT / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
        assert np.mean([found.lang == lang for found in identify(lines, made)]) > 0.9, lang
    for script, family in made.families.items():
        assert np.array_equal(family.weights, again.families[script].weights)
        assert np.array_equal(family.offset, again.families[script].offset)


def test_roman_urdu_reads_the_posts_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "ur-Latn.posts.txt").write_text("ek do\n", encoding="utf-8")
    (tmp_path / "more.tsv").write_text("teen char\t1\npanch \t tab\t0\n", encoding="utf-8")
    assert read_texts(tmp_path, tmp_path / "more.tsv") == {"ur-Latn": (["ek do", "teen char", "panch \t tab"], [])}


def test_the_shipped_model_knows_the_words_of_the_texts_it_was_fitted_on() -> None:
    lines = shared_file("roman_urdu_ruhsold", "task_1_train.tsv").read_text(encoding="utf-8").split("\n")
    posts = [line.rsplit("\t", 1)[0] for line in lines if line]
    found = identify(posts, shipped())
    assert np.mean([one.lang in ("ur-Latn", "mixed") for one in found]) > 0.9
