"""Restriction lists as text: what they come to for one client, and edits that put one word in; the real smtpd agrees in tests/real."""

from __future__ import annotations

import pytest

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import restriction_edits, restriction_lists, restrictions
from sasldb.postfix.config.restriction_lists import Edit
from sasldb.postfix.config.restrictions import (
    CLIENT,
    Client,
    LOGIN_MAPS,
    NEIGHBOUR,
    NEITHER,
    PERMIT,
    RECIPIENT,
    REFUSE,
    RELAY,
    SENDER,
    STRANGER,
    USER,
)

BIND = "reject_sender_login_mismatch"


class Texts:
    """Parameters of one smtpd, name -> value as it is written; `$name` in it is replaced by plain text."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def written(self, name: str) -> str:
        """Return a value as it is written."""
        return self.texts.get(name, "")

    def value(self, name: str) -> str:
        """Return a value with names replaced, longest name first."""
        value = self.written(name)
        for other in sorted(self.texts, key=len, reverse=True):
            value = value.replace(f"${{x?{other}}}", self.written(other)).replace(f"${other}", self.written(other))
        return value


def relay(text: str, **more: str) -> Texts:
    """Return parameters with that smtpd_relay_restrictions."""
    return Texts(**{RELAY: text, **more})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" a,b ,\n  c,, d\t", ["a", "b", "c", "d"]),
        ("check_x { inline:{ a=b, c=d }, y }, z", ["check_x", "{ inline:{ a=b, c=d }, y }", "z"]),
        ("inline:{a=b, c=d} z", ["inline:{a=b, c=d}", "z"]),
        ("{ never closed, a", ["{ never closed, a "]),
        ("} a", ["}", "a"]),
    ],
)
def test_words_are_what_postfix_takes_for_words(text: str, words: list[str]) -> None:
    """Blanks and commas separate, but not inside braces; each word is found where it stands."""
    found = restriction_lists.split(text)
    assert [word.rstrip() for _, word in found] == [word.rstrip() for word in words]
    assert all(text[at:].startswith(word.rstrip()) for at, word in found)


@pytest.mark.parametrize(
    ("text", "user", "stranger"),
    [
        ("", NEITHER, NEITHER),
        ("permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination", PERMIT, REFUSE),
        ("permit_mynetworks reject_unauth_destination permit_sasl_authenticated", REFUSE, REFUSE),
        ("permit_sasl_authenticated, defer_unauth_destination", PERMIT, REFUSE),
        ("Permit_SASL_Authenticated, REJECT", PERMIT, REFUSE),
        ("check_client_access static:OK, reject", PERMIT, PERMIT),
        ("static:OK, reject", PERMIT, PERMIT),
        ("check_client_access static:reject, permit", REFUSE, REFUSE),
        ("check_client_access static:{554 no}, permit", REFUSE, REFUSE),
        ("check_client_access static:554, reject", PERMIT, PERMIT),
        ("check_ccert_access { static:OK, { search_order = cert_fingerprint } }, reject", REFUSE, REFUSE),
        ("check_sasl_access static:OK, reject", PERMIT, REFUSE),
        ("check_client_access static:permit_sasl_authenticated, reject", PERMIT, REFUSE),
        ("check_client_access static:DUNNO, reject", REFUSE, REFUSE),
        ("check_client_access hash:/reject, permit", PERMIT, PERMIT),
        ("check_policy_service unix:private/reject, reject", REFUSE, REFUSE),
        ("reject_rbl_client reject, permit", PERMIT, PERMIT),
        ("warn_if_reject reject, permit_sasl_authenticated", PERMIT, NEITHER),
        ("warn_if_reject permit, reject", PERMIT, PERMIT),
        ("reject_unauthenticated_sender_login_mismatch", NEITHER, NEITHER),
        ("warn_if_reject", NEITHER, NEITHER),
        ("check_client_access", NEITHER, NEITHER),
        ("permit", PERMIT, PERMIT),
    ],
)
def test_the_first_that_decides(text: str, user: str, stranger: str) -> None:
    """A list is gone through until one restriction permits or refuses; what maps answer is not known, but for static ones."""
    found = [restrictions.verdict(relay(text), RELAY, client)[0] for client in (USER, STRANGER)]
    assert found == [user, stranger]


@pytest.mark.parametrize(
    ("text", "classes", "stranger"),
    [
        ("inner, permit", {"inner": "reject"}, REFUSE),
        ("inner, reject", {"inner": "permit_sasl_authenticated, permit"}, PERMIT),
        ("outer, permit", {"outer": "permit_mynetworks, inner", "inner": "reject_unauth_destination"}, REFUSE),
        ("warn_if_reject inner, permit", {"inner": "reject"}, PERMIT),
        ("inner, permit", {"inner": "warn_if_reject reject"}, PERMIT),
        ("inner, permit", {"inner": "outer", "outer": "inner, reject"}, REFUSE),
        ("inner", {"inner": "inner, inner"}, NEITHER),
        ("check_recipient_access hash:/x, inner", {"inner": "check_recipient_access hash:/inner, reject"}, REFUSE),
    ],
)
def test_classes(text: str, classes: dict[str, str], stranger: str) -> None:
    """A restriction class stands for its list, inside another one as well, and one that names itself ends."""
    found = relay(text, smtpd_restriction_classes=" ".join(classes), **classes)
    assert restrictions.verdict(found, RELAY, STRANGER)[0] == stranger


def test_names_are_replaced() -> None:
    """The words of `$name` count, and it is known where they are written; a form that only Postfix works out has no place."""
    _, step = restrictions.verdict(relay("$mine", mine="permit_mynetworks, reject"), RELAY, USER)
    assert step is not None and step.place == ("mine", 19, 25) and step.top == (RELAY, 0, 5)
    _, step = restrictions.verdict(relay("${x?mine}", mine="reject"), RELAY, USER)
    assert step is not None and (step.name, step.place) == ("reject", None)
    _, step = restrictions.verdict(relay("$a", a="$b", b="$a, reject"), RELAY, USER)
    assert step is not None and step.place == ("b", 4, 10)


def test_a_permit_ends_only_its_own_list() -> None:
    """A refusal in any list refuses, whatever other lists permit, and the first in smtpd's order is told."""
    found = Texts(**{CLIENT: "permit_sasl_authenticated, reject", RELAY: "permit", RECIPIENT: "reject"})
    for client, name in ((STRANGER, CLIENT), (USER, RECIPIENT)):
        refusal = restrictions.refusal(found, client)
        assert refusal is not None and refusal[0] == name
    assert restrictions.refusal(relay("permit_mynetworks, reject"), NEIGHBOUR) is None
    assert restrictions.refusal(relay("permit_mynetworks, reject"), Client(login=True)) is not None


