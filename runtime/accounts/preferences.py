"""What a customer likes, across sessions (RUN-15): a few words by subject, in their profile."""

from collections.abc import Mapping

from runtime.accounts.items import Items

_LIKES = "likes#"


class Preferences:
    """Attributes of a profile, one a subject: said again, the newer words stand."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def of(self, user: str) -> Mapping[str, str]:
        """Subject -> words."""
        profile = await self._items.get(user=user) or {}
        found = {name: words for name, words in sorted(profile.items()) if name.startswith(_LIKES) and words}
        return {name.removeprefix(_LIKES): words for name, words in found.items()}

    async def keep(self, user: str, subject: str, words: str) -> None:
        """No words: nothing is remembered of it any more."""
        await self._items.set({"user": user}, {f"{_LIKES}{subject}": words})
