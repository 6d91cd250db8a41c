"""From framings and gold labels to shares and polarization over time, with intervals that are true."""
