"""DynamoDB's door on loopback: moto holds the tables, and here calls to them can be made to fail.

`python -m rehearsal.dynamodb --behind URL`. Everything passes unchanged but what a fault hits.
"""
