"""Bytes that one key opens, for one purpose. Pure; AES-256-GCM of the library that also checks tokens.

`about` says what is sealed for whom: a box that is moved elsewhere does not open there.
"""

import secrets

NONCE = 12


class SealError(Exception):
    """Not sealed with this key, for this purpose, or not as it was."""


def seal(key: bytes, plain: bytes, about: str) -> bytes:
    # Imported with the first of them: a task that keeps nothing does without.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about.encode())


def unseal(key: bytes, box: bytes, about: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(box[:NONCE], box[NONCE:], about.encode())
    except (InvalidTag, ValueError) as wrong:
        raise SealError("it does not open") from wrong
