"""Small functions that AWS Lambda runs: each file is shipped alone, and imports nothing of ours."""
