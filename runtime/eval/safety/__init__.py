"""What the safety checks are worth: attempts, personal data, prices, other shops, and attacks in disguise.

Asks no model: the checks are functions of this checkout. What a whole agent makes of an attempt is for the
golden prompts.
"""
