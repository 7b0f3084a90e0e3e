"""What can be wrong with what one gives this room."""

from contract.errors import WrongUseError


class DataError(WrongUseError):
    """A file of training data that cannot be read or written as asked."""


class RegistryError(WrongUseError):
    """A version of a model that is not there, or that cannot be what is asked."""
