"""What a backend wants beside its lines in the conf: plug-ins, and smtpd outside of its chroot."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.postfix.setup.planning import Setup
from sasldb.postfix.setup.steps import FileStep
from tests.conftest import Require
from tests.postfix.setup.scratch_site import GOOD, Ground

MASTER = """\
smtp inet n - y - - smtpd
2525 inet n - y - - smtpd
  -o smtpd_sasl_auth_enable=no
submission inet n - y - - smtpd
  -o smtpd_sasl_auth_enable=yes
"""
DIGEST = "ldapdb_uri: ldap://127.0.0.1\nldapdb_id: x\nldapdb_pw: y\nldapdb_mech: DIGEST-MD5\n"


def planned(directory: Path, options: str, present: str = "") -> Setup:
    """Plan ldapdb with `options`, where the conf has `present`."""
    ground = Ground(directory, GOOD, MASTER)
    if present:
        ground.conf.write_text(present)
    (directory / "options").write_text(options)
    return Setup(ground.request(backend="ldapdb", backend_options=str(directory / "options")))


def jailed(setup: Setup) -> list[str]:
    """Return the names of the services that would be in the chroot."""
    texts = [step.after for step in setup.plan.steps if isinstance(step, FileStep) and step.path.endswith("master.cf")]
    lines = (texts[0].decode() if texts else MASTER).splitlines()
    return [line.split()[0] for line in lines if line[:1].strip() and line.split()[4] == "y"]


@pytest.fixture(autouse=True)
def _postfix(require: Require, cyrus: object) -> None:
    require("postfix", "postconf")


def test_ldapdb_leaves_the_chroot(tmp_path: Path) -> None:
    """With a mechanism that is a plug-in, services that offer AUTH are taken out, others stay; each is told."""
    setup = planned(tmp_path, DIGEST)
    assert jailed(setup) == ["2525"]
    told = [note.partition(":")[0] for note in setup.plan.notes if "chroot" in note]
    assert told == ["smtp/inet is taken out of its chroot", "submission/inet is taken out of its chroot"]


def test_any_mechanism_may_be_a_plugin(tmp_path: Path) -> None:
    """Without ldapdb_mech libsasl chooses one, so smtpd is taken out as well."""
    assert jailed(planned(tmp_path, "ldapdb_uri: ldap://127.0.0.1\n")) == ["2525"]


def test_external_stays(tmp_path: Path) -> None:
    """With EXTERNAL, in capitals or not, from the file of options or the present conf, smtpd stays where it is."""
    setup = planned(tmp_path, "ldapdb_uri: ldapi://%2Frun%2Fldapi\n", "ldapdb_mech: External\n")
    assert jailed(setup) == ["smtp", "2525", "submission"]


def test_the_mechanism_is_installed(tmp_path: Path) -> None:
    """A mechanism whose plug-in is missing is refused."""
    with pytest.raises(SiteConfigError, match="no plug-in passdss of libsasl"):
        planned(tmp_path, DIGEST.replace("DIGEST-MD5", "passdss-3des-1"))


@pytest.mark.parametrize(
    ("present", "named"),
    [
        ("pwcheck_method: saslauthd\nmech_list: plain login\n", "saslauthd-shadow or saslauthd-pam or saslauthd-rimap"),
        ("pwcheck_method: saslauthd\n", "saslauthd-shadow or saslauthd-pam or saslauthd-rimap"),  # and an empty sasldb
        ("pwcheck_method: auxprop\nauxprop_plugin: sql\nmech_list: PLAIN\n", "sql"),
        ("auxprop_plugin: ldapdb\n", "ldapdb"),
        ("pwcheck_method: authdaemond\nmech_list: PLAIN\n", ""),
    ],
)
def test_users_who_are_elsewhere(tmp_path: Path, require: Require, cyrus: object, present: str, named: str) -> None:
    """Where the conf has its users elsewhere, the backend has to be named, whichever it is; the error says so, and what to name."""
    require("postfix", "postconf")
    ground = Ground(tmp_path, GOOD)
    ground.conf.write_text(present)
    with pytest.raises(SiteConfigError) as caught:
        Setup(ground.request())
    assert caught.value.subject == str(ground.conf)
    said = next(line for line in present.splitlines() if "mech_list" not in line and "auxprop" != line[-7:])
    assert caught.value.reason == f"{said}, so users are found elsewhere than in a sasldb"
    keep = f"to keep it name --backend {named}, " if named else ""
    assert caught.value.remedy == f"{keep}to change over to a sasldb name --backend sasldb"
    assert any(
        isinstance(step, FileStep) and b"auxprop_plugin: sasldb\n" in step.after
        for step in Setup(ground.request(backend="sasldb")).plan.steps
    )


@pytest.mark.parametrize(
    "present", ["", "mech_list: PLAIN\n", "pwcheck_method: auxprop\n", "auxprop_plugin: sasldb sql\n"]
)
def test_users_who_are_in_the_sasldb(tmp_path: Path, require: Require, cyrus: object, present: str) -> None:
    """Where they are in the sasldb, in so many words or by default, it need not be named."""
    require("postfix", "postconf")
    ground = Ground(tmp_path, GOOD)
    if present:
        ground.conf.write_text(present)
    assert Setup(ground.request()).plan.steps
