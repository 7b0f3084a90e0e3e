"""What an answer is made of: facts that are looked up, words for a model, words without one, cards and buttons.

Nothing here talks to a client or chooses a rung.
"""
