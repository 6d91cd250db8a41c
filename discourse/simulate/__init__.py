"""Made-up posts and tallies with known truth: what every estimate is tested on."""
