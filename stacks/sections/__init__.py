"""Parts of the settings tree, one file an area."""
