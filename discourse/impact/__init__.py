"""What an event did: effects, change points, smoothing, and what a result depends on."""
