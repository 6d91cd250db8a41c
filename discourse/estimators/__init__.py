"""From predicted classes and gold labels to a share and its interval: pure functions on arrays."""
