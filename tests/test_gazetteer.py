"""Free-text places: which country they name, and that look-alikes name none. All strings are made up."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.gazetteer import Gazetteer, place_words
from discourse.errors import UsageError

AF = (
    "Kabul, Afghanistan",
    "کابل",
    "KABUL",
    "Kābul",
    "afghanistan 🇦🇫",
    "🇦🇫",
    "🇦🇫🇦🇫",
    "Afghanistan's heart",
    "#Afghanistan_Nangarhar",
    "Afghanistan123",
    "kandahar",
    "Qandahar",
    "کندهار",
    "قندھار",
    "قندهار افغانستان",
    "Mazar-i-Sharif",
    "mazar e sharif",
    "مزار شریف",
    "مزارشريف",
    "Herat/Afghanistan",
    "هرات",
    "ھرات",
    "Jalalabad",
    "جلال‌آباد",
    "جلال اباد",
    "ننګرهار",
    "ننگرہار",
    "Nangarhar – Kabul",
    "Ghazni",
    "غزني",
    "Sar-e Pol",
    "لښکرګاه، هلمند",
    "پكتيا",
    "Hyderabad Street, Kabul",
    "Farah, Afghanistan",
    "an Afghan in the mountains",
    "زما گران افغانستان",
    "PANJSHIR",
    "Maidan.Wardak",
    "کابُل",
    "AFGHANISTANافغانستان",
    "Kunduz / Kabul / Herat",
)
PK = (
    "lahore 🇵🇰",
    "Lahore, Punjab, Pakistan",
    "لاہور",
    "لاهور",
    "پاکستان",
    "پاكستان",
    "🇵🇰",
    "Peshawar",
    "پشاور",
    "پېښور",
    "پيښور",
    "Quetta",
    "کوئٹہ",
    "کوټه",
    "Khyber",
    "Khyber Pakhtunkhwa",
    "KPK, Pakistan",
    "خیبر پختونخوا",
    "Azad Kashmir",
    "Hyderabad, Pakistan",
    "Hyderabad, Sindh",
    "حیدرآباد، سندھ",
    "Gujrat, Pakistan",
    "Tank, Pakistan",
    "Islamabad-Rawalpindi",
    "اسلام آباد",
    "D.G. Khan",
    "North-West Frontier",
    "South Waziristan",
    "Pakistan 🇵🇰 zindabad",
    "karachi…",
    "KaRaChI",
    "𝐏𝐚𝐤𝐢𝐬𝐭𝐚𝐧",
    "فیصل آباد",
    "سوات",
    "میران شاہ",
    "Pakistan6",
    "Upper Dir",
    "South Asia, Pakistan",
    "Afghania Stores, Karachi",
)
NOBODY = (
    None,
    "",
    "   ",
    "Everywhere",
    "earth 🌍",
    "127.0.0.1",
    "Pakistan | Dubai",
    "Afghanistan/Germany",
    "Afghan refugee in Germany",
    "Afghan refugee",
    "Kabul - Berlin",
    "Kabul, Peshawar",
    "🇵🇰🇦🇫",
    "Pakistan 🇵🇰 🇹🇷",
    "🇹🇷",
    "افغانستان و پاکستان",
    "Outside Pakistan",
    "Overseas Pakistani",
    "کابل، ایران",
    "پاکستان، سعودی عرب",
    "Hyderabad",
    "Hyderabad, India",
    "Punjab",
    "Punjab, India",
    "پنجاب",
    "Kashmir",
    "کشمیر",
    "Jammu and Kashmir",
    "Gujrat",
    "Chaman",
    "Durand Line",
    "Torkham",
    "Afghania",
    "Afghanization Road",
    "Pakhtunkhwa",
    "Pashtunistan",
    "پښتونستان",
    "خراسان",
    "Pakistanphobia",
    "Unkabul",
    "Kabuli pulao",
    "Heratic",
    "Lahorewale",
    "Swatch",
    "London",
    "Dubai, UAE",
    "New Delhi, India",
    "Kunar & D.C.",
    "Lahore, U.S.A.",
    "Kabul 🇩🇪",
    "Mazar",
    "Farah",
    "Dir",
    "مردان",
    "هند",
)


@pytest.mark.parametrize(
    ("place", "side"),
    [*((p, "afghanistan") for p in AF), *((p, "pakistan") for p in PK), *((p, None) for p in NOBODY)],
)
def test_a_place_names_one_country_or_nobody(place: str | None, side: str | None) -> None:
    assert Gazetteer.builtin().side_of(place) == side


def test_there_are_enough_names_of_each_country_in_both_scripts() -> None:
    names = Gazetteer.builtin().names
    for side in ("afghanistan", "pakistan"):
        own = [words for words, named in names.items() if named == side]
        arabic = [words for words in own if "\u0600" <= words[0][0] <= "\u06ff"]
        assert len(own) >= 120
        assert len(arabic) >= 60
        assert len(own) - len(arabic) >= 60
    assert sum(named == "" for named in names.values()) >= 60


def test_every_name_of_the_file_gives_its_side_when_it_stands_alone() -> None:
    data = tomllib.loads((files("discourse.corpus") / "gazetteer.toml").read_text(encoding="utf-8"))
    builtin = Gazetteer.builtin()
    for side, groups in data["names"].items():
        for names in groups.values():
            assert {builtin.side_of(name) for name in names} == {side}
    for names in (*data["ambiguous"].values(), *data["elsewhere"].values()):
        assert {builtin.side_of(name) for name in names} == {None}
    for names in data["elsewhere"].values():
        assert {builtin.side_of(f"Kabul, {name}") for name in names} == {None}
    for name in data["ambiguous"]["names"]:
        assert builtin.side_of(f"{name} ; پاکستان") == "pakistan"


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="binstuz", min_size=1, max_size=8), st.text(alphabet="ابکلنیه", min_size=1, max_size=8))
def test_letters_around_a_name_hide_it(latin: str, arabic: str) -> None:
    for word in (f"Kabul{latin}", f"{latin}kabul", f"کابل{arabic}", f"{arabic}کابل"):
        assert Gazetteer.builtin().side_of(word) is None
        assert Gazetteer.builtin().side_of(f"{word} Kabul") == "afghanistan"


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_any_text_is_taken_and_folding_twice_is_folding_once(text: str) -> None:
    words = place_words(text)
    assert place_words(" ".join(words)) == words
    assert Gazetteer.builtin().side_of(text) in {None, "afghanistan", "pakistan"}


def test_a_long_text_is_cut_and_not_searched_to_its_end() -> None:
    assert Gazetteer.builtin().side_of("x " * 249 + "Kabul") is None
    assert Gazetteer.builtin().side_of("x " * 200 + "Kabul") == "afghanistan"


def own(folder: Path, text: str) -> Gazetteer:
    (folder / "places.toml").write_text(text, encoding="utf-8")
    return Gazetteer.from_toml(folder / "places.toml")


def test_a_gazetteer_of_ones_own(tmp_path: Path) -> None:
    mine = own(
        tmp_path,
        '[names.north]\ncities=["Upper Town", "Hill"]\n[names.south]\ncities=["Lower Town"]\n'
        '[ambiguous]\nnames=["Hill Upper"]\n[elsewhere]\ncities=["Sea"]\n',
    )
    assert mine.sides == ("north", "south")
    assert repr(mine) == "Gazetteer(north 2, south 1 names)"
    assert [mine.side_of(p) for p in ("upper-town", "Town", "Hill Upper Town", "Hill by the Sea")] == [
        "north",
        None,
        None,
        None,
    ]


def test_names_without_a_space_between_them_are_read_and_short_ones_are_not(tmp_path: Path) -> None:
    mine = own(
        tmp_path,
        '[names.north]\ncities=["Fivea", "Four", "New Hill", "Ab Cdef"]\n[names.south]\ncities=["Sevenbc", "Abc Def"]\n'
        '[ambiguous]\nnames=["Sharedx"]\n[elsewhere]\ncities=["Seaside"]\n',
    )
    said = {
        "fiveafivea": "north",
        "FiveaNewHillFivea": "north",
        "newhill": "north",
        "SharedxFivea": "north",
        "sharedx": None,
        "fourfivea": None,
        "fivea four": "north",
        "fiveasevenbc": None,
        "fiveaseaside": None,
        "fiveax": None,
        "xfivea": None,
        "abcdef": None,
        "abc def": "south",
        "sevenbc" * 8: "south",
        "sevenbc" * 9: None,
    }
    assert {place: mine.side_of(place) for place in said} == said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[places]\na=["x"]', "a key of the gazetteer is 'places'"),
        ('[elsewhere]\na=["x"]', r"has no \[names\.<side>\]"),
        ('[names.a]\nx=["Town"]\n[names.b]\nx=["TOWN"]', "has 'TOWN' for two sides"),
        ('[names.a]\nx=["Town"]\n[elsewhere]\nx=["town"]', "has 'town' for two sides"),
        ('[names.a]\nx=["Town"]\n[ambiguous]\nx=["town"]', "has 'town' as ambiguous and as a name"),
        ('[names.a]\nx=["123"]', "holds no letter"),
        ('[names.a]\nx="Town"', r"x of \[names\.a\] must be a list of words"),
        ('[names]\na=["Town"]', r"\[names\.a\] of the gazetteer must be a table of lists"),
    ],
)
def test_a_faulty_gazetteer_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        own(tmp_path, text)
