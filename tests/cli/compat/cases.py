"""The cases: every row of what was observed of the real tools that can be run, as calls with their surroundings."""

from __future__ import annotations

from berkeleydb import db

from tests.cli.compat.records import PROPERTIES, image, key, seeded
from tests.cli.compat.sides import PLUGINS, Case

T = "t.db"
THOROUGH = ("2 -d is thorough",)
KEPT_WORD = ("3 -n keeps its word",)
NOT_CUT = ("4 no cut password",)
NO_DAMAGE = ("1 no damage",)
EMPTY = image({})
OLD = image(seeded())


def _words(line: str) -> tuple[bytes, ...]:
    return tuple(word.replace("_", " ").encode() if word != "''" else b"" for word in line.split())


def arguments() -> list[Case]:
    """Command lines: what is accepted, and each text about what is not."""
    lines = """
    |a b|-h|-?|-h u|-? u|-x|-P|-W foo u|-:|-;|-u|-f|-a|u -f|--help|--create u|--version|-p u -v|u u2 -v|-x -v|-xv|-vx|-v -a a/b
    |-a a/b|-a a/b -v|-a / u|-x -a a/b|-c -d u|-d -c u|-d -x u|-cd u|-ft.db -uR u|-ft.db -cpuR u|-pft.db u@R|-f t.db u@R --|-f t.db -- u@R
    |u@R -p -f t.db|-p u@R -f t.db|u -p -f t.db -u R|-f t.db -- -u@R|-f t.db -u R -|-f t.db -- u -p|-f t.db -u -p u|-f t.db -ppcc -u R u
    |-f t.db -u X -u R u|-f x.db -f t.db u@R|-a x -a y -f t.db u@R|-n -f|-pz u|-f t.db u@R -q -r|-f t.db -u R ''|--|-- a|-- a b|-u R -f t.db -- --
    |-|- -|-v|-vvv|-fv|-p -f t.db|-- -v|u -v|-uR|-cpa|-ca /|u -- -v|-c -p -n -f|-f t.db -a '' u@R
    """
    found = [_words(line) for line in lines.replace("\n", "").split("|")]
    cases = [Case("args " + (" ".join(a.decode() for a in args) or "none"), args) for args in found]
    cases += [Case("args, byte 0xff", (b"-\xff", b"u")), Case("args, bundle with 0xfe", (b"-p\xfe\xffv",))]
    strict = {"POSIXLY_CORRECT": ""}
    for line in ("u@R -f t.db", "-f t.db u@R", "u -v", "-f t.db -- u@R", "-p u@R -p", "-x u -y"):
        cases.append(Case(f"args strictly {line}", _words(line), environ=strict))
    cases += [Case("-d twice", (b"-d", b"-d", b"-f", b"t.db", b"u@R"), files={T: OLD}, differs=THOROUGH)]
    for extra in (b"-p", b"-n"):
        cases.append(
            Case(f"-d {extra.decode()}", (b"-d", extra, b"-f", b"t.db", b"u@R"), files={T: OLD}, differs=THOROUGH)
        )
    return cases


def application_names() -> list[Case]:
    """-a: which file is read, and how long a name may be."""
    to_t = (b"-f", b"t.db", b"u@R")
    cases = [
        Case(f"appname of {size}", (b"-a", b"a" * size, *to_t))
        for size in (255, 256, 4083, 4084, 4085, 4095, 4096, 9000)
    ]
    built_in: dict[str, str | None] = {"SASL_CONF_PATH": None}
    cases += [
        Case(f"appname of {size}, /etc", (b"-a", b"a" * size, *to_t), environ=built_in) for size in (4057, 4058, 4096)
    ]
    other = {"conf/app.conf": b"sasldb_path: app.db\n", "conf/.conf": b"sasldb_path: dot.db\n"}
    for name in (b"app", b"", b"App", b"saslpasswd", b"saslpasswd2", b"."):
        args = (b"-a", name, b"u@R")
        cases.append(Case(f"appname {name.decode()}", args, conf=b"sasldb_path: c.db\n", files=other))
    return cases


