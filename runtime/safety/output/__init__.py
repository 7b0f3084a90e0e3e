"""What an answer is checked for before it is said (RUN-10, RUN-11), and where that meets its path."""
