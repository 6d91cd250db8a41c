"""The registry on disk: nothing is overwritten, nothing lost, and what was changed is found."""

from __future__ import annotations

import os
import random
import shutil
import time
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from registering import FACTS, NAME, WHEN, comparison

from discourse.errors import BadInput, DiscourseError, MeaningError, MissingData, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import load_model, save_model
from discourse.registry import loading
from discourse.registry.card import CARD_FORMAT, Card, read_sealed, sealed
from discourse.registry.facts import Facts
from discourse.registry.folder import current, entries, entry, history, names, register, versions
from discourse.registry.loading import load_registered, open_registered, verify_registry
from discourse.registry.promotion import promote
from discourse.store import disk

TEXTS = ["defend our soil", "revenge now", "peace talks now", "we want dialogue", "rain", "امن چاہیے"]
VALUES = ["nationalist", "nationalist", "conciliatory", "conciliatory", "neither", "conciliatory"]


def trained(c: float = 1.0) -> FramingClassifier:
    return FramingClassifier(seed=3, c=c, least=1).fit(TEXTS, VALUES)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve models, each in a file."""
    place = tmp_path_factory.mktemp("models")
    for number in range(12):
        save_model(trained(1.0 + number), place / f"{number}.safetensors")
    return [place / f"{number}.safetensors" for number in range(12)]


@pytest.fixture
def models(files: list[Path], tmp_path: Path) -> Path:
    """A registry with v1, current, and v2."""
    place = tmp_path / "models"
    for file in files[:2]:
        register(load_model(file), place, NAME, FACTS, created=WHEN)
    promote(place, NAME, "v1", None, at=WHEN)
    return place


def test_versions_are_numbered_and_never_overwritten(models: Path, files: list[Path]) -> None:
    before = {one: one.read_bytes() for one in models.rglob("*") if one.is_file()}
    made = register(load_model(files[2]), models, NAME, FACTS, created=WHEN)
    assert (made.version, made.new, made.current) == ("v3", True, False)
    assert versions(models, NAME) == ["v1", "v2", "v3"]
    assert {one: one.read_bytes() for one in before} == before
    assert [(one.version, one.current, one.new) for one in entries(models)] == [
        ("v1", True, False), ("v2", False, False), ("v3", False, False)
    ]  # fmt: skip


def test_versions_are_in_the_order_of_their_numbers(models: Path) -> None:
    for number in (10, 9):
        shutil.copytree(models / NAME / "v1", models / NAME / f"v{number}")
    assert versions(models, NAME) == ["v1", "v2", "v9", "v10"]


def test_the_same_model_is_one_version_whenever_it_comes(models: Path, files: list[Path]) -> None:
    made = register(load_model(files[0]), models, NAME, Facts(training=None, codebook="another"))
    assert (made.version, made.new, made.current) == ("v1", False, True)
    assert made.card.codebook == FACTS.codebook
    assert versions(models, NAME) == ["v1", "v2"]
    assert register(load_model(files[0]), models, "other", FACTS).new


def test_the_number_of_a_version_that_was_current_is_not_given_again(models: Path, files: list[Path]) -> None:
    promote(models, NAME, "v2", comparison(str(models), "v2"))
    shutil.rmtree(models / NAME / "v2")
    assert register(load_model(files[2]), models, NAME, FACTS).version == "v3"
    assert [one.where for one in verify_registry(models).faults] == [f"{NAME}/history/00000002.json"]
    with pytest.raises(MissingData, match=r"'framing' has no version 'v2'; it has v1, v3$"):
        load_registered(models, NAME)


def test_a_loaded_model_is_the_one_that_was_registered(models: Path, files: list[Path]) -> None:
    asked = ["peace on our soil", "", "بارش"]
    for version, file in (("v1", files[0]), ("v2", files[1]), (None, files[0])):
        again = load_registered(models, NAME, version)
        assert (again.predict_proba(asked) == load_model(file).predict_proba(asked)).all()
    assert open_registered(models, NAME, "v2").card.version == "v2"


def test_a_card_says_what_the_model_is(models: Path, files: list[Path]) -> None:
    card = entry(models, NAME, "v2").card
    model = load_model(files[1])
    assert card.format == CARD_FORMAT
    assert (card.name, card.version, card.model_id, card.created) == (
        NAME,
        "v2",
        model.model_id,
        "2025-01-06T00:00:00Z",
    )
    assert card.model_sha256 == sha256(files[1].read_bytes()).hexdigest()
    assert card.model_bytes == files[1].stat().st_size
    assert card.classes == ("conciliatory", "nationalist", "neither")
    assert (card.settings["c"], card.settings["least"], card.seed) == (2.0, 1, 3)
    assert card.environment["numpy"] == np.__version__
    texts = [one.text for one in card.probes]
    assert len(set(texts)) == 50
    assert {one.language for one in card.probes} == {"en", "ur", "ur-Latn", "ps", "fa"}
    assert (np.array([one.probabilities for one in card.probes]) == model.predict_proba(texts)).all()


def test_times_are_utc_and_need_a_zone(files: list[Path], tmp_path: Path) -> None:
    local = datetime(2025, 1, 6, 2, 30, tzinfo=timezone(timedelta(hours=4, minutes=30)))
    assert register(load_model(files[0]), tmp_path, NAME, FACTS, created=local).card.created == "2025-01-05T22:00:00Z"
    with pytest.raises(UsageError, match="needs its zone"):
        register(load_model(files[1]), tmp_path, NAME, FACTS, created=datetime(2025, 1, 6))
    assert versions(tmp_path, NAME) == ["v1"]
    before = datetime.now(UTC).replace(microsecond=0)
    made = register(load_model(files[1]), tmp_path, NAME, FACTS).card.created
    assert before <= datetime.fromisoformat(made) <= datetime.now(UTC)


@pytest.mark.parametrize("name", ["", "Framing", "a b", "../x", "1a", "a/b", "con", "com1", "é", "x" * 65, "v1.", "-a"])
def test_a_name_that_is_no_folder_everywhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it names a folder: write small letters"):
        register(trained(), tmp_path / "models", name, FACTS)
    assert not (tmp_path / "models").exists()


def test_what_is_not_there_is_missing(models: Path, tmp_path: Path, files: list[Path]) -> None:
    with pytest.raises(MissingData, match=r"there is no model 'other' in models; register one with "):
        load_registered(models, "other")
    with pytest.raises(MissingData, match=r"'framing' has no version 'v7'; it has v1, v2$"):
        load_registered(models, NAME, "v7")
    register(load_model(files[0]), tmp_path / "new", NAME, FACTS)
    with pytest.raises(MissingData, match=r"no version of 'framing' is current; name one of v1, or promote one$"):
        load_registered(tmp_path / "new", NAME)


def test_the_history_says_what_was_current_since_when_and_why(models: Path) -> None:
    promote(models, NAME, "v2", comparison(str(models), "v2"), at=WHEN + timedelta(days=1))
    first, second = history(models, NAME)
    assert (first.version, first.decision, first.incumbent, first.at) == ("v1", "first", None, "2025-01-06T00:00:00Z")
    assert (second.version, second.decision, second.incumbent, second.at) == (
        "v2", "promoted", "v1", "2025-01-07T00:00:00Z"
    )  # fmt: skip
    assert second.comparison == comparison_of(models)
    assert current(models, NAME) == second
    assert second.previous == sha256((models / NAME / "history/00000001.json").read_bytes()).hexdigest()


def comparison_of(models: Path) -> Any:
    made = history(models, NAME)[1].comparison
    assert made is not None
    assert made.incumbent == entry(models, NAME, "v1").card.model_sha256
    return made


def test_against_the_comparison_only_a_written_reason_promotes(models: Path) -> None:
    worse = comparison(str(models), "v2", better=False)
    for reason in (None, "", "  "):
        with pytest.raises(MeaningError, match=r"v2 of 'framing' does not replace v1: macro-F1 of all; an override "):
            promote(models, NAME, "v2", worse, reason=reason)
    with pytest.raises(MeaningError, match="there is no comparison"):
        promote(models, NAME, "v2", None)
    assert len(history(models, NAME)) == 1
    made = promote(models, NAME, "v2", worse, reason="the labels of v1 were wrong")
    assert (made.decision, made.reason, made.comparison) == ("override", "the labels of v1 were wrong", worse)
    assert entry(models, NAME).version == "v2"


def test_a_comparison_of_other_models_promotes_nothing(models: Path, files: list[Path]) -> None:
    register(load_model(files[2]), models, NAME, FACTS)
    of_v3, of_v2 = comparison(str(models), "v3"), comparison(str(models), "v2")
    with pytest.raises(MeaningError, match=r"the comparison is not of v2 of 'framing' with v1, which is current"):
        promote(models, NAME, "v2", of_v3, reason="whatever")
    promote(models, NAME, "v3", of_v3)
    with pytest.raises(MeaningError, match="compare again"):
        promote(models, NAME, "v2", of_v2)
    with pytest.raises(MeaningError, match="v3 of 'framing' is current already"):
        promote(models, NAME, "v3", of_v3)


def test_a_sound_registry_is_sound(models: Path) -> None:
    found = verify_registry(models)
    assert (found.models, found.versions, found.faults, found.leftovers) == (1, 2, (), ())


def replaced(at: Path) -> None:
    """Put another whole model with a sound card in the place of v1."""
    card = read_sealed((at / "v2/card.json").read_bytes(), Card, "card.json")
    import msgspec

    shutil.copy(at / "v2/model.safetensors", at / "v1/model.safetensors")
    (at / "v1/card.json").write_bytes(sealed(msgspec.structs.replace(card, version="v1")))


FAULTS: dict[str, tuple[Any, str, str]] = {
    "card gone": (lambda at: (at / "v2/card.json").unlink(), "v2", "has no card that can be read"),
    "model gone": (lambda at: (at / "v2/model.safetensors").unlink(), "v2", "the model of framing v2 is gone"),
    "models swapped": (lambda at: shutil.copy(at / "v1/model.safetensors", at / "v2/model.safetensors"), "v2",
                       "is not the one its card was written for"),
    "cards swapped": (lambda at: shutil.copy(at / "v1/card.json", at / "v2/card.json"), "v2",
                      "the card of framing v2 is that of framing v1"),
    "a version copied": (lambda at: shutil.copytree(at / "v1", at / "v3"), "v3", "is that of framing v1"),
    "the current one replaced": (replaced, "v1", "is not the version that was made"),
    "a decision gone": (lambda at: (at / "history/00000001.json").rename(at / "history/00000002.json"), "history",
                        "the history of 'framing' is broken at 00000002.json"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_wrong_is_named(what: str, models: Path) -> None:
    harm, where, said = FAULTS[what]
    harm(models / NAME)
    faults = {one.where: one.what for one in verify_registry(models).faults}
    assert said in faults[f"{NAME}/{where}"]
    version = where if where.startswith("v") else "v1"
    with pytest.raises(DiscourseError):
        load_registered(models, NAME, version)


def test_what_belongs_to_nothing_is_a_leftover_and_no_fault(models: Path) -> None:
    (models / NAME / "staging/dead").mkdir()
    (models / NAME / "v1/notes.txt").write_text("a note")
    (models / NAME / "readme").write_text("a note")
    (models / "stray.txt").write_text("a note")
    found = verify_registry(models)
    assert found.faults == ()
    assert sorted(found.leftovers) == ["framing/readme", "framing/staging/dead", "framing/v1/notes.txt", "stray.txt"]
    assert names(models) == [NAME]


def test_what_a_crash_left_goes_after_a_day(models: Path, files: list[Path]) -> None:
    staging = models / NAME / "staging"
    for name, age in (("old", 25), ("young", 23)):
        (staging / name).mkdir()
        (staging / name / "model.safetensors").write_bytes(b"half")
        at = time.time() - 3600 * age
        os.utime(staging / name, (at, at))
    register(load_model(files[2]), models, NAME, FACTS)
    assert [one.name for one in staging.iterdir()] == ["young"]


def flipped(data: bytes, place: int, bit: int) -> bytes:
    made = bytearray(data)
    made[place] ^= 1 << bit
    return bytes(made)


@pytest.mark.parametrize("name", ["card.json", "model.safetensors", "../history/00000001.json"])
def test_a_flipped_bit_is_found_wherever_it_is(name: str, models: Path) -> None:
    file = models / NAME / "v1" / name
    data, dice = file.read_bytes(), random.Random(7)
    places = sorted({0, 1, len(data) - 1, *(dice.randrange(len(data)) for _ in range(360))})
    assert len(places) > 200
    for place in places:
        file.write_bytes(flipped(data, place, dice.randrange(8)))
        with pytest.raises(BadInput, match=r"(restore|is not as this package writes it)"):
            load_registered(models, NAME)
    for length in (0, 1, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(BadInput):
            load_registered(models, NAME)
    file.write_bytes(data + b" ")
    with pytest.raises(BadInput):
        load_registered(models, NAME)
    file.write_bytes(data)
    load_registered(models, NAME)


def test_a_model_with_a_sound_hash_and_another_content_is_found(models: Path, files: list[Path]) -> None:
    """The card of one model, written anew for the file of another."""
    import msgspec

    card = entry(models, NAME, "v2").card
    shutil.copy(files[5], models / NAME / "v2/model.safetensors")
    forged = msgspec.structs.replace(card, model_sha256=sha256(files[5].read_bytes()).hexdigest())
    (models / NAME / "v2/card.json").write_bytes(sealed(forged))
    with pytest.raises(BadInput, match="the card of framing v2 is of another model"):
        load_registered(models, NAME, "v2")


def with_probe(models: Path, shift: float, **more: Any) -> None:
    """Write the card of v2 anew, with the probabilities of its third probe shifted."""
    import msgspec

    card = entry(models, NAME, "v2").card
    p = card.probes[2].probabilities
    moved = msgspec.structs.replace(card.probes[2], probabilities=(p[0] + shift, p[1] - shift, *p[2:]))
    probes = (*card.probes[:2], moved, *card.probes[3:])
    data = sealed(msgspec.structs.replace(card, probes=probes, **more))
    (models / NAME / "v2/card.json").write_bytes(data)


def test_other_probabilities_than_on_the_card_are_refused_with_what_differs(models: Path) -> None:
    card = entry(models, NAME, "v2").card
    with_probe(models, 5e-7)
    load_registered(models, NAME, "v2")
    with_probe(models, 2e-3, environment={**card.environment, "numpy": "1.0.0"}, code={**card.code, "text": "0" * 64})
    with pytest.raises(MeaningError) as caught:
        load_registered(models, NAME, "v2")
    assert str(caught.value) == (
        "framing v2 gives other probabilities here than where it was registered: 1 of 50 probe texts differ, by up to "
        f"0.002 (en); numpy was 1.0.0, is {np.__version__}, the code of text was changed; use that environment, or "
        "train again here"
    )
    assert [one.where for one in verify_registry(models).faults] == ["framing/v2"]


def test_probabilities_that_are_none_are_refused(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FramingClassifier, "predict_proba", lambda _, texts: np.full((len(texts), 3), np.nan))
    with pytest.raises(MeaningError, match="50 of 50 probe texts differ"):
        load_registered(models, NAME, "v2")


def test_where_nothing_differs_it_says_so(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_probe(models, 2e-3)
    with pytest.raises(MeaningError, match="the environment and the code are the same, so the machine computes other"):
        load_registered(models, NAME, "v2")
    monkeypatch.setattr(loading, "TOLERANCE", 3e-3)
    load_registered(models, NAME, "v2")


def test_a_full_disk_leaves_the_registry_as_it_was(
    models: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("write_bytes", "fsync", "rename", "sync_folder"):
        with monkeypatch.context() as patch:
            patch.setattr(disk, step, full)
            with pytest.raises(BadInput, match=r"could not be written \(No space left on device\); the registry is as"):
                register(load_model(files[3]), models, NAME, FACTS)
            if step in ("write_bytes", "sync_folder"):
                with pytest.raises(BadInput, match="the registry is as it was"):
                    promote(models, NAME, "v2", comparison(str(models), "v2"))
        assert versions(models, NAME) == ["v1", "v2"]
        assert verify_registry(models).leftovers == ()
