"""A corpus on disk that a crash cannot break: appended to, edited, forgotten from, verified."""
