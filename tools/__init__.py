"""Upkeep of the repository itself: checks and generators that `make` runs. Nothing here ships."""
