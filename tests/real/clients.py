"""Other people's SMTP clients: gsasl (libgsasl) and swaks (Perl's Authen::SASL and Authen::NTLM).

Each knows mechanisms that the other does not. Passwords reach them through standard input or a private file, never as an argument.
"""

from __future__ import annotations

import subprocess
import tempfile

# DIGEST-MD5 is left to swaks: gsasl 2.2 sends an empty authorization identity there, which libsasl refuses.
GSASL = "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"
SWAKS = "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM"
LOGINS = [("gsasl", mechanism) for mechanism in GSASL] + [("swaks", mechanism) for mechanism in SWAKS]


def login(port: int, client: str, mechanism: str, user: str, password: str) -> int:
    """Log in at 127.0.0.1:`port` with one of `LOGINS`, and return the server's reply code: 235 accepted, 535 refused."""
    speak = {"gsasl": _gsasl, "swaks": _swaks}[client]
    return _reply(speak(port, mechanism, user, password))


def relay(port: int, user: str, password: str) -> int:
    """Log in (with PLAIN), send a message to a foreign recipient, and return the reply code to the recipient: 250 or 554."""
    return _code_after(_swaks(port, "PLAIN", user, password, stop="RCPT"), "RCPT TO:")


def relay_unauthenticated(port: int) -> int:
    """Offer a message to a foreign recipient without logging in, and return the reply code to the recipient."""
    return _code_after(_run_swaks(_envelope(port, "RCPT")), "RCPT TO:")


def _gsasl(port: int, mechanism: str, user: str, password: str) -> list[str]:
    argv = ["gsasl", "--smtp", "--no-starttls", "--no-cb", "--mechanism", mechanism, "--authorization-id", ""]
    argv += ["--authentication-id", user, "--connect", f"127.0.0.1:{port}"]
    # A session of its own has no terminal, so that it asks for the password on standard input.
    done = subprocess.run(
        argv, input=f"{password}\n".encode(), capture_output=True, timeout=30, start_new_session=True, check=False
    )
    return done.stdout.decode(errors="replace").splitlines()


def _swaks(port: int, mechanism: str, user: str, password: str, stop: str = "AUTH") -> list[str]:
    return _run_swaks(_envelope(port, stop) + f"auth {mechanism}\nauth-user {user}\nauth-password {password}\n")


def _envelope(port: int, stop: str) -> str:
    return f"server 127.0.0.1:{port}\nfrom sender@example.com\nto somebody@example.net\nquit-after {stop}\n"


def _run_swaks(options: str) -> list[str]:
    with tempfile.NamedTemporaryFile("w", prefix="sasldb-swaks-") as config:  # mode 0600
        config.write(options)
        config.flush()
        argv = ["swaks", "--config", config.name]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    return [line[4:] if line.startswith(("<-  ", "<** ", " -> ")) else line for line in lines]


def _reply(lines: list[str]) -> int:
    """Return the final reply to AUTH: the only one of the 235, 4xx or 5xx kind. No line is quoted: they hold secrets."""
    codes = [int(line[:3]) for line in lines if line[:3].isdigit() and line[3:4] == " "]
    final = [code for code in codes if code == 235 or code >= 400]
    if not final:
        raise AssertionError(f"the server never answered AUTH; its replies were {codes}")
    return final[0]


def _code_after(lines: list[str], command: str) -> int:
    """Return the reply code on the line after the one that begins with `command`."""
    place = next((n for n, line in enumerate(lines) if line.startswith(command)), None)
    if place is None:
        raise AssertionError(f"{command} was never sent")
    return int(lines[place + 1][:3])
