"""The starter pack retail-bank: complete, clean, valid for editors, and ready to be copied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cultiva.contracts.tables import CANONICAL
from cultiva.definitions.document import read_document
from cultiva.definitions.files import workspace_files
from cultiva.definitions.loading import check_workspace, load_workspace
from cultiva.definitions.packs import init_workspace, pack_names
from cultiva.definitions.schema import json_schemas
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import CultivaError, ErrorKind


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("banks") / "My Bank"
    init_workspace(folder)
    return folder


@pytest.fixture(scope="module")
def bank(root: Path) -> Workspace:
    return load_workspace(root)


def test_the_pack_has_no_fault_and_no_warning(root: Path) -> None:
    workspace, faults = check_workspace(root)
    assert [str(fault) for fault in faults] == []
    assert workspace is not None


def test_the_pack_has_what_the_domain_page_promises(bank: Workspace) -> None:
    assert 55 <= len(bank.tags) <= 75
    assert (len(bank.segments), len(bank.offers), len(bank.strategies)) == (30, 20, 15)
    promised = """villagers silver payroll merchants private_banking car_owners families_with_children middle_class
        new_customers dormant_customers wealth_candidates new_company_openings payroll_employers
        manufacturers retailers farm_companies"""
    assert set(promised.split()) <= set(bank.segments)
    assert bank.lifecycle.order == (
        "prospect", "first_contact", "honeymoon", "growing", "mature", "at_risk", "dormant", "lost", "won_back",
    )  # fmt: skip
    caps = {(cap.scope, cap.days, cap.contacts_max) for cap in bank.policy.caps}
    assert {("customer", 7, 2), ("customer", 30, 6)} <= caps
    suppressions = {suppression.name for suppression in bank.policy.suppressions}
    assert {"open_complaint", "collections", "fraud_hold", "deceased", "minor"} <= suppressions


def test_every_canonical_table_that_the_sample_bank_delivers_is_mapped(bank: Workspace) -> None:
    mapped = {table.table for table in bank.sources.tables}
    assert set(CANONICAL) - mapped == {"lead"}
    for table in bank.sources.tables:
        assert set(table.columns) == set(CANONICAL[table.table].names), table.table


def definitions(workspace: Workspace) -> Iterator[Any]:
    for group in (workspace.tags, workspace.segments, workspace.micro_segmentations, workspace.offers,
                  workspace.strategies, workspace.events):  # fmt: skip
        yield from group.values()
    yield from workspace.lifecycle.stages
    yield from (*workspace.value.components, *workspace.value.tierings)
    yield from (*workspace.policy.channels, *workspace.policy.suppressions)
    yield from (*workspace.arbitration.resources, *workspace.arbitration.levers)


def test_everything_has_labels_in_both_languages_an_owner_and_a_description(bank: Workspace) -> None:
    for found in definitions(bank):
        assert any("\u4e00" <= character <= "\u9fff" for character in found.label.zh), found.name
        assert found.label.en.isascii() and found.label.en, found.name
        assert found.owner, found.name
        said = found.description
        assert found.name in bank.events or (said.en.endswith(".") and said.zh.endswith("。")), found.name
        assert found.name in bank.events or any("\u4e00" <= character <= "\u9fff" for character in said.zh), found.name


def test_the_schemas_hold_for_every_file_of_the_pack(root: Path) -> None:
    schemas = json_schemas()
    seen = set()
    for kind, path in workspace_files(root):
        document, faults = read_document(path.name, path.read_bytes())
        assert document is not None and not faults
        problems = Draft202012Validator(schemas[kind.kind]).iter_errors(document.data)
        assert [(path.name, problem.message) for problem in problems] == []
        seen.add(kind.kind)
    assert seen == set(schemas) - {"settings"}


def test_the_schemas_refuse_what_checking_refuses(root: Path) -> None:
    validator = Draft202012Validator(json_schemas()["tag"])
    good = {"name": "aum", "label": {"zh": "资产", "en": "Assets"}, "type": "money", "column": "x"}
    assert validator.is_valid([good])
    assert not validator.is_valid([{**good, "typ": "money"}])
    assert not validator.is_valid([{**good, "type": "mony"}])
    assert not validator.is_valid([{**good, "name": "Aum"}])
    assert not validator.is_valid(good)


def test_schemas_explain_every_field(root: Path) -> None:
    tag = json_schemas()["tag"]["$defs"]["Tag"]["properties"]
    assert tag["personal"]["description"].startswith("Whether it is personal data")
    assert all(field.get("description") for field in tag.values())


def test_a_new_workspace_brings_its_schemas_and_its_own_name(root: Path, bank: Workspace) -> None:
    assert bank.settings.name == "my_bank"
    for kind, path in workspace_files(root):
        first = path.read_text(encoding="utf-8").split("\n")[0]
        assert first.startswith("# yaml-language-server: $schema=")
        schema = (path.parent / first.partition("=")[2]).resolve()
        assert schema.name == f"{kind.kind}.json"
        Draft202012Validator.check_schema(json.loads(schema.read_text(encoding="utf-8")))


@pytest.mark.parametrize("existing", ["notes.txt", ".hidden"])
def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine", encoding="utf-8")
    with pytest.raises(CultivaError) as caught:
        init_workspace(tmp_path)
    assert caught.value.kind is ErrorKind.CONFLICT
    assert caught.value.seen == existing
    assert [path.name for path in tmp_path.iterdir()] == [existing]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank").write_text("mine", encoding="utf-8")
    with pytest.raises(CultivaError) as caught:
        init_workspace(tmp_path / "bank")
    assert caught.value.kind is ErrorKind.CONFLICT


def test_an_unknown_pack_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(CultivaError) as caught:
        init_workspace(tmp_path / "bank", "retail_bank")
    assert caught.value.hint == "did you mean 'retail-bank'?"
    assert pack_names() == ["retail-bank"]
    assert not (tmp_path / "bank").exists()
