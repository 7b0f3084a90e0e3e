"""What must never happen, kept from happening: what may be stored, logged and said. Pure text to text."""
