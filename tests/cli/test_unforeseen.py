"""What nobody foresaw ends in four parts too: files that the machine refuses, faults of Cultiva, Ctrl-C."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
import typer
from tests.cli.commands import cultiva
from tests.cli.test_refusals import CONFLICT, INVALID, NOT_FOUND, demand_four_parts

from cultiva.cli import main as command_line
from cultiva.cli.failing import TRACEBACK
from cultiva.cli.serving import require_address
from cultiva.kit.errors import CultivaError, ErrorKind

UNAVAILABLE, INTERRUPTED = 6, 130


def _raising(error: BaseException) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise error

    return app


def test_a_path_below_a_file_is_refused_in_four_parts(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    printed = cultiva("init", taken / "mybank", "--no-sample")
    assert printed.code == UNAVAILABLE
    demand_four_parts(printed.err, str(taken), "Not a directory")


def test_a_fault_of_cultiva_names_its_place_and_no_value_of_a_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "app", _raising(ValueError("13812345678")))
    printed = cultiva()
    assert printed.code == 1
    demand_four_parts(printed.err, "ValueError at ", TRACEBACK)
    assert "13812345678" not in printed.err
    monkeypatch.setenv(TRACEBACK, "1")
    with pytest.raises(ValueError, match="13812345678"):
        cultiva()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")], ids=["shell", "query"])
def test_ctrl_c_is_no_fault(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "app", _raising(error))
    printed = cultiva()
    assert (printed.code, printed.out) == (INTERRUPTED, "")
    assert printed.err.split() == ["interrupted"]


def test_an_address_that_is_taken_is_refused_before_anything_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CultivaError) as refused:
            require_address("127.0.0.1", taken.getsockname()[1])
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert "in use" in str(refused.value.seen)


def test_an_address_that_is_free_is_let_be() -> None:
    require_address("127.0.0.1", 0)


def test_worlds_are_listed_as_json_too() -> None:
    listed = cultiva("simulate", "list", "--json").data
    assert "ordinary" in {one["world"] for one in listed}
    assert all(one["description"] for one in listed)


def test_schemas_go_into_a_workspace_only(tmp_path: Path) -> None:
    printed = cultiva("schema", tmp_path / "nowhere")
    assert printed.code == NOT_FOUND
    demand_four_parts(printed.err, "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_a_trial_lacks_is_asked_for() -> None:
    printed = cultiva("try", "age > 3")
    assert printed.code == INVALID
    assert """--with '{"age": 1}'""" in printed.err


@pytest.mark.parametrize(
    "asked",
    [
        ("review", "--effect", "20"),
        ("review", "--plan", "dormant_wake_up", "--effect", "0"),
        ("assets", "--html", "page.html"),
        ("assets", "1", "--handout"),
        ("absence", "S00000"),
        ("absence", "--from", "1994-03-30"),
        ("task", "add", "1", "--kind", "call", "--reason", " "),
        ("task", "add", "1", "--kind", "call", "--reason", "a loan", "--worth", "nan"),
        ("hold", "add", "1", "--reason", "", "--by", "Ana"),
        ("hold", "add", "1", "--reason", "case", "--by", "Ana", "--until", "1990-01-01"),
    ],
    ids=" ".join,
)
def test_half_a_question_is_refused_instead_of_half_answered(asked: tuple[str, ...], bank: Path) -> None:
    words = [name for name in asked[:2] if asked[0] in {"task", "hold"}] or [asked[0]]
    printed = cultiva(*words, bank, *asked[len(words) :])
    assert (printed.code, printed.out) == (INVALID, "")
    demand_four_parts(printed.err)


def test_an_absence_that_is_none_cannot_be_taken_back(bank: Path) -> None:
    printed = cultiva("absence", bank, "S00000", "--from", "1994-03-30", "--back")
    assert printed.code == NOT_FOUND
    demand_four_parts(printed.err, "S00000")


def test_a_new_workspace_needs_an_empty_folder(bank: Path) -> None:
    printed = cultiva("init", bank)
    assert printed.code == CONFLICT
    demand_four_parts(printed.err, "is not empty")


def test_a_round_of_work_is_one_document_with_its_jobs(bank: Path, tmp_path: Path) -> None:
    own = tmp_path / "mybank"
    shutil.copytree(bank, own)
    told = cultiva("work", own, "--once", "--json", "--at", "1994-03-31T10:00:00+08:00").data
    assert told["jobs"] == [] and told["tasks"] == 0
