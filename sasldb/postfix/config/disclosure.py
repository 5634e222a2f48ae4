"""What of Postfix's and libsasl's configuration may be shown to people: an allow list of parameters whose values are known to be no secret.

Any name may hold a password: macros of SQL and LDAP maps, what a policy server or a filter is given, `static:` and `inline:` maps, an old
password in a comment. So the value of a parameter that is not on the list is masked, but for the names of restrictions in it, and
comments are masked as a whole. Each function takes the lines of a file (bytes) and returns as many lines (text) to show.

Source: Postfix 3.7, postconf(5), master(5), DATABASE_README; Cyrus SASL 2.1.28, options.html. Raises nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container

from sasldb.postfix.config.restriction_lists import split

MASK = "********"
_COMMENT = f"# {MASK}"
_SHOWN = frozenset(
    """2bounce_notice_recipient alias_database alias_maps biff broken_sasl_auth_clients command_directory compatibility_level
    config_directory content_filter daemon_directory data_directory default_database_type inet_interfaces inet_protocols mail_owner
    mailbox_size_limit mydestination mydomain myhostname mynetworks mynetworks_style myorigin queue_directory receive_override_options
    recipient_delimiter relay_domains relayhost sender_dependent_relayhost_maps setgid_group smtp_sasl_auth_enable
    smtp_sasl_mechanism_filter smtp_sasl_password_maps smtp_sasl_security_options smtp_sasl_tls_security_options
    smtp_sender_dependent_authentication smtp_tls_CAfile smtp_tls_CApath smtp_tls_security_level smtp_tls_wrappermode smtp_use_tls
    smtpd_authorized_xforward_hosts smtpd_client_restrictions smtpd_data_restrictions smtpd_delay_reject smtpd_discard_ehlo_keywords
    smtpd_end_of_data_restrictions smtpd_enforce_tls smtpd_etrn_restrictions smtpd_helo_required smtpd_helo_restrictions
    smtpd_recipient_restrictions smtpd_relay_restrictions smtpd_restriction_classes smtpd_sasl_auth_enable
    smtpd_sasl_authenticated_header smtpd_sasl_exceptions_networks smtpd_sasl_local_domain smtpd_sasl_mechanism_filter smtpd_sasl_path
    smtpd_sasl_security_options smtpd_sasl_tls_security_options smtpd_sasl_type smtpd_sender_login_maps smtpd_sender_restrictions
    smtpd_tls_CAfile smtpd_tls_auth_only smtpd_tls_cert_file smtpd_tls_chain_files smtpd_tls_dcert_file smtpd_tls_dkey_file
    smtpd_tls_eccert_file smtpd_tls_eckey_file smtpd_tls_key_file smtpd_tls_security_level smtpd_tls_wrappermode smtpd_use_tls
    syslog_name""".split()
)
_RESTRICTIONS = frozenset(
    """check_ccert_access check_client_a_access check_client_access check_client_mx_access check_client_ns_access check_etrn_access
    check_helo_a_access check_helo_access check_helo_mx_access check_helo_ns_access check_policy_service check_recipient_a_access
    check_recipient_access check_recipient_mx_access check_recipient_ns_access check_reverse_client_hostname_a_access
    check_reverse_client_hostname_access check_reverse_client_hostname_mx_access check_reverse_client_hostname_ns_access
    check_sasl_access check_sender_a_access check_sender_access check_sender_mx_access check_sender_ns_access defer defer_if_permit
    defer_if_reject defer_unauth_destination permit permit_auth_destination permit_dnswl_client permit_inet_interfaces
    permit_mx_backup permit_mynetworks permit_naked_ip_address permit_rhswl_client permit_sasl_authenticated
    permit_tls_all_clientcerts permit_tls_clientcerts reject reject_authenticated_sender_login_mismatch reject_invalid_helo_hostname
    reject_known_sender_login_mismatch reject_multi_recipient_bounce reject_non_fqdn_helo_hostname reject_non_fqdn_recipient
    reject_non_fqdn_sender reject_plaintext_session reject_rbl_client reject_rhsbl_client reject_rhsbl_helo reject_rhsbl_recipient
    reject_rhsbl_reverse_client reject_rhsbl_sender reject_sender_login_mismatch reject_unauth_destination reject_unauth_pipelining
    reject_unauthenticated_sender_login_mismatch reject_unknown_client_hostname reject_unknown_helo_hostname
    reject_unknown_recipient_domain reject_unknown_reverse_client_hostname reject_unknown_sender_domain reject_unlisted_recipient
    reject_unlisted_sender reject_unverified_recipient reject_unverified_sender sleep warn_if_reject""".split()
)
_OPTIONS = frozenset(
    b"""auto_transition auxprop_plugin canon_user_plugin log_level mech_list plugin_list pwcheck_method sasldb_path sasldb_mapsize
    sasldb_maxreaders saslauthd_path reauth_timeout keytab srvtab client_mech_list otp_mda scram_secret_generate
    scram_iteration_counter sql_engine sql_usessl sql_verbose ldapdb_mech ldapdb_starttls""".split()
)
_NAME = re.compile(r"\s*([A-Za-z0-9_]+)\s*$")
_REFERENCE = re.compile(r"\$(\w+|\{\w+\}|\(\w+\))")
_KIND = re.compile(r"((?:proxy:)?(?:static|inline):)")
_ANSWER = re.compile(r"ok|relay|dunno|discard|all|[245]\d\d", re.IGNORECASE)  # of an access map, and of mynetworks
_TABLE = re.compile(r"[a-z:]+:[/$][\w./$@%+-]*")
_LOGIN = re.compile(r":[^/\[\]]*@")  # of an address with a password in it
_FILE = re.compile(
    r"(proxy:)?(btree|cdb|cidr|hash|ldap|lmdb|mysql|pcre|pgsql|regexp|sqlite|texthash):(/|\$config_directory/)[\w./-]+"
)
_QUOTED = re.compile(r'(?<!\S)".*')
_FIELDS = 8  # of a service, up to the program's name


def may_be_shown(name: str, value: str, known: Container[str] = ()) -> bool:
    """Tell whether all of the value of a parameter of main.cf may be shown; `known` are words, such as restriction classes, that may."""
    return _words(value, lambda word: word if word in known else value_of(name, word)) == value


def value_of(name: str, value: str) -> str:
    """Return the value of a parameter of main.cf, or of a service, as it may be shown."""
    if name not in _SHOWN:
        return _words(value, _restriction)
    return _words(value, _table if name.endswith("_maps") else _visible)


def main_cf(lines: list[bytes]) -> list[str]:
    """Return the lines of main.cf as they may be shown."""
    return _logical(lines, _parameter)


def master_cf(lines: list[bytes]) -> list[str]:
    """Return the lines of master.cf as they may be shown: of a service's arguments those that set what is on the list."""
    return _logical(lines, _service)