def test_lists_before_the_login() -> None:
    """With smtpd_delay_reject = no nobody has logged in, and there is no recipient, when the client's list is gone through."""
    early = Texts(**{CLIENT: "permit_sasl_authenticated, reject", "smtpd_delay_reject": "no"})
    assert restrictions.refusal(early, USER) is not None
    with pytest.raises(SiteConfigError, match="before the login"):
        restriction_edits.admitting(early, CLIENT)
    early = Texts(**{CLIENT: f"{BIND}, reject_unauth_destination", "smtpd_delay_reject": "no"})
    assert restrictions.refusal(early, STRANGER) is None and restrictions.binding(early) is None


@pytest.mark.parametrize(
    ("text", "more", "works"),
    [
        ("reject_unauth_destination", {}, True),
        ("Reject", {}, True),
        ("permit, reject", {}, False),
        ("warn_if_reject reject", {}, False),
        ("inner", {"inner": "defer"}, True),
        ("inner, reject", {"inner": "permit, reject"}, True),
        ("inner", {"inner": "permit, reject"}, False),
        ("", {RECIPIENT: "defer_if_permit"}, True),
    ],
)
def test_what_smtpd_demands(text: str, more: dict[str, str], works: bool) -> None:
    """A refusal counts that is neither behind a plain permit nor only warned of; a permit in a class ends that class alone."""
    assert restrictions.works(relay(text, smtpd_restriction_classes="inner", **more)) is works


