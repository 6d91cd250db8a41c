"""What a constructed bank of posts teaches of the frames, as four scores beside a post's own words.

The bank (`corpora/bank`) was written for every rule and hard case of the codebook in five languages. A few hundred
labels of one campaign hold next to nothing of the rare pole; a model of the bank knows how peace and threat sound, but
not how often they come, or how this campaign words them. So its scores are features: the labels decide what they are
worth.

Fit it again with `python -m discourse.framing.bank corpora/bank`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save
from scipy.sparse import csr_array

from discourse.errors import BadInput
from discourse.framing.features import count, texts_of
from discourse.framing.linear import Linear, Recipe, fit_linear
from discourse.schema import FRAMES

__all__ = ["bank_scores", "read_bank", "shipped_bank"]

RECIPE: Final = Recipe(c=3.0, least=2, seed=20_241_201)


def read_bank(folder: str | Path) -> tuple[list[str], list[str], list[str]]:
    """Texts, frames and languages of a bank: `<lang>.tsv` files with the columns frame, rule and text.

    The first line of each says that it is constructed; raises `BadInput` for a file that does not, or for another
    frame.
    """
    texts, frames, langs = [], [], []
    for file in sorted(Path(folder).glob("*.tsv")):
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0].startswith("# constructed"):
            raise BadInput(f"{file.name} does not say in its first line that its posts are constructed")
        for row in csv.DictReader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["frame"] not in FRAMES or not row["text"]:
                raise BadInput(
                    f"{file.name} has a row with the frame {row['frame']!r}; it must be one of {', '.join(FRAMES)}"
                )
            texts.append(row["text"])
            frames.append(row["frame"])
            langs.append(file.stem)
    return texts, frames, langs


def bank_scores(counted: tuple[csr_array, csr_array]) -> npt.NDArray[np.float64]:
    """The scores of n texts in the four frames by the bank's model, n x 4, in the order of `schema.FRAMES`."""
    model = shipped_bank()
    order = [model.classes.index(frame) for frame in FRAMES]
    return model.scores(counted, np.zeros((counted[0].shape[0], 0)))[:, order]


@cache
def shipped_bank() -> Linear:
    """The model of the bank that comes with the package.

    >>> shipped_bank().classes
    ('both', 'conciliatory', 'nationalist', 'neither')
    """
    content = (resources.files("discourse.framing") / "bank.safetensors").read_bytes()
    arrays = {
        name: array.astype(np.float64) if array.dtype == np.float32 else array for name, array in load(content).items()
    }
    return Linear.of(sorted(FRAMES), arrays)


def fit_bank(texts: Sequence[str], frames: Sequence[str]) -> Linear:
    """The model of a bank's raw texts."""
    return fit_linear(count(texts_of(texts)), frames, np.zeros((len(texts), 0)), RECIPE)


def main() -> None:
    """Fit on the folder that is named and write the model into the package."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    ask.add_argument("folder", type=Path, help="<lang>.tsv files with the columns frame, rule, text")
    given = ask.parse_args()
    texts, frames, _ = read_bank(given.folder)
    arrays = fit_bank(texts, frames).arrays()
    small = {name: array.astype(np.float32) if array.dtype == np.float64 else array for name, array in arrays.items()}
    Path(__file__).with_name("bank.safetensors").write_bytes(save(small))


if __name__ == "__main__":
    main()
