"""What an answer is made of: facts that are looked up, words with a model and without one, cards, buttons.

Nothing here talks to a client or chooses a rung.
"""
