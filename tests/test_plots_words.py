from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle

from conftest import ROOT
from discourse.errors import MeaningError, PrivacyError, SchemaError
from discourse.framing.lexicon import lexicon_entries
from discourse.plots.save import figure_bytes, save_figure
from discourse.plots.words import describe_words, describe_words_grid, plot_words, plot_words_grid

FONT = ROOT / "discourse/plots/fonts/naskh.ttf"


def table(*words: tuple[str, float, int], lang: str = "ur", **changes: Any) -> pl.DataFrame:
    rows = [
        {"frame": "nationalist", "lang": lang, "kind": "pair" if " " in word else "word", "word": word,
         "contribution": value, "when_used": 1.0, "n_posts": authors + 5, "n_authors": authors, "lang_posts": 1234,
         "lang_authors": 321, "model": "linear@1", **changes}
        for word, value, authors in words
    ]  # fmt: skip
    return pl.DataFrame(rows)


def bars(ax: Axes) -> list[Rectangle]:
    return [bar for bar in ax.patches if isinstance(bar, Rectangle)]


def drawn(given: pl.DataFrame, lang: str = "ur") -> Axes:
    return plot_words(given, frame="nationalist", lang=lang)


def names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_bars_have_the_length_of_the_contribution_and_stand_greatest_first() -> None:
    ax = drawn(table(("وطن", 0.1, 20), ("جنگ", 0.3, 30), ("نہ جنگ", 0.2, 12)))
    assert names(ax) == ["جنگ", "نہ جنگ", "وطن"]
    assert [bar.get_width() for bar in bars(ax)] == [0.3, 0.2, 0.1]
    assert [round(bar.get_y() + bar.get_height() / 2, 9) for bar in bars(ax)] == [0.0, 1.0, 2.0]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first bar stands on top"
    assert [text.get_text() for text in ax.texts] == ["30", "12", "20"]


def test_pairs_are_told_apart_in_grey_too() -> None:
    ax = drawn(table(("جنگ", 0.3, 30), ("نہ جنگ", 0.2, 12)))
    word, pair = bars(ax)
    assert (word.get_hatch() or "") == ""
    assert pair.get_hatch() == "////"
    assert to_hex(word.get_facecolor()) != to_hex(pair.get_facecolor())
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a word, with its letter groups", "two words in a row"]
    assert drawn(table(("جنگ", 0.3, 30))).get_legend() is None


def test_a_word_of_nine_authors_is_not_drawn_whatever_the_table_holds() -> None:
    given = table(("جنگ", 0.3, 9), ("وطن", 0.1, 10))
    assert names(drawn(given)) == ["وطن"]
    assert "جنگ" not in "".join(describe_words(given, frame="nationalist", lang="ur"))
    with pytest.raises(MeaningError, match="no word of 10 or more authors carries nationalist in Urdu"):
        drawn(table(("جنگ", 0.3, 9)))


def test_only_the_frame_and_language_asked_for_are_drawn() -> None:
    given = pl.concat([table(("جنگ", 0.3, 30)), table(("war", 0.2, 30), lang="en"),
                       table(("امن", 0.4, 30), frame="conciliatory")])  # fmt: skip
    assert names(drawn(given)) == ["جنگ"]
    assert names(drawn(given, "en")) == ["war"]
    assert "English" in str(drawn(given, "en").figure.get_suptitle())


def test_what_cannot_be_drawn_is_said() -> None:
    given = table(("جنگ", 0.3, 30))
    with pytest.raises(SchemaError, match="lang is 'pashto'; it must be 'ur'"):
        drawn(given, "pashto")
    with pytest.raises(SchemaError, match="frame is 'neither'; it must be 'nationalist'"):
        plot_words(given, frame="neither", lang="ur")
    with pytest.raises(SchemaError, match="no column 'n_authors'"):
        drawn(given.drop("n_authors"))
    with pytest.raises(MeaningError, match="the table of words is empty"):
        drawn(given.clear())
    with pytest.raises(MeaningError, match="several models"):
        drawn(pl.concat([given, table(("وطن", 0.1, 20), model="linear@2")]))
    with pytest.raises(PrivacyError, match="author_id"):
        drawn(given.with_columns(author_id=pl.lit("x:a")))


def test_a_sign_for_mathematics_is_drawn_as_it_stands() -> None:
    assert names(drawn(table((r"$\foo{$", 0.3, 30), ("_x", 0.2, 30)))) == [r"\$\foo{\$", " _x"]