def standard_input() -> list[Case]:
    """Passwords through a pipe, a file, and what is no password."""
    to_t = (b"-p", b"-f", b"t.db", b"u@R")
    plain = [
        b"pw",
        b"pw\n",
        b"pw\r\n",
        b"pw\n\n",
        b"pw\nagain\n",
        b"\npw\n",
        b"  pw  \n",
        b" \n",
        b"\r",
        b"\xff\xfe\n",
        b"a" * 2047,
    ]
    plain += [b"a" * 2047 + b"\n", b"a" * 2048, b"pw\0"[:2] + b"\t\x7f\x01\n", "pä\n".encode(), b"%s%n\n"]
    cases = []
    for data in plain:
        password = data[:-1] if data.endswith(b"\n") else data
        cases.append(Case(f"stdin {data[:12]!r} of {len(data)}", to_t, stdin=data, password=password))
    for data in (b"", b"\n"):
        for args in (to_t, (b"-n", *to_t), to_t[1:], (b"-c", *to_t)):
            cases.append(Case(f"empty password {args[0]!r} {data!r}", args, stdin=data, files={T: OLD}))
    for data in (
        b"ab\0cd\n",
        b"\0",
        b"\0\0\n",
        b"\0cd\n",
        b"ab\0",
        b"a" * 8193,
        b"a" * 8193 + b"\n",
        b"a" * 100000,
        b"a\n" * 5000,
    ):
        cases.append(Case(f"stdin {data[:6]!r} of {len(data)}", to_t, stdin=data, files={T: OLD}, differs=NOT_CUT))
    cases.append(
        Case(
            "a regular file", to_t[1:], channel="file", files={"stdin": b"filepw\nsecond\n"}, password=b"filepw\nsecond"
        )
    )
    for channel in ("closed", "write-only", "nonblocking", "null"):
        cases.append(Case(f"stdin {channel}", to_t, channel=channel, files={T: OLD}))
        cases.append(
            Case(f"stdin {channel}, -d", (b"-d", *to_t[1:]), channel=channel, files={T: OLD}, differs=THOROUGH)
        )
    for channel in ("stdout closed", "stderr closed", "outputs closed", "stdout full"):
        cases.append(Case(channel, to_t, channel=channel, files={T: OLD}))
        cases.append(Case(f"{channel}, usage", (b"-x",), channel=channel))
    cases.append(Case("all closed, -d", (b"-d", *to_t[1:]), channel="all closed", files={T: OLD}, differs=THOROUGH))
    cases.append(Case("written and held open", to_t, stdin=((0, b"pw\n"),)))
    return cases


def names() -> list[Case]:
    """User and realm: where they are split, where the realm comes from, and that any byte goes."""
    to_t = (b"-f", b"t.db")
    cases = []
    for realm, user in (
        *(
            (b"EXAMPLE.Com", b"User"),
            (b"R", b"u@x"),
            (b"R", b"u@"),
            (b"", b"u"),
            (b"a@b", b"u"),
            (b"R", b"@"),
            (b"R", b""),
        ),
        *(
            (b"R", b"u@X@Y"),
            (b"R", b"@x"),
            (b" R ", b" u "),
            (b"R\n", b"u\n:\t"),
            (b"\x01\x7f", b"DOM\\u"),
            (b"%s%n", b"%s%n/"),
        ),
        *((b"\xe9\xff", b"\xc3\x28\xfe"), (b"r" * 20000, b"u"), (b"R", b"u" * 131000), (b"R", b"u@" + b"r" * 70000)),
    ):
        cases.append(Case(f"-u {realm[:12]!r} {user[:12]!r}", (*to_t, b"-u", realm, user)))
    for user in (b"u@x", b"u@X@Y", b"u@", b"@x", b"@", b"u", b""):
        cases.append(Case(f"user {user!r}", (*to_t, user)))
    for hostname in ("MiXeD.Example.COM", "", "x", "UPPER", "a-b.c"):
        cases.append(Case(f"host {hostname}", (*to_t, b"u"), hostname=hostname))
        cases.append(Case(f"host {hostname}, -u ''", (*to_t, b"-u", b"", b"u"), hostname=hostname))
    return cases


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


def _patched(offset: int, value: bytes, base: bytes = OLD) -> bytes:
    return base[:offset] + value + base[offset + len(value) :]