@pytest.mark.parametrize(
    ("lists", "binds"),
    [
        ({SENDER: BIND}, True),
        ({SENDER: f"permit_mynetworks, {BIND}"}, True),
        ({SENDER: f"permit_sasl_authenticated, {BIND}"}, False),
        ({SENDER: f"permit, {BIND}"}, False),
        ({SENDER: f"warn_if_reject {BIND}"}, False),
        ({SENDER: f"check_sender_access static:OK, {BIND}"}, False),
        ({SENDER: "inner", "inner": BIND, "smtpd_restriction_classes": "inner"}, True),
        ({SENDER: "permit", RELAY: f"{BIND}, permit_sasl_authenticated, reject"}, True),
        ({SENDER: "reject_known_sender_login_mismatch"}, True),
        ({SENDER: "reject_unauthenticated_sender_login_mismatch"}, False),
        ({SENDER: f"check_sender_access hash:/{BIND}"}, False),
    ],
)
def test_senders_are_bound(lists: dict[str, str], binds: bool) -> None:
    """What binds senders to logins has an effect where smtpd comes to it for who has logged in."""
    assert (restrictions.binding(Texts(**lists)) is not None) is binds


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("reject", "permit_sasl_authenticated, reject"),
        ("permit_mynetworks  reject", "permit_mynetworks  permit_sasl_authenticated, reject"),
        (
            f"{BIND}, reject_rbl_client $d.y,reject_unauth_destination , permit_sasl_authenticated",
            f"{BIND}, reject_rbl_client $d.y,permit_sasl_authenticated, reject_unauth_destination , permit_sasl_authenticated",
        ),
        ("check_client_access static:REJECT", "permit_sasl_authenticated, check_client_access static:REJECT"),
        ("permit_sasl_authenticated, reject", None),
    ],
)
def test_the_login_comes_before_what_refuses(text: str, after: str | None) -> None:
    """permit_sasl_authenticated goes directly in front of what refuses; all else stays, byte for byte."""
    edit = restriction_edits.admitting(relay(text, d="/etc"), RELAY)
    assert edit == (None if after is None else Edit(RELAY, after))
    assert after is None or restrictions.refusal(relay(after), USER) is None


def test_the_login_goes_into_a_class() -> None:
    """What refuses inside a class or a `$name` is preceded there."""
    found = relay("inner", inner=f"{BIND}, reject", smtpd_restriction_classes="inner")
    assert restriction_edits.admitting(found, RELAY) == Edit("inner", f"{BIND}, permit_sasl_authenticated, reject")
    assert restriction_edits.admitting(relay("$a", a="reject"), RELAY) == Edit("a", "permit_sasl_authenticated, reject")
    with pytest.raises(SiteConfigError, match="expression"):
        restriction_edits.admitting(relay("${x?a}", a="reject"), RELAY)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("check_sasl_access hash:/etc/allowed, reject", "check_sasl_access hash:/etc/allowed"),
        ("permit_mynetworks, hash:/x, reject_unauth_destination", "hash:/x"),
        ("check_sasl_access static:{554 not you}, reject", "check_sasl_access static:..."),
        ("check_sender_access inline:{ a=s3cret }, reject", "check_sender_access inline:..."),
        ("check_client_access static:inner, reject", "check_client_access static:..."),
        ("check_policy_service { inet:127.0.0.1:1, policy_context=s3cret }, reject", "check_policy_service"),
        ("reject_unauth_destination, check_sasl_access hash:/blocked", "check_sasl_access hash:/blocked"),
        ("inner, reject", "check_sasl_access hash:/inner"),
        ("permit_tls_clientcerts, reject", "permit_tls_clientcerts"),
        ("warn_if_reject check_ccert_access hash:/c, reject", "check_ccert_access hash:/c"),
    ],
)
def test_where_a_map_decides_nothing_is_widened(text: str, named: str) -> None:
    """A list in which a map, a policy server or a class with one decides gets no permission for all logins; the message names what decides."""
    found = relay(text, inner="check_sasl_access hash:/inner", smtpd_restriction_classes="inner")
    step = restrictions.deciding(found, RELAY)
    assert step is not None and restrictions.described(step) == named
    with pytest.raises(SiteConfigError, match="decides in it") as caught:
        restriction_edits.admitting(found, RELAY)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["reject, check_sasl_access hash:/x", "check_client_access static:DUNNO, reject"])
