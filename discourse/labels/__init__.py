"""From a codebook and people's codes to training and gold labels, and how far the coders agree."""
