"""Cases: plug-ins, options and configuration files."""

from __future__ import annotations

from tests.cli.compat.cases.states import KEPT_WORD, NO_DAMAGE, OLD, THOROUGH, T
from tests.cli.compat.sides import PLUGINS, Case


def _plugin_directory(*names: str) -> dict[str, str | bytes | None]:
    return {"plug": None, **{f"plug/lib{name}.so": f"{PLUGINS}/lib{name}.so" for name in names}}


def properties() -> list[Case]:
    """Which records are written and removed, for every set of plug-ins and option that decides it."""
    to_t = (b"-f", b"t.db", b"u@R")
    sets: dict[str, tuple[str, ...] | None] = {
        **{"all": None, "sasldb": ("sasldb",), "otp too": ("sasldb", "otp"), "scram too": ("sasldb", "scram")},
        **{"none": (), "otp alone": ("otp",), "scram alone": ("scram",), "plain alone": ("plain",)},
    }
    confs = [
        b"",
        b"scram_secret_generate: on\n",
        b"mech_list: PLAIN\n",
        b"auxprop_plugin: bogus\n",
        b"mech_list: PLAIN\nauxprop_plugin: ldapdb\n",
    ]
    cases = []
    for label, plugins in sets.items():
        environ: dict[str, str | None] = {} if plugins is None else {"SASL_PATH": "plug"}
        files = {T: OLD, **({} if plugins is None else _plugin_directory(*plugins))}
        for conf in confs:
            stores = (plugins is None or "sasldb" in plugins) and b"auxprop" not in conf
            for flag, differs in ((b"-p", ()), (b"-n", KEPT_WORD), (b"-d", THOROUGH)):
                shown = conf.decode().replace("\n", " ")
                cases.append(
                    Case(
                        f"{flag.decode()}, plug-ins {label}, {shown}",
                        (flag, *to_t),
                        files=files,
                        conf=conf,
                        environ=environ,
                        differs=differs if stores else (),
                    )
                )
    for path in ("", ":", "missing", "missing:" + PLUGINS, PLUGINS + "=plug", f"{PLUGINS}/:plug", " "):
        cases.append(Case(f"SASL_PATH {path!r}", to_t, files={T: OLD}, environ={"SASL_PATH": path}))
    dangling: dict[str, str | bytes | None] = {T: OLD, "plug": None, "plug/libsasldb.so": "missing"}
    cases.append(Case("a dangling plug-in", to_t, files=dangling, environ={"SASL_PATH": "plug"}))
    return cases


def options() -> list[Case]:
    """The options of the configuration that decide how secrets are made."""
    to_t = (b"-f", b"t.db", b"u@R")
    lines = [b"otp_mda: " + value for value in (b"sha1", b"SHA1", b"md5", b"MD5 ")]
    lines += [b"otp_otp_mda: sha1", b"pwcheck_method: saslauthd", b"log_level: 0", b"log_level: 7"]
    for value in (
        b"1",
        b"y",
        b"yes",
        b"t",
        b"tomato",
        b"on",
        b"onx",
        b"o",
        b"off",
        b"0",
        b"Yes",
        b"TRUE",
        b"no",
        b"On",
    ):
        lines.append(b"mech_list: SCRAM-SHA-1\nscram_secret_generate: " + value)
    for value in (
        b"1",
        b"10000",
        b"+10",
        b" 12",
        b"010",
        b"0x10",
        b"5000x",
        b"1e3",
        b"none",
        b"18446744073709551616",
        b"4294967297",
    ):
        lines.append(b"scram_secret_generate: y\nscram_iteration_counter: " + value)
    for value in (
        *(
            b"SCRAM-SHA-512 SCRAM-SHA-384",
            b"SCRAM-SHA-384\tSCRAM-SHA-512",
            b"scram-sha-224",
            b"SCRAM-SHA-1-PLUS",
            b"SCRAM",
            b"otp",
        ),
        *(
            b"SCRAM-SHA-1,OTP",
            b"xOTP",
            b"OTP,PLAIN",
            b"OTP PLAIN",
            b"plain,otp",
            b'"OTP"',
            b"OTP2",
            b"OTP-X",
            b"OTP-PLUS",
            b"otp otp",
        ),
        *(b"scram-sha-1-plus", b"SCRAM-SHA-256 SCRAM-SHA-1 SCRAM-SHA-256", b"PLAIN LOGIN"),
    ):
        lines.append(b"scram_secret_generate: 1\nmech_list: " + value)
    lines += [
        b"auxprop_plugin: " + value
        for value in (b"sasldb", b"SASLDB", b"sql sasldb", b"sasldb sasldb", b"sasldb,x", b"sasldb2")
    ]
    cases = [
        Case("conf " + line.decode().replace("\n", " "), to_t, conf=line + b"\n", files={T: OLD}) for line in lines
    ]
    chosen = b"scram_secret_generate: on\nscram_iteration_counter: 5000\nmech_list: SCRAM-SHA-384\n"
    cases.append(Case("-n, Cyrus's own authPassword", (b"-n", *to_t), conf=chosen, files={T: OLD}, differs=KEPT_WORD))
    cases.append(Case("otp_mda bogus", to_t, conf=b"otp_mda: bogus\n", files={T: OLD}, differs=NO_DAMAGE))
    cases.append(Case("otp_mda bogus, -d", (b"-d", *to_t), conf=b"otp_mda: bogus\n", files={T: OLD}, differs=THOROUGH))
    return cases


