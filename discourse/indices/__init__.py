"""Numbers of polarization and of partisan language, on arrays, and the small values that name them."""
