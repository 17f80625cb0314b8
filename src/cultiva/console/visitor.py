"""The visitor: who looks at a page, what they may do, whom they see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cultiva.contracts.sight import Sight
from cultiva.execution.access.doors import Session, User
from cultiva.execution.access.roles import Right, rights_of
from cultiva.kit.words import Bilingual, say


def _masked(_customer_id: int) -> bool:
    return False


@dataclass(frozen=True)
class Visitor:
    """Who looks."""

    session: Session
    """As the store knows it."""
    sight: Sight
    """Whom they see; personal data are masked in it."""
    unmasked: Callable[[int], bool] = field(default=_masked, repr=False)
    """Whether they have said why they need to see a customer's personal data, a moment ago."""

    @property
    def user(self) -> User:
        """Who it is."""
        return self.session.user

    @property
    def language(self) -> str:
        """Theirs: zh or en."""
        return self.user.language

    @property
    def csrf(self) -> str:
        """What every form says, so that no other site can send it."""
        return self.session.csrf

    @property
    def rights(self) -> frozenset[Right]:
        """Everything they may do."""
        return rights_of(self.user.roles)

    def may(self, right: Right | str) -> bool:
        """Whether they may do something; templates name it."""
        return Right(right) in self.rights

    def say(self, text: Bilingual | str) -> str:
        """A text of the workspace in their language."""
        return say(text, self.language)

    def seeing(self, customer_id: int) -> Sight:
        """Their sight of one customer: with personal data if they have said why."""
        return replace(self.sight, personal=self.sight.personal or self.unmasked(customer_id))
