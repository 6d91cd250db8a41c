"""From labels to a classifier: features, honest evaluation, a file without pickle."""
