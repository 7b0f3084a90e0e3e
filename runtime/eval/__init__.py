"""How good the agent's answers are (RUN-21): golden prompts, checks, runs and what two versions differ in.

Talks to an agent as a client does and starts none: that is `rehearsal.evaluation`'s business. Is left out of
what is shipped (artifact/recipe.toml), and nothing of the agent imports it.
"""
