"""How good a classifier is, on posts it has not seen, and whether that still holds."""
