"""Figures as ratios against peers and floors, each file run by itself: `python bench/plan.py`."""