def test_what_decides_nothing(text: str) -> None:
    """A map to which smtpd never comes, or whose answer is known, leaves the decision to the rest of the list."""
    assert restrictions.undecided(relay(text), RELAY) is None
    assert restriction_edits.admitting(relay(text), RELAY) is not None


def test_a_map_of_logins_chooses_alone() -> None:
    """Where a map of logins is asked, what protects from strangers is added without a permission for all logins."""
    text = "permit_mynetworks, check_sasl_access hash:/x"
    assert restriction_edits.protecting(relay(text), RELAY) == Edit(RELAY, f"{text}, reject_unauth_destination")


@pytest.mark.parametrize(
    ("text", "more", "after"),
    [
        (
            f"reject, {BIND}",
            {LOGIN_MAPS: "hash:/x"},
            f"{BIND}, permit_sasl_authenticated, reject, {BIND}",
        ),
        (f"reject, {BIND}", {}, f"permit_sasl_authenticated, reject, {BIND}"),
        (
            f"reject, {BIND}",
            {LOGIN_MAPS: "hash:/x", SENDER: BIND},
            f"permit_sasl_authenticated, reject, {BIND}",
        ),
        (
            f"{BIND}, reject, {BIND}",
            {LOGIN_MAPS: "hash:/x"},
            f"{BIND}, permit_sasl_authenticated, reject, {BIND}",
        ),
        (
            f"reject, {BIND}, reject_known_sender_login_mismatch",
            {LOGIN_MAPS: "hash:/x", SENDER: "reject_known_sender_login_mismatch"},
            f"{BIND}, permit_sasl_authenticated, reject, {BIND}, reject_known_sender_login_mismatch",
        ),
        (
            f"reject, warn_if_reject {BIND}",
            {LOGIN_MAPS: "hash:/x"},
            f"permit_sasl_authenticated, reject, warn_if_reject {BIND}",
        ),
    ],
)
def test_what_binds_senders_is_not_passed_by(text: str, more: dict[str, str], after: str) -> None:
    """What would bind users further on comes along before the login; not where it binds already, only warns, or asks no map."""
    assert restriction_edits.admitting(relay(text, **more), RELAY) == Edit(RELAY, after)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", restrictions.GOOD),
        ("permit", "permit_sasl_authenticated, reject_unauth_destination, permit"),
        ("check_x_access hash:$d/y", "check_x_access hash:$d/y, permit_sasl_authenticated, reject_unauth_destination"),
        ("permit_sasl_authenticated,", "permit_sasl_authenticated, reject_unauth_destination"),
        (
            "permit_mynetworks, warn_if_reject permit",
            "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination, warn_if_reject permit",
        ),
        ("a, warn_if_reject", "a, permit_sasl_authenticated, reject_unauth_destination, warn_if_reject"),
        (
            "permit_mynetworks, $open, reject",
            "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination, $open, reject",
        ),
        ("inner", "permit_sasl_authenticated, reject_unauth_destination, inner"),
    ],
)
def test_strangers_are_refused_before_what_lets_them_in(text: str, after: str) -> None:
    """reject_unauth_destination goes in front of what permits everybody, else to the end, and the login before it; nothing goes."""
    more = {"open": "check_client_access static:OK", "smtpd_restriction_classes": "inner", "inner": "permit"}
    assert restriction_edits.protecting(relay(text, d="/etc", **more), RELAY) == Edit(RELAY, after)
    found = relay(after, **more)
    assert restrictions.works(found) and restrictions.refusal(found, STRANGER) is not None
    assert restrictions.refusal(found, USER) is None


@pytest.mark.parametrize(
    ("text", "word", "after"),
    [("a, b, c", "b", "a, c"), ("a, b", "b", "a"), ("b a", "b", "a"), ("b", "b", ""), ("a,b,c", "b", "a,c")],
)
def test_a_word_is_taken_out(text: str, word: str, after: str) -> None:
    """A word goes with one separator."""
    (place,) = [found.place for found in restriction_lists.words(relay(text), RELAY) if found.text == word]
    assert place is not None and restriction_lists.without(text, place) == after