def files() -> list[Case]:
    """What stands where the database should be."""
    btree = image(seeded(), kind=db.DB_BTREE)
    wrong = {
        **{
            "btree": btree,
            "recno": image({}, kind=db.DB_RECNO),
            "zeros": bytes(4096),
            "zeros of 512": bytes(512),
            "text": b"hello world\n",
        },
        **{
            "one byte": b"x",
            "cut to 100": OLD[:100],
            "cut to 511": OLD[:511],
            "wrong magic": _patched(12, b"\1\2\3\4"),
        },
        **{f"version {number}": _patched(16, bytes([number, 0, 0, 0])) for number in (2, 3, 4, 5, 6, 10, 11)},
        **{
            "cut to 512": OLD[:512],
            "cut to 2048": OLD[:2048],
            "one byte short": OLD[:-1],
            "page size 3000": _patched(20, (3000).to_bytes(4, "little")),
        },
    }
    cases = []
    for label, content in wrong.items():
        for flag in (b"-p", b"-d"):
            cases.append(Case(f"{flag.decode()} on {label}", (flag, b"-f", b"t.db", b"u@R"), files={T: content}))
    good = {
        **{
            "big-endian": image(seeded(), order=4321),
            "pages of 512": image(seeded(), page_size=512),
            "pages of 65536": image(seeded(), page_size=65536),
        },
        **{
            "checksums": image(seeded(), flags=db.DB_CHKSUM),
            "version 8": _patched(16, b"\10"),
            "version 7": _patched(16, b"\7"),
            "no records": EMPTY,
        },
        **{"many users": image({key(b"u%d" % n, b"R"): b"x" * 30 for n in range(500)}), "of zero bytes": b""},
    }
    for label, content in good.items():
        for flag, differs in ((b"-p", ()), (b"-d", THOROUGH), (b"-n", KEPT_WORD)):
            cases.append(
                Case(f"{flag.decode()} on {label}", (flag, b"-f", b"t.db", b"u@R"), files={T: content}, differs=differs)
            )
    cases += [Case("-d of an unknown user", (b"-d", b"-f", b"t.db", b"nobody@R"), files={T: OLD})]
    cases += [Case("-d on nothing", (b"-d", b"-f", b"t.db", b"u@R")), Case("set on nothing", (b"-f", b"t.db", b"u@R"))]
    cases += [Case("-d on nothing, in the default place", (b"-d", b"u@R"), environ={"SASL_CONF_PATH": None})]
    for flag, differs in ((b"-p", ()), (b"-d", THOROUGH)):
        through = (flag, b"-f", b"link", b"u@R")
        cases.append(Case(f"{flag.decode()} through a link", through, files={T: OLD, "link": "t.db"}, differs=differs))
        cases.append(
            Case(
                f"{flag.decode()} through a link to zero bytes",
                through,
                files={T: b"", "link": "t.db"},
                differs=differs,
            )
        )
        cases.append(
            Case(
                f"{flag.decode()} through a dangling link",
                through,
                files={"link": "t.db"},
                differs=("5 a dangling link",),
            )
        )
        cases.append(Case(f"{flag.decode()} through a loop", through, files={"link": "link"}))
        for label, path in (
            ("directory", b"conf"),
            ("no parent", b"none/t.db"),
            ("parent a file", b"t.db/t.db"),
            ("name too long", b"x" * 300),
        ):
            cases.append(Case(f"{flag.decode()} on {label}", (flag, b"-f", path, b"u@R"), files={T: OLD}))
        cases.append(Case(f"{flag.decode()} on /dev/null", (flag, b"-f", b"/dev/null", b"u@R")))
        for mode in (0o444, 0o222):
            name = f"{flag.decode()} as nobody on {mode:o}"
            cases.append(Case(name, (flag, b"-f", b"t.db", b"u@R"), files={T: OLD}, modes={T: mode}, nobody=True))
    cases.append(Case("as nobody, new", (b"-f", b"t.db", b"u@R"), nobody=True))
    cases.append(Case("0440 as root", (b"-f", b"t.db", b"u@R"), files={T: OLD}, modes={T: 0o440}))
    return cases