def conf(lines: list[bytes], known: bytes = b"") -> list[str]:
    """Return the lines of a configuration file of libsasl as they may be shown; `known` is a comment that may be."""
    return [_text(line) if line.strip() in (b"", known.strip()) else _option(line) for line in lines]


def complaint(line: str) -> str:
    """Return what a program of Postfix complains of, without the line of configuration that it quotes."""
    return _QUOTED.sub('"..."', line)


def command(text: str) -> str:
    """Return the command of a service, with its arguments, as it may be shown."""
    return _service(f"{'x ' * (_FIELDS - 1)}{text}").split(" ", _FIELDS - 1)[-1]


def _text(line: bytes) -> str:
    return os.fsdecode(line.rstrip(b"\r\n"))


def _option(line: bytes) -> str:
    key, colon, _ = line.partition(b":")
    name = key.strip().lower()
    if line.lstrip().startswith(b"#") or not colon or not re.fullmatch(rb"[a-z0-9_-]+", name):
        return _COMMENT if line.lstrip().startswith(b"#") else MASK
    return _text(line) if name in _OPTIONS else f"{os.fsdecode(key)}: {MASK}"


def _logical(lines: list[bytes], shown: Callable[[str], str]) -> list[str]:
    """Return each line as `shown` has its logical line, which goes on over lines that begin with a blank; comments are between lines."""
    found = [""] * len(lines)
    group: list[int] = []
    groups = [group]
    for number, line in enumerate(lines):
        if line.lstrip().startswith(b"#"):
            found[number] = _COMMENT
        elif line.strip():
            if not line[:1].isspace():
                group = []
                groups.append(group)
            group.append(number)
    for group in filter(None, groups):
        text = "\n".join(_text(lines[number]).replace("\r", " ") for number in group)
        for number, part in zip(group, shown(text).split("\n")):
            found[number] = part
    return found


