"""Trained classifiers kept by name and version, and replaced only on evidence."""