def lists() -> list[Case]:
    """sasldblistusers2: its command line, its lines, and what is no database."""
    lines = """
    |-v|-h|-x -h|-h -x|-x|-?|-f|--help|-v -x|-x -v|-hv|-vh|-h -h|-h -f|-f -h|-x -x|-h t.db|-f t.db -h|t.db -v|-|a b|-f t.db b|-- t.db|--|t.db --
    |-f t.db --|-f t.db -f x.db|-f x.db -f t.db|-x t.db|-? t.db|-h -? -h|-xh|-hx|-f t.db -x|t.db -x -h|t.db|-ft.db|-pf t.db|-? -h|--version|-x -- t.db
    |x.db -f t.db|''|-f ''|-vf t.db|-f|-fv|'' ''|-- ''|a b -x|a -h b|missing|conf
    """
    found = [_words(line) for line in lines.replace("\n", "").split("|")]
    tool = "sasldblistusers2"
    cases = [Case("list " + " ".join(a.decode() for a in args), args, tool, files={T: OLD}) for args in found]
    cases.append(Case("list, byte 0xff", (b"-\xff",), tool))
    for line in ("t.db -v", "-f t.db", "t.db"):
        cases.append(
            Case(f"list strictly {line}", _words(line), tool, files={T: OLD}, environ={"POSIXLY_CORRECT": "1"})
        )
    odd = {
        key(b"", b"R"): b"",
        key(b"u", b""): b"x",
        key(b"u", b"R", b""): b"x",
        b"\0\0": b"x",
        key(b"a\nb", b"\xff", b"c: @d"): b"x" * 100000,
    }
    many = {key(b"user%d" % n, b"R", name): b"x" for n in range(1000) for name in PROPERTIES[:3]}
    long = {key(b"u" * 16383, b"R"): b"x", key(b"v", b"r" * 16383): b"x", key(b"w", b"R", b"p" * 16383): b"x"}
    contents = {
        "odd names": image(odd),
        "many users": image(many),
        "long names": image(long),
        "none": EMPTY,
        "zero bytes": b"",
        "text": b"hello\n",
    }
    contents |= {
        "big-endian": image(many, order=4321),
        "pages of 512": image(many, page_size=512),
        "checksums": image(many, flags=db.DB_CHKSUM),
    }
    contents |= {
        "version 7": _patched(16, b"\7"),
        "version 6": _patched(16, b"\6"),
        "btree": image(many, kind=db.DB_BTREE),
        "zeros": bytes(8192),
    }
    contents |= {"cut to 512": OLD[:512], "cut to 100": OLD[:100]}
    cases += [Case(f"list {label}", (b"t.db",), tool, files={T: content}) for label, content in contents.items()]
    for channel in ("stdout closed", "stdout full", "outputs closed", "all closed", "stderr closed"):
        cases.append(Case(f"list, {channel}", (b"t.db",), tool, files={T: OLD}, channel=channel))
    listing = {
        "conf/sasldblistusers.conf": b"sasldb_path: c.db\n",
        "c.db": OLD,
        "/etc/sasldb2": image({key(b"in", b"etc"): b"x"}),
    }
    cases.append(Case("list, sasldb_path is ignored", (), tool, files=listing))
    cases.append(Case("list, the default database", (), tool, files=listing, environ={"SASL_CONF_PATH": None}))
    cases.append(Case("list, a wrong file", (b"t.db",), tool, files={T: OLD, "conf/sasldblistusers.conf": b"wrong\n"}))
    cases.append(Case("list, saslpasswd.conf does not matter", (b"t.db",), tool, files={T: OLD}, conf=b"wrong\n"))
    cases.append(Case("list without plug-ins", (b"t.db",), tool, files={T: OLD}, environ={"SASL_PATH": ""}))
    cases.append(Case("list as nobody", (b"t.db",), tool, files={T: OLD}, modes={T: 0o200}, nobody=True))
    cases.append(Case("list through a link", (b"link",), tool, files={T: OLD, "link": "t.db"}))
    cases.append(Case("list through a dangling link", (b"link",), tool, files={"link": "t.db"}))
    cases.append(Case("list /dev/null", (b"/dev/null",), tool))
    return cases


CASES = [
    *(
        *arguments(),
        *application_names(),
        *standard_input(),
        *names(),
        *properties(),
        *options(),
        *configuration(),
        *files(),
        *lists(),
    ),
]
