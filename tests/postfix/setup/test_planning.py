"""A setup is planned from whatever Postfix there is: what serves already stays as it is written, what the administrator added stays too."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.postfix.setup.planning import Setup
from sasldb.postfix.setup.request import SQL
from sasldb.postfix.setup.steps import FileStep
from tests.conftest import Require
from tests.postfix.setup.scratch_site import GOOD, MASTER, Ground


@pytest.fixture(autouse=True)
def _postfix(require: Require) -> None:
    require("postfix", "postconf")


def test_from_nothing(tmp_path: Path, tls: str) -> None:
    """From an empty main.cf, with a certificate, this is all that is set."""
    assert Ground(tmp_path, tls).planned() == {
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_security_options": "noanonymous, noplaintext",
        "smtpd_sasl_tls_security_options": "noanonymous",
        "smtpd_tls_auth_only": "yes",
        "smtpd_tls_security_level": "may",
    }


def test_what_serves_stays(tmp_path: Path) -> None:
    """Options that are there in another order, or more of them, are left alone."""
    assert Ground(tmp_path, GOOD).planned() == {}


@pytest.mark.parametrize(
    "main, expected",
    [
        ("smtpd_sasl_path = /etc/postfix/sasl:/usr/lib/sasl2\n", {"smtpd_sasl_path": "smtpd"}),
        ("smtpd_sasl_type = dovecot\n", {"smtpd_sasl_type": "cyrus"}),
        (
            "smtpd_relay_restrictions = permit_mynetworks, reject\n",
            {"smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject"},
        ),
        (
            "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination\n",
            {},
        ),
        (
            "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = reject_unauth_destination\n",
            {"smtpd_recipient_restrictions": "permit_sasl_authenticated, reject_unauth_destination"},
        ),
        (
            "mine = permit_mynetworks, reject_unauth_destination\nsmtpd_relay_restrictions = $mine\n",
            {"mine": "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"},
        ),
        (
            "smtpd_restriction_classes = inner\ninner = reject\nsmtpd_relay_restrictions = reject_rbl_client $data_directory, inner\n",
            {"inner": "permit_sasl_authenticated, reject"},
        ),
        (
            "smtpd_restriction_classes = inner\ninner = reject\nsmtpd_relay_restrictions = check_x_access hash:$data_directory/x, inner\n",
            {},
        ),
        (
            "smtpd_restriction_classes = inner\ninner = reject\nsmtpd_relay_restrictions = inner\n"
            "smtpd_data_restrictions = check_sender_access hash:/which/may/name/inner\n",
            {},
        ),
        ("good = permit_sasl_authenticated, reject\nsmtpd_relay_restrictions = $good\n", {}),
    ],
)
def test_main_cf_of_an_administrator(tmp_path: Path, main: str, expected: dict[str, str]) -> None:
    """What stands in the way is changed, and nothing else."""
    assert Ground(tmp_path, GOOD + main).planned() == expected


def test_dovecot_in_use(tmp_path: Path) -> None:
    """Whose users will not be asked any more is said; a service that names Dovecot itself goes on with it, at the same socket."""
    main = GOOD + "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n"
    ground = Ground(tmp_path, main, MASTER + "587 inet n - n - - smtpd\n  -o smtpd_sasl_type=dovecot\n")
    assert ground.planned() == {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd"}
    assert sorted(ground.services().splitlines()) == [
        "587/inet/smtpd_sasl_path = private/auth",
        "587/inet/smtpd_sasl_type = dovecot",
    ]
    notes = Setup(ground.request()).plan.notes
    assert any(note.startswith("smtp/inet: asks dovecot now; ") for note in notes)
    assert "587/inet: asks dovecot by its own line of master.cf, and goes on so" in notes


def test_dovecot_over_the_network(tmp_path: Path) -> None:
    """A socket of Dovecot's becomes the name of an application, however it is written."""
    main = GOOD + "smtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:12345\n"
    assert Ground(tmp_path, main).planned() == {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd"}


def test_options(tmp_path: Path) -> None:
    """Each option sets its parameter; the word mydomain stays a name for Postfix to replace."""
    chosen = {
        "local_domain": "mydomain",
        "exceptions_networks": "!192.0.2.1, 192.0.2.0/24",
        "authenticated_header": True,
        "broken_clients": True,
    }
    assert Ground(tmp_path, GOOD).planned(**chosen) == {
        "smtpd_sasl_local_domain": "$mydomain",
        "smtpd_sasl_exceptions_networks": "!192.0.2.1, 192.0.2.0/24",
        "smtpd_sasl_authenticated_header": "yes",
        "broken_sasl_auth_clients": "yes",
    }


@pytest.mark.parametrize(
    "policy, word",
    [
        ("authenticated", "reject_authenticated_sender_login_mismatch"),
        ("everybody", "reject_sender_login_mismatch"),
    ],
)
def test_sender_logins(tmp_path: Path, policy: str, word: str) -> None:
    """Our map comes beside the administrator's, the restriction before the others, in main.cf and where a service has its own list."""
    main = GOOD + "smtpd_sender_login_maps = hash:/etc/x\nsmtpd_sender_restrictions = reject_unknown_sender_domain\n"
    service = "587 inet n - n - - smtpd\n  -o smtpd_sender_restrictions=permit_mynetworks\n"
    ground = Ground(tmp_path, main, MASTER + service)
    assert ground.planned(sender_logins=policy) == {
        "smtpd_sender_login_maps": f"hash:/etc/x, hash:{tmp_path}/sasldb_sender_logins",
        "smtpd_sender_restrictions": f"{word}, reject_unknown_sender_domain",
    }
    assert ground.services(sender_logins=policy) == f"587/inet/smtpd_sender_restrictions = {word},permit_mynetworks\n"


def test_another_policy_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """Its word stands where the other stood, in main.cf, in a list that a service names there, and in the service's own."""
    bound = "reject_authenticated_sender_login_mismatch"
    main = f"smtpd_sender_restrictions = reject_x, {bound}, permit\nmua = {bound}, permit\n"
    service = "587 inet n - n - - smtpd\n  -o smtpd_sender_restrictions=$mua\n"
    other = f"465 inet n - n - - smtpd\n  -o smtpd_sender_restrictions=reject_x,{bound}\n"
    ground = Ground(tmp_path, GOOD + main, MASTER + service + other)
    planned = ground.planned(sender_logins="everybody")
    del planned["smtpd_sender_login_maps"]
    assert planned == {
        "smtpd_sender_restrictions": "reject_x, reject_sender_login_mismatch, permit",
        "mua": "reject_sender_login_mismatch, permit",
    }
    assert sorted(ground.services(sender_logins="everybody").splitlines()) == [
        "465/inet/smtpd_sender_restrictions = reject_x,reject_sender_login_mismatch",
        "587/inet/smtpd_sender_restrictions = $mua",
    ]


def test_our_map_behind_proxy(tmp_path: Path) -> None:
    """A map that is opened through proxymap is the same map, and is not named again."""
    main = f"smtpd_sender_login_maps = proxy:hash:{tmp_path}/sasldb_sender_logins\n"
    assert "smtpd_sender_login_maps" not in Ground(tmp_path, GOOD + main).planned(sender_logins="everybody")


def test_strangers_whom_only_the_administrator_can_keep_out(tmp_path: Path) -> None:
    """Nothing is planned where strangers would relay, and the place of what lets them is not known."""
    with pytest.raises(SiteConfigError, match="the word that decides"):
        Ground(tmp_path, GOOD + "smtpd_relay_restrictions = ${mail_version?permit}\n").planned()


def test_a_submission_list_of_the_administrators(tmp_path: Path, tls: str) -> None:
    """A list of submission's own that keeps logins out gets the one word that it lacks."""
    service = (
        "submission inet n - n - - smtpd\n  -o { smtpd_relay_restrictions = reject_x, permit_mynetworks reject }\n"
    )
    found = Ground(tmp_path, GOOD + tls, MASTER + service).services(submission=True)
    wanted = "reject_x,permit_mynetworks,permit_sasl_authenticated,reject"
    assert f"submission/inet/smtpd_relay_restrictions = {wanted}" in found.splitlines()


def test_submission_that_is_there(tmp_path: Path, tls: str) -> None:
    """A submission service of the administrator's keeps its options, and gets what it lacks."""
    service = "submission inet n - n - - smtpd\n  -o smtpd_sasl_auth_enable=no\n  -o smtpd_helo_restrictions=reject_x\n"
    found = Ground(tmp_path, GOOD + tls, MASTER + service).services(submission=True)
    assert sorted(found.splitlines()) == [
        "submission/inet/smtpd_helo_restrictions = reject_x",
        "submission/inet/smtpd_sasl_auth_enable = yes",
        "submission/inet/smtpd_tls_security_level = encrypt",
    ]


@pytest.mark.parametrize("name", ["587", "127.0.0.1:587", "submission", "[::1]:submission"])
def test_one_service_a_port(tmp_path: Path, tls: str, name: str) -> None:
    """What listens at the port already is submission, whatever it is called; a second service could not listen there."""
    service = f"{name} inet n - n - - smtpd\n  -o syslog_name=mine\n  -o smtpd_sasl_auth_enable=no\n"
    found = Ground(tmp_path, GOOD + tls, MASTER + service).services(submission=True)
    assert sorted(found.splitlines()) == [
        f"{name}/inet/smtpd_sasl_auth_enable = yes",
        f"{name}/inet/smtpd_tls_security_level = encrypt",
        f"{name}/inet/syslog_name = mine",
    ]


def test_mydomain_that_is_no_domain(tmp_path: Path) -> None:
    """On a host called like its domain mydomain is a registry: nothing is planned with it, and the domain's own name serves."""
    ground = Ground(tmp_path, "myhostname = example.com\n")
    with pytest.raises(
        SiteConfigError, match="mydomain: it is com, which is no domain; name the realm itself, as example.com"
    ):
        ground.planned(local_domain="mydomain")
    assert ground.planned(local_domain="example.com")["smtpd_sasl_local_domain"] == "example.com"


def test_another_program_at_the_port(tmp_path: Path, tls: str) -> None:
    """Where something else than smtpd listens there, nothing is planned."""
    service = "587 inet n - n - 1 postscreen\n"
    with pytest.raises(SiteConfigError, match="port 587 is served by postscreen already"):
        Ground(tmp_path, GOOD + tls, MASTER + service).planned(submission=True)


@pytest.mark.parametrize(
    "text, backend, expected",
    [
        (b"mech_list: PLAIN LOGIN\n", "saslauthd-pam", b"mech_list: PLAIN LOGIN\npwcheck_method: saslauthd\n"),
        (
            b"auxprop_plugin: sasldb\nmech_list: PLAIN CRAM-MD5\n",
            "saslauthd-rimap",
            b"mech_list: PLAIN LOGIN\npwcheck_method: saslauthd\n",
        ),
        (
            b"pwcheck_method: saslauthd\nmech_list: plain\n",
            "sasldb",
            b"pwcheck_method: auxprop\nmech_list: plain\nauxprop_plugin: sasldb\nsasldb_path: DATABASE\n",
        ),
        (
            b"mech_list: GSSAPI\n",
            "sasldb",
            b"mech_list: PLAIN LOGIN SCRAM-SHA-256\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: DATABASE\n",
        ),
    ],
)
def test_mechanisms_of_a_backend(
    tmp_path: Path, tls: str, text: bytes, backend: str, expected: bytes, cyrus: object
) -> None:
    """A mech_list stays where the backend can serve all of it, and no other does."""
    ground = Ground(tmp_path, GOOD + tls)
    ground.conf.write_bytes(text)
    steps = Setup(ground.request(backend=backend)).plan.steps
    (step,) = [step for step in steps if isinstance(step, FileStep) and step.path == str(ground.conf)]
    assert step.after == expected.replace(b"DATABASE", ground.database.encode())


def test_saslauthd_without_tls(tmp_path: Path, cyrus: object) -> None:
    """Where every mechanism would send the password in the clear, nothing is planned."""
    with pytest.raises(SiteConfigError, match="in the clear"):
        Setup(Ground(tmp_path, GOOD).request(backend="saslauthd-shadow"))


def test_options_that_the_backend_decides(tmp_path: Path, tls: str) -> None:
    """A file of options may not say what --backend says."""
    options = tmp_path / "options"
    options.write_text("sql_engine: sqlite3\nsql_database: x\nsql_select: y\npwcheck_method: alwaystrue\n")
    request = Ground(tmp_path, GOOD + tls).request(backend=SQL, backend_options=str(options))
    with pytest.raises(SiteConfigError, match="pwcheck_method"):
        Setup(request)