def _parameter(text: str) -> str:
    name, equals, value = text.partition("=")
    found = _NAME.match(name)
    return f"{name}={value_of(found[1], value)}" if equals and found else _masked(text)


def _service(text: str) -> str:
    """Return a service: its fields, its options, and of their arguments what may be shown."""
    found, end, sets = "", 0, False
    for number, (start, word) in enumerate(split(text, " \t\r\n")):
        shown = word
        if number >= _FIELDS:
            shown = _setting(word) if sets else _argument(word)
            sets = word == "-o" or (word.startswith("-") and word.endswith("o") and word[1:].isalpha())
        found += text[end:start] + shown
        end = start + len(word)
    return found + text[end:]


def _argument(word: str) -> str:
    if word.startswith("-o") and word != "-o":
        return f"-o{_setting(word[2:])}"
    return word if re.fullmatch(r"-[A-Za-z]+", word) else _masked(word)


def _setting(word: str) -> str:
    """Return `name=value`, or the same in braces, as it may be shown."""
    braces = word.startswith("{") and word.endswith("}")
    name, equals, value = (word[1:-1] if braces else word).partition("=")
    found = _NAME.match(name)
    if not equals or not found:
        return _masked(word)
    text = f"{name}={value_of(found[1], value)}"
    return f"{{{text}}}" if braces else text


def _words(value: str, shown: Callable[[str], str]) -> str:
    """Return a value with each of its words as it is `shown`; words that are masked beside each other become one mask."""
    found, end, before = "", 0, ""
    for start, word in split(value):
        text = shown(word)
        gap = value[end:start]
        found += gap if not (text == before == MASK) or "\n" in gap else ""
        found += text if not (text == before == MASK) or "\n" in gap else ""
        end, before = start + len(word), text
    return found + value[end:]


def _visible(word: str) -> str:
    """Return a word of a value that may be shown; what stands in it in the place of a table's file is none."""
    kind = _KIND.match(word)
    answer = word[kind.end() :].strip("{}") if kind else ""
    if kind and (_ANSWER.fullmatch(answer) or answer.lower() in _RESTRICTIONS):
        return word
    if kind:
        return kind[1] + _masked(word[kind.end() :])
    braced = "{" in _REFERENCE.sub("", word)
    return _masked(word) if braced or _LOGIN.search(word) else word


def _table(word: str) -> str:
    """Return a word of a list of tables: a login in its place is none."""
    return (
        word if _TABLE.fullmatch(word) or _REFERENCE.fullmatch(word) else _visible(word) if _KIND.match(word) else MASK
    )


def _restriction(word: str) -> str:
    """Return a word of a value that may be anything: the name of a restriction, a parameter or a table."""
    named = _REFERENCE.fullmatch(word) or _FILE.fullmatch(word)
    return word if word.lower() in _RESTRICTIONS or named else _masked(word)


def _masked(text: str) -> str:
    """Return a mask of as many lines."""
    return "\n    ".join([MASK] * (text.count("\n") + 1))
