"""The bank's own login, against a real provider on loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from tests.api.banks import NOW
from tests.console.desks import BASE, COOKIE, PASSWORD, RULES, ConsoleUnderTest, with_console
from tests.servers.oidc import CLIENT, SECRET, Provider, provider

from cultiva.console.app import create_console
from cultiva.console.oidc import Oidc
from cultiva.definitions.console import OidcSettings
from cultiva.execution.access.doors import Asks, DoorRules, Doors, NewUser, UserChange
from cultiva.execution.access.entering.flows import Flows
from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.turns import Turns
from cultiva.store import Store, open_store

REDIRECT = "https://console.test/login/oidc/callback"
HERE = "10.1.2.3"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider(int(NOW.timestamp())) as found:
        yield found


@pytest.fixture
def bank(running: Provider) -> Provider:
    """The provider, honest again."""
    running.person = {"sub": "7", "preferred_username": "ann", "name": "Ann"}
    running.lie = lambda claims: None
    running.signs = None
    running.says_goodbye = True
    return running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("sqlite:///store.db", tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CULTIVA_OIDC_SECRET", SECRET)


def settings(bank: Provider, **more: Any) -> OidcSettings:
    given = {"role_claim": "groups", "roles": {"crm-advisers": ("adviser",), "crm-chiefs": ("approver", "executive")}}
    return OidcSettings.model_validate({"issuer": bank.issuer, "client_id": CLIENT, **given, **more})


def oidc_of(bank: Provider, store: Store, rules: DoorRules = RULES, **more: Any) -> Oidc:
    return Oidc(settings(bank, **more), Doors(store.database, rules), Flows(store.database), root=Path())


def sent(oidc: Oidc, target: str = "/work") -> tuple[dict[str, str], str]:
    """Somebody logs in at the provider: the query with which they come back, and what their browser kept."""
    leaving = oidc.leave(REDIRECT, target, at=NOW)
    answered = httpx.get(leaving.address)
    assert answered.status_code == 303
    back = httpx.URL(answered.headers["location"])
    assert str(back).startswith(REDIRECT)
    return dict(back.params), leaving.token


def came(oidc: Oidc, query: dict[str, str], token: str, minutes: int = 0) -> Any:
    return oidc.come_back(query, token, redirect=REDIRECT, at=NOW + timedelta(minutes=minutes), address=HERE)


def refused(oidc: Oidc, query: dict[str, str], token: str, minutes: int = 0) -> str:
    with pytest.raises(CultivaError) as caught:
        came(oidc, query, token, minutes)
    assert caught.value.kind is ErrorKind.FORBIDDEN
    return caught.value.code


def test_somebody_new_becomes_a_user_with_the_roles_of_their_groups(bank: Provider, store: Store) -> None:
    bank.person |= {"groups": ["crm-chiefs", "other"], "locale": "en-GB", "amr": ["pwd", "otp"]}
    oidc = oidc_of(bank, store)
    found = came(oidc, *sent(oidc, "/approvals"))
    session = Doors(store.database).session(found.entered.token, NOW)
    assert session is not None and found.target == "/approvals"
    assert (session.user.login, session.user.name, session.user.language) == ("ann", "Ann", "en")
    assert session.user.roles == {Role.APPROVER, Role.EXECUTIVE}
    actions = [line.entry.action for line in Audit(store.database).lines()]
    assert actions == ["user.created", "user.linked", "session.entered"]
    bank.person |= {"preferred_username": "ann.married", "groups": ["crm-advisers"]}  # known by `sub`, not by login
    again = came(oidc, *sent(oidc))
    changed = Doors(store.database).session(again.entered.token, NOW)
    assert changed is not None
    assert (changed.user.user_id, changed.user.roles) == (session.user.user_id, frozenset({Role.ADVISER}))
    assert Doors(store.database).session(found.entered.token, NOW) is None  # other roles end older sessions


def test_a_role_that_needs_a_second_factor_gets_ours_where_the_provider_asked_for_none(
    bank: Provider, store: Store
) -> None:
    bank.person |= {"groups": ["crm-chiefs"], "amr": ["pwd"]}
    rules = DoorRules(cost=RULES.cost)
    oidc = oidc_of(bank, store, rules)
    assert came(oidc, *sent(oidc)).entered.asks is Asks.ENROL
    trusting = oidc_of(bank, store, rules, trust_second_factor=True)
    assert came(trusting, *sent(trusting)).entered.token


def test_claims_say_who_somebody_is_among_the_staff(bank: Provider, store: Store) -> None:
    bank.person |= {"groups": "crm-advisers", "employee": 4711, "shops": ["b1", "b2"], "area": "3301"}
    oidc = oidc_of(bank, store, staff_claim="employee", branches_claim="shops", region_claim="area")
    session = Doors(store.database).session(came(oidc, *sent(oidc)).entered.token, NOW)
    assert session is not None
    user = session.user
    assert (user.staff_id, user.branches, user.region) == ("4711", frozenset({"b1", "b2"}), "3301")


@pytest.mark.parametrize("groups", [[], ["other"], None])
def test_who_has_no_role_does_not_come_in_and_is_not_made(bank: Provider, store: Store, groups: object) -> None:
    bank.person |= {"groups": groups}
    oidc = oidc_of(bank, store)
    assert refused(oidc, *sent(oidc)) == "doors.refused"
    assert Doors(store.database).listed() == []


def test_nobody_takes_over_an_account_by_choosing_its_login(bank: Provider, store: Store) -> None:
    doors, oidc = Doors(store.database, RULES), oidc_of(bank, store, role_claim="", roles={})
    new = NewUser("ann", "Another Ann", frozenset({Role.ADMINISTRATOR}))
    mine = doors.create(new, PASSWORD, by="test", at=NOW)
    assert refused(oidc, *sent(oidc)) == "doors.refused"  # she has a password of ours
    bank.person["preferred_username"] = "bea"
    made = doors.create(NewUser("BEA", "Bea", frozenset({Role.ANALYST})), by="test", at=NOW)  # for the provider
    session = doors.session(came(oidc, *sent(oidc)).entered.token, NOW)
    assert session is not None and session.user.user_id == made.user_id != mine.user_id
    bank.person["sub"] = "8"  # somebody else there, who chose the same login
    assert refused(oidc, *sent(oidc)) == "doors.refused"


def test_a_locked_user_stays_out(bank: Provider, store: Store) -> None:
    bank.person["groups"] = ["crm-advisers"]
    doors, oidc = Doors(store.database, RULES), oidc_of(bank, store)
    came(oidc, *sent(oidc))
    doors.change(doors.find("ann").user_id, UserChange(active=False), by="chief", at=NOW)
    assert refused(oidc, *sent(oidc)) == "doors.refused"


def test_a_way_is_gone_once_by_the_same_browser_in_time(bank: Provider, store: Store) -> None:
    bank.person["groups"] = ["crm-advisers"]
    oidc = oidc_of(bank, store)
    query, token = sent(oidc)
    other, theirs = sent(oidc)
    assert refused(oidc, query, "") == "doors.over"
    assert refused(oidc, query, theirs) == "doors.over"  # an answer to my way in another's browser
    assert came(oidc, query, token).entered.token
    assert refused(oidc, query, token) == "doors.over"
    assert refused(oidc, other, theirs) == "doors.over"  # used up by the wrong answer
    late, mine = sent(oidc)
    assert refused(oidc, late, mine, minutes=11) == "doors.over"
    for change in ({"iss": "https://evil.example"}, {"code": "made-up"}, {"code": ""}, {"error": "access_denied"}):
        query, token = sent(oidc)
        assert refused(oidc, {**query, **change}, token) == "oidc.refused"


@pytest.mark.parametrize(("said", "sure"), [(None, False), (-3600, False), (-60, True), (60, True), ("now", False)])
def test_only_a_provider_that_has_just_asked_makes_somebody_sure(
    bank: Provider, store: Store, said: object, sure: bool
) -> None:
    bank.person["groups"] = ["crm-advisers"]
    if said is not None:
        bank.person["auth_time"] = int(NOW.timestamp()) + said if isinstance(said, int) else NOW.timestamp() * 1e300
    doors, oidc = Doors(store.database, RULES), oidc_of(bank, store)
    session = doors.session(came(oidc, *sent(oidc)).entered.token, NOW)
    assert session is not None
    assert session.sure(NOW, doors.rules.limits) == sure
    assert not session.sure(NOW + timedelta(minutes=11), doors.rules.limits)


def test_who_must_prove_themselves_is_asked_again_by_the_provider(bank: Provider, store: Store) -> None:
    oidc = oidc_of(bank, store)
    asked = httpx.URL(oidc.leave(REDIRECT, "/account", at=NOW, anew=True).address).params
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    plain = httpx.URL(oidc.leave(REDIRECT, "/account", at=NOW).address).params
    assert "prompt" not in plain and "max_age" not in plain


def _off(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.update(changes)


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.pop(name) and None


AGO = int(NOW.timestamp()) - 3600
LIES = {
    "another issuer": _off(iss="https://evil.example"),
    "another audience": _off(aud="another-client"),
    "one audience of several, for another": _off(aud=[CLIENT, "other"], azp="other"),
    "another nonce": _off(nonce="replayed"),
    "no nonce": _without("nonce"),
    "no subject": _without("sub"),
    "run out": _off(exp=AGO),
    "no end": _without("exp"),
    "from the future": _off(iat=AGO + 7200 * 2),
    "not yet": _off(nbf=AGO + 7200 * 2),
    "another access token": _off(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_does_not_hold_lets_nobody_in(bank: Provider, store: Store, lie: str) -> None:
    bank.person["groups"] = ["crm-advisers"]
    bank.lie = LIES[lie]
    oidc = oidc_of(bank, store)
    assert refused(oidc, *sent(oidc)) == "oidc.refused"
    assert Doors(store.database).listed() == []


@pytest.mark.filterwarnings("ignore")
def test_a_token_signed_by_others_or_not_at_all_lets_nobody_in(bank: Provider, store: Store) -> None:
    bank.person["groups"] = ["crm-advisers"]
    other, oidc = RSAKey.generate_key(2048, {"kid": str(bank.keys[0].kid)}), oidc_of(bank, store)
    public = bank.keys[0].as_pem(private=False)

    def unsigned(claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "none"}, claims, OctKey.import_key("x"), algorithms=["none"])

    def by_the_public_key(claims: dict[str, Any]) -> str:  # the classic confusion: HMAC with what everybody knows
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(public.hex()), algorithms=["HS256"])

    def by_another(claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": bank.keys[0].kid}, claims, other)

    for signs in (unsigned, by_the_public_key, by_another, lambda claims: "no.token.at-all"):
        bank.signs = signs
        assert refused(oidc, *sent(oidc)) == "oidc.refused"


def test_new_keys_of_the_provider_are_fetched_but_not_at_every_bad_token(bank: Provider, store: Store) -> None:
    bank.person["groups"] = ["crm-advisers"]
    oidc = oidc_of(bank, store)
    came(oidc, *sent(oidc))
    bank.turn_keys()
    bank.asked.clear()
    assert refused(oidc, *sent(oidc)) == "oidc.refused"  # asked a moment ago
    assert "/jwks" not in bank.asked
    assert came(oidc, *sent(oidc), minutes=2).entered.token
    assert bank.asked.count("/jwks") == 1


def test_a_provider_that_is_down_or_another_is_said_to_be_so(bank: Provider, store: Store) -> None:
    honest = bank.issuer
    nowhere = oidc_of(bank, store, issuer="http://127.0.0.1:9")
    bank.issuer = "https://somebody.else"
    try:
        wrong = oidc_of(bank, store, issuer=honest)
        for oidc in (nowhere, wrong):
            with pytest.raises(CultivaError) as caught:
                oidc.leave(REDIRECT, "/", at=NOW)
            assert caught.value.kind is ErrorKind.UNAVAILABLE
    finally:
        bank.issuer = honest


def test_a_wrong_secret_is_the_consoles_fault_and_no_way_in(
    bank: Provider, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc = oidc_of(bank, store)
    query, token = sent(oidc)
    monkeypatch.setenv("CULTIVA_OIDC_SECRET", "wrong")
    with pytest.raises(CultivaError) as caught:
        came(oidc, query, token)
    assert "invalid_client" in str(caught.value) and "wrong" not in str(caught.value.seen)


def test_a_browser_goes_there_and_comes_back(bank: Provider, console: ConsoleUnderTest) -> None:
    bank.person |= {"sub": "web", "preferred_username": "olga", "groups": ["crm-advisers"]}
    parts = with_console(console.parts, local_accounts=False, oidc=settings(bank).model_dump())
    app = create_console(parts, Turns(parts))
    with TestClient(app, BASE, follow_redirects=False) as browser:
        page = browser.get("/login?next=/account&language=en")
        assert "Single sign-on" in page.text and 'name="password"' not in page.text
        assert browser.post("/login", data={"login": "olga", "password": PASSWORD}).status_code == 404
        leaving = browser.get("/login/oidc?next=/account")
        assert "cultiva-way" in leaving.headers["set-cookie"]
        back = httpx.get(leaving.headers["location"]).headers["location"]
        assert back.startswith(REDIRECT)
        stranger = TestClient(app, BASE, follow_redirects=False).get(back)
        assert stranger.status_code == 403 and f"{COOKIE}=" not in stranger.headers["set-cookie"]
        back = httpx.get(browser.get("/login/oidc?next=/account").headers["location"]).headers["location"]
        done = browser.get(back)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert browser.get("/account").status_code == 200
        assert browser.get("/login/oidc?next=//evil.example").status_code == 303


def came_in(app: Any, browser: TestClient) -> str:
    """Somebody comes in by the provider; the token of their forms."""
    back = httpx.get(browser.get("/login/oidc?next=/account").headers["location"]).headers["location"]
    assert browser.get(back).headers["location"] == "/account"
    found = re.search(r'name="csrf" content="([0-9a-f]+)"', browser.get("/account").text)
    assert found is not None
    return found[1]


def test_who_came_by_the_provider_logs_out_there_too(bank: Provider, console: ConsoleUnderTest) -> None:
    bank.person |= {"sub": "web", "preferred_username": "olga", "groups": ["crm-advisers"]}
    parts = with_console(console.parts, oidc=settings(bank).model_dump())
    app = create_console(parts, Turns(parts))
    with TestClient(app, BASE, follow_redirects=False) as browser:
        out = browser.post("/logout", data={"csrf": came_in(app, browser)})
        assert out.headers["location"] == "/login/oidc/left", "a form may not send a browser elsewhere"
        assert browser.get("/account").status_code == 303, "out of here already"
        page = browser.get("/login/oidc/left")
        assert page.headers["refresh"] == "0; url=/login/oidc/logout" and 'href="/login/oidc/logout"' in page.text
        away = httpx.URL(browser.get("/login/oidc/logout").headers["location"])
        assert (f"{away.scheme}://{away.netloc.decode()}{away.path}", away.params["from"]) == (
            f"{bank.issuer}/goodbye", "us",
        )  # fmt: skip
        assert httpx.get(away).headers["location"] == f"{BASE}/login"
        again = browser.get("/login/oidc/logout")
        assert again.headers["location"] == "/login", "once; and nobody who did not come by it is sent there"
        bank.says_goodbye = False
        other = create_console(parts, Turns(parts))
        with TestClient(other, BASE, follow_redirects=False) as second:
            second.post("/logout", data={"csrf": came_in(other, second)})
            assert second.get("/login/oidc/logout").headers["location"] == "/login"


def test_who_came_by_password_only_leaves_us(bank: Provider, own_console: ConsoleUnderTest) -> None:
    window = own_console.as_role(Role.ANALYST)
    assert window.post("/logout").headers["location"] == "/login"


def test_the_way_back_from_the_provider_is_where_browsers_see_us(bank: Provider, store: Store) -> None:
    seen = oidc_of(bank, store, redirect_url="https://crm.bank/login/oidc/callback")
    found = seen.farewell("http://10.0.0.3:8000/login", at=NOW)
    assert found is not None and httpx.URL(found).params["post_logout_redirect_uri"] == "https://crm.bank/login"
