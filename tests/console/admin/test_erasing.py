"""Erasures and holds in the console: two people, one worker, a certificate; the same service as the command's."""

from __future__ import annotations

import json

from tests.console.desks import ConsoleUnderTest, Window

from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.execution.erasure.service import Erasures
from cultiva.execution.jobs.job import Job, JobState
from cultiva.execution.jobs.service import CUSTOMERS, Jobs
from cultiva.loop.erasing.asked import KIND, carry_out
from cultiva.loop.erasing.certificate import seal_of
from cultiva.loop.shows import read
from cultiva.loop.work.jobs import job_worker


def customers(console: ConsoleUnderTest, count: int) -> list[int]:
    return sorted(read(console.parts, "customer", console.parts.newest_date())["customer_id"].to_list())[:count]


def jobs(console: ConsoleUnderTest) -> Jobs:
    return Jobs(console.parts.store.database)


def proposed(console: ConsoleUnderTest, window: Window, customer: int) -> Job:
    sent = window.post("/admin/erasures", {"customers": str(customer), "reason": "request 17"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/admin/erasures")
    return jobs(console).listed(KIND)[0]


def work(console: ConsoleUnderTest) -> list[Job]:
    def opener(*_: object) -> None:
        raise AssertionError("no other workspace is needed")

    return job_worker(console.parts, opener).once()  # type: ignore[arg-type]


def test_one_asks_another_confirms_and_a_worker_erases(own_console: ConsoleUnderTest) -> None:
    first, second = own_console.as_role(Role.ADMINISTRATOR), own_console.as_role(Role.EXPERIENCE_MANAGER)
    (customer,) = customers(own_console, 1)
    ahead = first.post("/admin/erasures/plan", {"customers": f" {customer}\n", "reason": "request 17"})
    assert ahead.status_code == 200 and "Nothing has been written yet." in ahead.text and "lake/" in ahead.text
    assert not jobs(own_console).listed(KIND)

    job = proposed(own_console, first, customer)
    assert (job.state, job.asked[CUSTOMERS], work(own_console)) == (JobState.PROPOSED, [customer], [])
    assert "A second person confirms it." in first.text("/admin/erasures")
    assert first.post(f"/admin/erasures/{job.job_id}/confirm").status_code == 403
    assert "Confirm and erase" in second.text("/admin/erasures")
    assert second.post(f"/admin/erasures/{job.job_id}/confirm").status_code == 303
    assert first.post(f"/admin/erasures/{job.job_id}/withdraw").status_code == 409
    assert second.post(f"/admin/erasures/{job.job_id}/confirm").status_code == 409

    (done,) = work(own_console)
    (order,) = Erasures(own_console.parts.store.database).all()
    assert (done.state, done.result["sha256"], done.asked[CUSTOMERS]) == (JobState.DONE, order.seal, 1)
    assert (order.asked_by, order.reason) == (f"{first.login}, {second.login}", "request 17")
    assert customer not in customers(own_console, 10**6)
    listed = first.text("/admin/erasures")
    assert order.erasure_id[:8] in listed and "Test administrator" in listed
    assert order.seal in second.text(f"/admin/erasures/{order.erasure_id}/certificate")
    file = first.get(f"/admin/erasures/{order.erasure_id}/certificate.json")
    kept = json.loads(file.text)
    assert file.headers["content-disposition"].startswith("attachment") and kept.pop("sha256") == seal_of(kept)
    said = [line.entry for line in Audit(own_console.parts.store.database).lines(subject=f"job:{job.job_id}")]
    assert [(one.action, one.actor) for one in said] == [
        ("erasure.asked", first.login), ("erasure.confirmed", second.login), ("erasure.done", first.login),
    ]  # fmt: skip


def test_two_requests_of_the_same_people_for_the_same_reason_are_two_erasures(own_console: ConsoleUnderTest) -> None:
    first, second = own_console.as_role(Role.ADMINISTRATOR), own_console.as_role(Role.EXPERIENCE_MANAGER)
    asked = customers(own_console, 2)
    for customer in asked:
        sent = first.post("/admin/erasures", {"customers": str(customer), "reason": "as the customer asks"})
        assert sent.status_code == 303
    for job in jobs(own_console).listed(KIND):
        assert second.post(f"/admin/erasures/{job.job_id}/confirm").status_code == 303
    done = work(own_console)
    orders = Erasures(own_console.parts.store.database).all()
    assert [one.state for one in done] == [JobState.DONE, JobState.DONE]
    assert {one.result["erasure"] for one in done} == {one.erasure_id for one in orders}
    assert len(orders) == 2 and not set(asked) & set(customers(own_console, 10**6))


def test_a_worker_that_died_after_the_last_step_erases_nobody_again(own_console: ConsoleUnderTest) -> None:
    first, second = own_console.as_role(Role.ADMINISTRATOR), own_console.as_role(Role.EXPERIENCE_MANAGER)
    (customer,) = customers(own_console, 1)
    job = proposed(own_console, first, customer)
    second.post(f"/admin/erasures/{job.job_id}/confirm")
    (job,) = jobs(own_console).unfinished()
    once = carry_out(own_console.parts, job, lambda *_: None)  # and is killed before it could say so
    (done,) = work(own_console)
    (order,) = Erasures(own_console.parts.store.database).all()
    assert (done.state, done.result, once["erasure"]) == (JobState.DONE, once, order.erasure_id)


def test_a_hold_forbids_it_until_it_is_lifted(own_console: ConsoleUnderTest) -> None:
    keeper, asker = own_console.as_role(Role.AUDITOR), own_console.as_role(Role.ADMINISTRATOR)
    one, other = customers(own_console, 2)
    assert keeper.post("/admin/holds", {"customer": str(one), "reason": " "}).status_code == 422
    assert keeper.post("/admin/holds", {"customer": str(one), "reason": "case 4", "until": "soon"}).status_code == 422
    assert keeper.post("/admin/holds", {"customer": str(one), "reason": "case 4"}).status_code == 303
    page = keeper.text("/admin/holds")
    assert "case 4" in page and "until it is lifted" in page and "Test auditor" in page
    refused = asker.post("/admin/erasures", {"customers": f"{one} {other}", "reason": "request 18"})
    assert refused.status_code == 403 and "legal hold" in refused.text and not jobs(own_console).listed(KIND)

    (hold,) = Erasures(own_console.parts.store.database).holds()
    assert keeper.post(f"/admin/holds/{hold.hold_id}/lift", {"remark": "closed"}).status_code == 303
    assert "closed" in keeper.text("/admin/holds")
    assert keeper.post(f"/admin/holds/{hold.hold_id}/lift").status_code == 409
    job = proposed(own_console, asker, one)
    assert asker.post(f"/admin/erasures/{job.job_id}/withdraw").status_code == 303
    assert jobs(own_console).listed(KIND)[0].asked[CUSTOMERS] == 1, "who it was about is forgotten"


def test_a_hold_placed_after_the_confirmation_still_forbids_it(own_console: ConsoleUnderTest) -> None:
    asker, second = own_console.as_role(Role.ADMINISTRATOR), own_console.as_role(Role.EXPERIENCE_MANAGER)
    (customer,) = customers(own_console, 1)
    job = proposed(own_console, asker, customer)
    second.post(f"/admin/erasures/{job.job_id}/confirm")
    own_console.as_role(Role.AUDITOR).post("/admin/holds", {"customer": str(customer), "reason": "case 5"})
    (failed,) = work(own_console)
    assert failed.state is JobState.FAILED and "legal hold" in failed.error
    assert customer in customers(own_console, 10**6)
    assert "legal hold" in asker.text("/admin/erasures")


def test_no_certificate_before_its_time(console: ConsoleUnderTest) -> None:
    assert console.as_role(Role.ADMINISTRATOR).get("/admin/erasures/none/certificate").status_code == 404
