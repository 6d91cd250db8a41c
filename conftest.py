"""The README shows what a person sees, warnings included; everywhere else a warning is an error."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the README's example warn of the rows that the demonstration corpus sets aside."""
    for item in items:
        if item.name == "README.md":
            item.add_marker(pytest.mark.filterwarnings("default::discourse.errors.QuarantineWarning"))
