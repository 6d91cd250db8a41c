from __future__ import annotations

import base64
import hashlib
import os
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key, default_key_path, handle_pseudonym, mask_text, pseudonym
from discourse.errors import MissingData, PrivacyError

KEY = Key(bytes(range(32)))


def test_pseudonym_is_the_keyed_blake2b_of_platform_and_id() -> None:
    digest = hashlib.blake2b(b"x\x1f42", digest_size=16, key=bytes(range(32)), person=b"discourse-user").digest()
    expected = base64.b32encode(digest).decode().replace("=", "").lower()
    assert len(expected) == 26
    assert pseudonym(KEY, "x", "42") == f"x:{expected}"


def test_pseudonym_depends_on_key_platform_and_id() -> None:
    others = [
        pseudonym(Key.made_up("a"), "x", "42"),
        pseudonym(Key.made_up("b"), "x", "42"),
        pseudonym(Key.made_up("a"), "x", "43"),
        pseudonym(Key.made_up("a"), "y", "42"),
    ]
    assert len({other.split(":")[1] for other in others}) == 4


def test_an_empty_id_has_no_pseudonym() -> None:
    for give in (pseudonym, handle_pseudonym):
        with pytest.raises(PrivacyError, match="empty id"):
            give(KEY, "x", "")
    with pytest.raises(PrivacyError, match="empty id"):
        handle_pseudonym(KEY, "x", "@")


def test_a_handle_never_meets_the_id_of_the_same_digits() -> None:
    assert handle_pseudonym(KEY, "x", "42") != pseudonym(KEY, "x", "42")
    assert handle_pseudonym(KEY, "x", "@DEMO_One") == handle_pseudonym(KEY, "x", "demo_one")
    assert handle_pseudonym(KEY, "x", "demo_one") != handle_pseudonym(KEY, "x", "demo_two")


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33), "a" * 32, None])
def test_a_key_is_32_bytes(secret: object) -> None:
    with pytest.raises(PrivacyError, match="a key is 32 random bytes"):
        Key(secret)  # type: ignore[arg-type]


def test_a_key_shows_its_fingerprint_only() -> None:
    secret = bytes(range(100, 132))
    key = Key(secret)
    shown = f"{key!r} {key} {[key]}"
    assert repr(key) == f"Key({key.fingerprint})"
    assert secret.hex() not in shown
    assert repr(secret) not in shown
    assert len(key.fingerprint) == 8
    int(key.fingerprint, 16)
    assert key.fingerprint != secret.hex()[:8]
    assert key.fingerprint != Key(bytes(range(101, 133))).fingerprint
    assert pickle.loads(pickle.dumps(key)) == key


def test_made_up_needs_a_phrase() -> None:
    with pytest.raises(PrivacyError, match="needs a phrase"):
        Key.made_up("")


def test_created_key_is_private_random_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "study.key"
    key = Key.from_file(path, create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == key.secret
    assert Key.from_file(path, create=True) == key
    assert Key.from_file(path) == key
    assert Key.from_file(tmp_path / "other.key", create=True) != key


def test_a_missing_key_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="create=True"):
        Key.from_file(tmp_path / "none.key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_file_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "study.key"
    path.write_bytes(bytes(length))
    path.chmod(0o600)
    with pytest.raises(PrivacyError, match=f"holds {length} bytes, a key has 32"):
        Key.from_file(path, create=True)
    assert path.stat().st_size == length


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "study.key"
    path.write_bytes(bytes(32))
    path.chmod(mode)
    with pytest.raises(PrivacyError, match="chmod 600"):
        Key.from_file(path)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(PrivacyError):
        Key.from_file(tmp_path)


def test_where_the_key_is_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(tmp_path / "a.key"))
    assert default_key_path() == tmp_path / "a.key"
    monkeypatch.delenv("DISCOURSE_KEY_FILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_key_path() == tmp_path / ".local" / "share" / "discourse" / "default.key"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("salam @demo_one!", "salam [user]!"),
        ("＠demo_one @\u200fdemo_two", "[user] [user]"),
        ("by u/demo_one", "by [user]"),
        ("@demo@mastodon.example", "[user]"),
        ("http://example.org/a?b=c&d end", "[url] end"),
        ("see t.co/AbC1 and example.com.", "see [url] and [url]."),
        ("www.example.pk/x", "[url]"),
        ("demo.one+tag@mail.example.org", "[email]"),
        ("+92 300 1234567", "[phone]"),
        ("+92-42-35761999", "[phone]"),
        ("0092 300 1234567", "[phone]"),
        ("03001234567", "[phone]"),
        ("0300-1234567,0301-7654321", "[phone],[phone]"),
        ("0300 1234567 0301 7654321", "[phone] [phone]"),
        ("923001234567", "[phone]"),
        ("+93 70 123 4567", "[phone]"),
        ("0701234567", "[phone]"),
        ("۰۳۰۰-۱۲۳۴۵۶۷", "[phone]"),
        ("٠٣٠٠١٢٣٤٥٦٧", "[phone]"),
        ("12345-1234567-1", "[number]"),
        ("1234512345671", "[number]"),
        ("۱۲۳۴۵-۱۲۳۴۵۶۷-۱", "[number]"),
    ],
)
def test_mask_replaces(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2025-05-07 10:00",
        "50-60 people",
        "the 1947-48 war",
        "Rs 300000000",
        "پاکستان زندہ باد",
        "a.b",
        "@ 5",
        "Mr.Khan",
        "e.g. this",
        "1,234,567 votes",
    ],
)
def test_mask_leaves(text: str) -> None:
    assert mask_text(text) == text


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 9_999_999_99),
    st.sampled_from(["+92 3{:09}", "03{:09}", "0092-3{:09}"]),
    st.text("آبپتabc ", max_size=5),
)
def test_no_mobile_number_survives(number: int, form: str, around: str) -> None:
    masked = mask_text(f"{around} {form.format(number)} {around}")
    assert sum(character.isdigit() for character in masked) == 0
