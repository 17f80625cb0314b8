"""Short messages over SMPP 3.4: packets bit by bit, texts in parts, receipts, every way of misbehaving."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.execution.channels.conftest import Open, Start, text
from tests.simulators.process import Simulator

from cultiva.contracts.delivery import Message, Provider, Receipt, Sent
from cultiva.execution.channels.smpp.pdu import (
    BadPacket,
    Command,
    Pdu,
    ShortMessage,
    bind_body,
    message_body,
    packed,
    read_message,
    unpacked,
)
from cultiva.execution.channels.smpp.receipts import report_of, together
from cultiva.execution.channels.smpp.texts import GSM, parts_of, text_of
from cultiva.kit.clock import seconds, utc_now

OCTETS = st.binary(max_size=140)
LATIN = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)


@pytest.fixture
def centre(opened: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("SMPP_ID", "bank")
    monkeypatch.setenv("SMPP_PASSWORD", "secret08")

    def made(server: Simulator | None, timeout: float = 3, **more: Any) -> Provider:
        own = {"system_id": "${env:SMPP_ID}", "password": "${env:SMPP_PASSWORD}", "sender": "BANK", **more}
        port = server.port if server else 9
        return opened("smpp", f"smpp://127.0.0.1:{port}", smpp=own, timeout_seconds=timeout)

    return made


def test_a_bind_is_what_the_specification_shows() -> None:
    # The example of the specification, 3.2.3, as bind_transceiver of version 3.4 without an address range.
    wanted = bytes.fromhex(
        "0000002F 00000009 00000000 00000001 534D50503354455354 00 7365637265743038 00 5355424D495431 00 34 00 00 00"
    )
    assert packed(Pdu(Command.BIND_TRANSCEIVER, 1, 0, bind_body("SMPP3TEST", "secret08", "SUBMIT1"))) == wanted


@given(LATIN, LATIN, OCTETS, st.dictionaries(st.integers(0x1400, 0x3FFF), OCTETS, max_size=3))
def test_a_message_is_read_as_it_was_written(
    source: str, destination: str, octets: bytes, parameters: dict[int, bytes]
) -> None:
    message = ShortMessage(source, destination, octets, 5, 0, 1, 1, 0x40, 1, 8, parameters)
    assert read_message(message_body(message)) == message


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**31), OCTETS), max_size=5), st.integers(1, 40))
def test_packets_are_found_however_the_stream_is_cut(pdus: list[tuple[int, int, bytes]], step: int) -> None:
    sent = [Pdu(command, sequence, 0, body) for command, sequence, body in pdus]
    stream = b"".join(map(packed, sent))
    buffer, found = bytearray(), []
    for at in range(0, len(stream), step):
        buffer += stream[at : at + step]
        found += list(unpacked(buffer))
    assert found == sent
    assert not buffer


@given(st.binary(max_size=60))
def test_rubbish_is_a_bad_packet_and_nothing_else(body: bytes) -> None:
    with suppress(BadPacket):
        read_message(body)
    report_of(Pdu(Command.DELIVER_SM, 1, 0, body), received=utc_now())


@given(st.text(st.sampled_from(GSM.replace("\x1b", "") + "^{}[]~|€\\"), min_size=1, max_size=700), st.integers(0, 255))
def test_the_alphabet_of_gsm_suffices_for_its_own_characters(said: str, number: int) -> None:
    parts = parts_of(said, number=number)
    assert {part.coding for part in parts} == {0}
    assert "".join(text_of(0, part.octets, has_header=part.has_header) for part in parts) == said


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=400), st.integers(0, 255))
def test_parts_fit_hold_the_whole_text_and_cut_no_character(said: str, number: int) -> None:
    parts = parts_of(said, number=number)
    assert all(len(part.octets) <= (160 if part.coding == 0 else 140) for part in parts)
    assert "".join(text_of(part.coding, part.octets, has_header=part.has_header) for part in parts) == said
    if len(parts) > 1:
        heads = [part.octets[:6] for part in parts]
        assert heads == [bytes((5, 0, 3, number, len(parts), index)) for index in range(1, len(parts) + 1)]


@pytest.mark.parametrize(
    ("said", "lengths"),
    [("a" * 160, [160]), ("a" * 161, [159, 14]), ("€" * 80, [160]), ("深" * 70, [140]), ("深" * 71, [140, 14])],
)
def test_lengths_are_those_of_the_standard(said: str, lengths: list[int]) -> None:
    assert [len(part.octets) for part in parts_of(said, number=1)] == lengths


def test_a_text_without_an_end_is_refused() -> None:
    assert parts_of("深" * 67 * 256, number=1) == []


def test_what_parts_say_together() -> None:
    yes, no, later = (
        Receipt("k", sent, "r" if sent is Sent.ACCEPTED else "") for sent in (Sent.ACCEPTED, Sent.REFUSED, Sent.LATER)
    )
    assert together("k", [yes, yes]).sent is Sent.ACCEPTED
    assert together("k", [later, later]).sent is Sent.LATER
    assert together("k", [no, later]).sent is Sent.REFUSED
    assert together("k", [yes, later]).sent is Sent.UNKNOWN
    assert together("k", [yes, no]).sent is Sent.UNKNOWN


def test_a_long_message_arrives_in_parts(start: Start, centre: Open) -> None:
    server = start("smpp")
    said = "尊敬的客户" * 30
    (receipt,) = centre(server).send([Message("k1", "+8613800000001", {"text": said})])
    entries = server.accepted()
    assert (receipt.sent, receipt.reference) == (Sent.ACCEPTED, entries[-1]["reference"])
    assert [entry["registered"] for entry in entries] == [0, 0, 1]
    assert {(entry["address"], entry["esm_class"], entry["coding"]) for entry in entries} == {
        ("8613800000001", 0x40, 8)
    }
    got = "".join(text_of(8, bytes.fromhex(entry["octets"]), has_header=True) for entry in entries)
    assert got == said


def test_a_window_keeps_many_on_the_way(start: Start, centre: Open) -> None:
    server = start("smpp", slow=1, slow_seconds=0.2)
    begun = seconds()
    receipts = centre(server, window=50).send([text(f"k{n}", f"1380000{n:04}", "hi") for n in range(100)])
    assert {one.sent for one in receipts} == {Sent.ACCEPTED}
    assert seconds() - begun < 5, "one after the other they would take 20 s"
    references = {entry["address"]: entry["reference"] for entry in server.accepted()}
    assert all(one.reference == references[f"1380000{int(one.key[1:]):04}"] for one in receipts)


@pytest.mark.parametrize(
    ("mood", "sent", "arrived"),
    [
        ("refuse", Sent.REFUSED, 0),
        ("busy", Sent.LATER, 0),
        ("drop_before", Sent.UNKNOWN, 0),
        ("drop_after", Sent.UNKNOWN, 1),
        ("duplicate", Sent.ACCEPTED, 1),
    ],
)
def test_every_misbehaviour_has_its_receipt(start: Start, centre: Open, mood: str, sent: Sent, arrived: int) -> None:
    server = start("smpp", **{mood: 1})
    provider = centre(server, key_tag=0x1501)
    (receipt,) = provider.send([text()])
    assert (receipt.sent, len(server.accepted())) == (sent, arrived)
    assert provider.look_up(["k1"])[0].sent is (Sent.ACCEPTED if arrived else Sent.ABSENT)
    server.misbehave()
    assert provider.send([text("k9")])[0].sent is Sent.ACCEPTED, "the link is opened again"


def test_a_break_leaves_open_what_was_on_the_way_and_keeps_the_rest(start: Start, centre: Open) -> None:
    server = start("smpp", drop_after=0.04, salt="break5")
    receipts = centre(server, window=4).send([text(f"k{n}", f"1380000{n:04}") for n in range(50)])
    accepted = {entry["address"] for entry in server.accepted()}
    for number, receipt in enumerate(receipts):
        arrived = f"1380000{number:04}" in accepted
        assert receipt.sent is Sent.UNKNOWN or (receipt.sent is Sent.ACCEPTED) == arrived
    sents = [receipt.sent for receipt in receipts]
    assert Sent.ACCEPTED in sents
    assert Sent.LATER in sents
    assert 1 <= sents.count(Sent.UNKNOWN) <= 4


def test_silence_costs_a_message_its_time(start: Start, centre: Open) -> None:
    server = start("smpp", slow=1, slow_seconds=3)
    assert centre(server, timeout=0.4).send([text()])[0].sent is Sent.UNKNOWN


def test_without_a_way_in_everything_waits(start: Start, centre: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    assert centre(None).send([text()])[0].sent is Sent.LATER
    server = start("smpp", "--login", "bank:other")
    (receipt,) = centre(server).send([text()])
    assert (receipt.sent, receipt.problem) == (Sent.LATER, "bind refused: status 0x0D")


@pytest.mark.parametrize("message", [text(address="not a number"), text(said=""), text(said="深" * 67 * 256)])
def test_what_can_never_go_is_refused(start: Start, centre: Open, message: Message) -> None:
    server = start("smpp")
    assert centre(server).send([message])[0].sent is Sent.REFUSED
    assert server.accepted() == []


def test_receipts_come_back_late_and_twice_and_a_crash_loses_none(start: Start, centre: Open) -> None:
    server = start("smpp", duplicate=1, report_seconds=0.3)
    provider = centre(server)
    (receipt,) = provider.send([text()])
    reports = _polled(provider, 2)
    assert [(one.kind, one.reference) for one in reports] == [("delivered", receipt.reference)] * 2
    assert len({one.report_id for one in reports}) == 1
    next_worker = centre(server)
    assert len(_polled(next_worker, 1)) >= 1, "not acknowledged before the poll after: the crash lost nothing"
    provider.close()
    next_worker.poll()
    server.tell(kind="replied", address="13800000001", text="退订")
    (reply,) = [one for one in _polled(next_worker, 1) if one.kind == "replied"]
    assert (reply.address, reply.detail["text"]) == ("13800000001", "退订")


def _polled(provider: Provider, count: int) -> list[Any]:
    found: list[Any] = []
    begun = seconds()
    while len(found) < count:
        found += provider.poll()
        assert seconds() - begun < 5
    return found