@pytest.mark.parametrize("lang", ["ur", "ps", "fa"])
def test_the_font_that_comes_along_has_every_letter_of_the_lexicon(lang: str) -> None:
    held = set(FT2Font(str(FONT)).get_charmap())
    words = [entry.term for entry in lexicon_entries(lang)]
    assert {c for word in words for c in word if c.isalpha() or c == "\u200c"} <= {chr(code) for code in held}
    assert held >= {ord(c) for c in "ہےۍښډړټۀڼځڅېگکیںھٹڈڑ"}


@pytest.mark.parametrize(("lang", "word"), [("ur", "ہے تو"), ("ps", "پنډۍ زموږ"), ("fa", "می‌کند"), ("en", "peace")])
def test_figures_are_drawn_without_a_missing_letter(lang: str, word: str) -> None:
    ax = drawn(table((word, 0.2, 20), lang=lang), lang)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = figure_bytes(ax, title="words", description="words")
    assert first == figure_bytes(drawn(table((word, 0.2, 20), lang=lang), lang), title="words", description="words")
    used = findfont(ax.get_yticklabels()[0].get_fontproperties())
    assert Path(used).name == "DejaVuSans.ttf" if lang == "en" else Path(used) == FONT


def test_a_pair_of_both_scripts_has_both_fonts() -> None:
    label = drawn(table(("امن peace", 0.2, 20))).get_yticklabels()[0]
    assert Path(findfont(label.get_fontproperties())) == FONT
    assert label.get_fontfamily()[1] == "DejaVu Sans"


def test_caption_and_alternative_text_hold_the_numbers() -> None:
    given = table(("جنگ", 0.3, 30), *[(f"w{i}", 0.2 - i / 100, 11) for i in range(6)])
    caption, alt = describe_words(given, frame="nationalist", lang="ur")
    wanted = ("7 words and pairs of words", "linear@1", "1,234 posts in Urdu by 321 authors", "fewer than 10 authors",
              "not why people write as they do", "assume nothing about its errors")  # fmt: skip
    for said in wanted:
        assert said in caption
    assert "جنگ 0.300 (30 authors)" in alt
    assert "; and 2 more." in alt
    assert "w5" not in alt


def several() -> pl.DataFrame:
    return pl.concat([
        table(("جنگ", 0.3, 30), ("وطن", 0.2, 20), ("نہ جنگ", 0.1, 12)), table(("war", 0.25, 40), lang="en"),
        table(("few", 0.9, 9), lang="ps"), table(("xyz", 0.8, 30), lang="und"),
        table(("امن", 0.4, 30), frame="conciliatory"),
    ])  # fmt: skip


def test_a_frame_has_a_panel_for_each_language_on_one_scale() -> None:
    panels = plot_words_grid(several(), frame="nationalist", most=2).figure.axes
    assert [(ax.get_title(loc="left"), names(ax)) for ax in panels] == [
        ("English", ["war"]), ("Urdu", ["جنگ", "وطن"])
    ]  # fmt: skip
    assert [bar.get_width() for bar in bars(panels[1])] == [0.3, 0.2]
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert panels[0].get_ylim() == panels[1].get_ylim(), "bars are as thick in all panels"
    assert Path(findfont(panels[1].get_yticklabels()[0].get_fontproperties())) == FONT


def test_the_words_of_the_grid_name_each_language_and_those_left_out() -> None:
    caption, alt = describe_words_grid(several(), frame="nationalist", most=2)
    assert "English 1,234 posts by 321 authors; Urdu 1,234 posts by 321 authors" in caption
    assert "No word can be shown for: Pashto." in caption
    assert "English: war 0.250; Urdu: جنگ 0.300, وطن 0.200." in alt
    for hidden in ("few", "xyz", "0.9"):
        assert hidden not in alt
    with pytest.raises(MeaningError, match="in any language"):
        plot_words_grid(table(("few", 0.9, 9)), frame="nationalist")
    with pytest.raises(SchemaError, match="frame is 'neither'"):
        plot_words_grid(several(), frame="neither")


def test_the_figure_is_written_with_its_rows(tmp_path: Path) -> None:
    given = table(("war", 0.3, 30), ("=1+1", 0.2, 30), lang="en")
    paths = save_figure(drawn(given, "en"), tmp_path / "words", given, title="Words", description="Words")
    assert paths[3].read_text("utf-8").splitlines()[2].split(",")[3] == "'=1+1"


def test_the_font_is_small_and_comes_with_its_licence() -> None:
    assert FONT.stat().st_size < 100_000
    assert "SIL Open Font License" in FONT.with_name("OFL.txt").read_text("utf-8")
    assert "naskh.ttf" in FONT.with_name("README.md").read_text("utf-8")
