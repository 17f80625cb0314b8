"""A definition's content hash follows its meaning, not its layout."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Check

from cultiva.definitions.workspace import Workspace

SEGMENTS = "segments/segments.yaml"
SAME = """\
# The same groups, written otherwise.
- rule: "age   >= 18 -- of age"
  label:
    en: Adults
    zh: 成人
  name: adults

- { name: wealthy, label: { en: Wealthy, zh: 富裕 }, rule: segment('adults') and aum >= 50000, purpose: needs }
"""


def loaded(check: Check, *changes: tuple[str, str, str], **options: object) -> Workspace:
    workspace = check(*changes, **options).workspace
    assert workspace is not None
    return workspace


def test_layout_comments_and_order_of_keys_do_not_matter(check: Check) -> None:
    assert loaded(check).hashes == loaded(check, files={SEGMENTS: SAME}).hashes


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        (SEGMENTS, "age >= 18", "age >= 19", ("segment", "adults")),
        (SEGMENTS, "en: Adults", "en: Grown", ("segment", "adults")),
        ("tags/tags.yaml", "category = 'deposit'", "category = 'loan'", ("tag", "aum")),
        ("value.yaml", "rate: 0.01", "rate: 0.02", ("value", "value")),
        ("contact_policy.yaml", "days: 7", "days: 8", ("contact_policy", "contact_policy")),
        ("sources/core.yaml", "birth_date: born", "birth_date: birth", ("mapping", "party.core")),
    ],
)
def test_a_change_of_meaning_changes_that_definition_alone(
    check: Check, file: str, old: str, new: str, key: tuple[str, str]
) -> None:
    before, after = loaded(check), loaded(check, (file, old, new))
    assert {found for found in before.hashes if before.hashes[found] != after.hashes[found]} == {key}
    assert before.version != after.version


def test_a_text_within_quotes_keeps_every_character(check: Check) -> None:
    one, two = (loaded(check, (SEGMENTS, "age >= 18", f"branch_id = '{text}'")) for text in ("a b", "a  b"))
    assert one.hashes["segment", "adults"] != two.hashes["segment", "adults"]


def test_the_customers_of_a_list_belong_to_its_definition(check: Check) -> None:
    change = (SEGMENTS, "rule: age >= 18", "list: lists/adults.csv")
    one = loaded(check, change, files={"lists/adults.csv": "customer_id\n1\n"})
    two = loaded(check, change, files={"lists/adults.csv": "customer_id\n2\n"})
    assert one.hashes["segment", "adults"] != two.hashes["segment", "adults"]


def test_every_definition_has_a_body_that_says_it_in_full(check: Check) -> None:
    workspace = loaded(check)
    body = workspace.bodies["segment", "adults"]
    assert isinstance(body, dict)
    assert (body["name"], body["rule"], body["purpose"]) == ("adults", "age >= 18", "needs")
    assert set(workspace.bodies) == set(workspace.hashes)
