"""Real samples of platforms' exports, not in this repository: each is read as what it is, or refused with a sentence.

How many rows each holds is counted independently in the tests of its format.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from discourse.corpus.privacy import Key
from discourse.errors import BadInput
from discourse.readers.formats import Options
from discourse.store.importing import import_posts

SAMPLES = Path(__file__).resolve().parents[2] / "shared/data/export_fixtures"
FORMATS = {
    "facebook_graph_api": "facebook",
    "twitter_api_v1_1": "twitter_v1",
    "twitter_api_v2_twarc2": "x_api",
    "whatsapp_txt": "whatsapp",
    "youtube_data_api_v3": "youtube",
}
# Not exports: licences, notes, and tables of which fields Reddit's dumps have had.
NO_EXPORT = ("LICENSE", "README.txt", "file_content_explanations.md", "RC_2024-03.json", "RS_2024-03.json")
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs ../shared/data/export_fixtures, which is not here")
FILES = sorted(path for path in SAMPLES.rglob("*") if path.is_file()) if SAMPLES.is_dir() else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_each_sample_is_read_as_what_it_is_or_refused(path: Path, tmp_path: Path) -> None:
    done = import_posts(path, tmp_path / "corpus", key=Key.made_up("samples"))
    (one,) = done.inputs
    if path.name in NO_EXPORT:
        (error,) = done.refused.values()
        assert isinstance(error, BadInput)
        assert str(error).startswith(f"{path.name!r} is in no format that is known; known are ")
        assert done.generation == 0
        return
    assert done.refused == {}
    assert one.format == FORMATS[path.relative_to(SAMPLES).parts[0]]
    assert one.read == one.accepted + one.duplicates + one.quarantined > 0
    assert one.quarantined == done.quarantined.height


@pytest.mark.parametrize("name", ["lorem.txt", "pokemon.txt"])
def test_a_private_chat_needs_consent_and_then_is_read(name: str, tmp_path: Path) -> None:
    path = SAMPLES / "whatsapp_txt" / name
    (one,) = import_posts(path, tmp_path / "shut", key=Key.made_up("samples")).inputs
    assert (one.accepted, one.quarantined) == (0, one.read)
    options = Options(timezone="Asia/Karachi", date_order="dmy", allow_private=True)
    done = import_posts(path, tmp_path / "open", key=Key.made_up("samples"), options=options)
    assert done.refused == {}
    taken = done.inputs[0]
    assert taken.accepted + taken.duplicates + taken.quarantined == taken.read == one.read
    assert taken.accepted > taken.read / 2
