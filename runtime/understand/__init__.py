"""What a message wants and what it names (RUN-3): rules first, a model where they say nothing.

Knows no provider and no session; answering is the business of others.
"""
