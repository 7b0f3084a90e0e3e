"""What several incidents share: watches and steps of one service each. No incident is decided here."""