def configuration() -> list[Case]:
    """How the file is found and how it is read."""
    user = (b"u@R",)
    texts = [
        *(
            b"sasldb_path: a.db",
            b"sasldb_path:a.db\n",
            b"  SASLDB_Path:\t a.db \t\r\n",
            b"sasldb_path: a.db\x0b\x0c\n",
            b"\n \n\t# c\nsasldb_path: a.db\n",
        ),
        *(
            b"sasldb_path: a.db\nsasldb_path: b.db\n",
            b'sasldb_path: "a.db"\n',
            b"sasldb_path: a.db # x\n",
            b"x: y\nsasldb_path: a.db\0b\n",
        ),
        *(
            b": y\nsasldb_path: a.db\n",
            b"\0\nsasldb_path:a.db\n",
            b"sasldb_path: a.db\nno colon\n",
            b"sasldb_path : a.db\n",
            b"sasldb_path:\n",
        ),
        *(
            b"sasldb_path: \n",
            b"\xef\xbb\xbfsasldb_path: a.db\n",
            b"x.y: z\n",
            b"x\0: y\n",
            b"\xe9: y\n",
            b"a: b\n\xa0\n",
            b"x y: z\n",
            b"-_9: z\n",
        ),
        *(
            b"#" + b"x" * 5000 + b"\nsasldb_path: a.db\n",
            b"#" + b"x" * 4094 + b"y: z\nsasldb_path: a.db\n",
            b"x: " + b"y" * 5000 + b"\n",
        ),
        *(
            b"x: " + b"y" * 4092 + b"\nsasldb_path: a.db\n",
            b"#" + b"x" * 4094 + b"sasldb_path: a.db\n",
            b"",
            b"sasldb_path: sub/a.db\n",
        ),
    ]
    cases = [Case(f"conf text {text[:40]!r} of {len(text)}", user, conf=text, files={"sub": None}) for text in texts]
    named = b"sasldb_path: c.db\n"
    cases.append(Case("-f before sasldb_path", (b"-f", b"t.db", *user), conf=named))
    cases.append(Case("-f '' before sasldb_path", (b"-f", b"", *user), conf=named))
    cases.append(Case("a wrong file, -d", (b"-d", b"-f", b"t.db", *user), conf=b"wrong\n", files={T: OLD}))
    cases.append(Case("a wrong file, stdin closed", (b"-f", b"t.db", *user), conf=b"wrong\n", channel="closed"))
    cases.append(Case("saslpasswd2.conf is not read", user, files={"conf/saslpasswd2.conf": named}))
    cases.append(
        Case(
            "conf is a directory",
            user,
            files={"conf/saslpasswd.conf": None, "c2/saslpasswd.conf": named},
            environ={"SASL_CONF_PATH": "conf:c2"},
        )
    )
    cases.append(
        Case(
            "conf is a dangling link",
            user,
            files={"conf/saslpasswd.conf": "x", "c2/saslpasswd.conf": named},
            environ={"SASL_CONF_PATH": "conf:c2"},
        )
    )
    for first in (b"", b"wrong\n", b"sasldb_path: first.db\n"):
        files = {"conf/saslpasswd.conf": first, "c2/saslpasswd.conf": named}
        for path in ("conf:c2", "none:c2:conf", "c2/", ":c2", "conf=c2", "", "conf/:c2"):
            cases.append(Case(f"SASL_CONF_PATH {path} {first!r}", user, files=files, environ={"SASL_CONF_PATH": path}))
    for long in ("/" + "x" * 5000, "/" + "x" * 4000, "conf:/" + "x" * 5000):
        cases.append(
            Case(
                f"SASL_CONF_PATH of {len(long)}", (b"-f", b"t.db", *user), conf=named, environ={"SASL_CONF_PATH": long}
            )
        )
    default: dict[str, str | None] = {"SASL_CONF_PATH": None}
    both = {
        "/etc/sasl2/saslpasswd.conf": b"sasldb_path: one.db\n",
        "/etc/sasl/saslpasswd.conf": b"sasldb_path: two.db\n",
    }
    cases.append(Case("/etc/sasl2 before /etc/sasl", user, files=both, environ=default))
    cases.append(Case("/etc/sasl", user, files={"/etc/sasl/saslpasswd.conf": named}, environ=default))
    cases.append(Case("the default database", user, environ=default))
    cases.append(
        Case("the default database, not that of Fedora", user, files={"/etc/sasl2/sasldb2": OLD}, environ=default)
    )
    cases.append(
        Case(
            "-d in the default database",
            (b"-d", b"u@R"),
            files={"/etc/sasldb2": OLD},
            environ=default,
            differs=THOROUGH,
        )
    )
    for conf in (0o000, 0o200):
        files = {"conf/saslpasswd.conf": named, "c2/saslpasswd.conf": b"sasldb_path: second.db\n"}
        modes = {"conf/saslpasswd.conf": conf}
        cases.append(
            Case(
                f"conf of mode {conf:o}",
                user,
                files=files,
                modes=modes,
                environ={"SASL_CONF_PATH": "conf:c2"},
                nobody=True,
            )
        )
    return cases
