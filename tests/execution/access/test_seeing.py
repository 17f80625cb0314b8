from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.contracts.sight import EVERYBODY, NOBODY
from cultiva.execution.access.doors import User
from cultiva.execution.access.roles import BY_ADVISER, BY_BRANCH, WHOLE_BANK, Role
from cultiva.execution.access.seeing import sight_of

users = st.builds(
    User, st.just("u1"), st.just("anna"), st.just("Anna"), st.frozensets(st.sampled_from(list(Role)), max_size=3),
    st.sampled_from([None, "S-1"]), st.frozensets(st.sampled_from(["b1", "b2", "b9"]), max_size=2),
    st.sampled_from(["", "33", "3301", "9"]),
)  # fmt: skip
TREE = {"b1": "330101", "b2": "330102", "b3": "3302", "b4": "31"}
PLACES = ("b1", "b2", "b3", "b4", "b9", None)


@settings(deadline=None)
@given(users)
def test_somebody_sees_what_their_roles_and_the_tree_say(user: User) -> None:
    sight = sight_of(user, TREE)
    for branch in PLACES:
        for adviser in ("S-1", "S-2", None):
            below = bool(user.region) and TREE.get(branch or "", "").startswith(user.region)
            wanted = (
                bool(user.roles & WHOLE_BANK)
                or (bool(user.roles & BY_BRANCH) and branch is not None and (branch in user.branches or below))
                or (bool(user.roles & BY_ADVISER) and adviser is not None and adviser == user.staff_id)
            )
            assert sight.sees({"branch_id": branch, "adviser_id": adviser}) == wanted
    assert not sight.personal


def test_roles_without_customers_see_none_and_those_who_judge_see_sums() -> None:
    for role in set(Role) - WHOLE_BANK - BY_ADVISER - BY_BRANCH:
        user = User("u1", "li", "Li", frozenset({role}), "S-1", frozenset({"b1"}), "33")
        assert sight_of(user, TREE) == replace(NOBODY, totals=role in {Role.APPROVER, Role.EXECUTIVE})
    assert sight_of(User("u1", "li", "Li", frozenset({Role.AUDITOR})), TREE) == EVERYBODY


def test_who_has_lost_staff_id_or_branch_sees_nothing_rather_than_sums() -> None:
    for role in (Role.ADVISER, Role.BRANCH_MANAGER):
        assert sight_of(User("u1", "li", "Li", frozenset({role})), TREE) == NOBODY
