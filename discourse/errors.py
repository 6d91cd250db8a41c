"""Every exception and warning class of the package, nothing else.

An error says what it got, what it wanted and what to type. Each kind has its own exit code, so that a
script on a cluster can tell a typing mistake from a damaged file.

| class | exit code | when |
|---|---|---|
| `UsageError` | 2 | an option, a study file or a codebook says something impossible |
| `MissingData` | 3 | a file or corpus that the study names is not there |
| `BadInput` | 4 | a file is there but cannot be read as what it should be |
| `SchemaError` | 5 | a table lacks a column, or a column holds what it must not |
| `MeaningError` | 6 | the numbers fit but the statistic would be wrong |
| `PrivacyError` | 7 | something about a person was about to leave the machine |
"""

from __future__ import annotations

__all__ = [
    "BadInput",
    "BimodalityWarning",
    "DiscourseError",
    "DiscourseWarning",
    "GoldWarning",
    "LanguageWarning",
    "MeaningError",
    "MissingData",
    "PrivacyError",
    "QuarantineWarning",
    "SchemaError",
    "SmallSampleWarning",
    "UsageError",
]


class DiscourseError(Exception):
    """The root: catch this to catch every error the package raises on purpose."""

    exit_code = 1


class UsageError(DiscourseError, ValueError):
    """An option, a study file or a codebook says something impossible."""

    exit_code = 2


class MissingData(DiscourseError, FileNotFoundError):
    """A file or corpus that was named is not there."""

    exit_code = 3

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class BadInput(DiscourseError, ValueError):
    """A file is there but cannot be read as what it should be; nothing of it was taken."""

    exit_code = 4


class SchemaError(DiscourseError, ValueError):
    """A table lacks a column, or a column holds what it must not."""

    exit_code = 5


class MeaningError(DiscourseError, ValueError):
    """The types fit, the statistic would be wrong: agreement on agreed labels, gold that was trained on."""

    exit_code = 6


class PrivacyError(DiscourseError, ValueError):
    """Something about a person was about to leave the machine."""

    exit_code = 7


class DiscourseWarning(UserWarning):
    """The root of all warnings: `warnings.simplefilter("error", DiscourseWarning)` makes a study strict."""


class QuarantineWarning(DiscourseWarning):
    """Rows of an export were set aside; the corpus holds them with file, line and reason."""


class GoldWarning(DiscourseWarning):
    """Gold labels are missing or thin where an estimate needs them."""


class LanguageWarning(DiscourseWarning):
    """Texts are in languages that a measure does not know; they have no value, never a neutral one."""


class SmallSampleWarning(DiscourseWarning):
    """Too few units for the number that was asked for."""


class BimodalityWarning(DiscourseWarning):
    """A statistic of bimodality was asked for, which is often read as polarization and does not measure it."""
