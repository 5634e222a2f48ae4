"""Run inside a machine: who may send what to whom, as smtpd answers. Prints one JSON object; `policy` serves as a policy server instead.

    python relay_probe.py PASSWORD SECONDS PORT ...   -> {"25 alice stranger own foreign": true, ...}
    python relay_probe.py policy PORT                 answers OK to alice, REJECT to mallory, DUNNO to all others

A client at 127.0.0.2 is in mynetworks, one at 127.0.0.3 is a stranger. An answer is true where the message was accepted. SECONDS are waited for an answer.
"""

from __future__ import annotations

import json
import smtplib
import socketserver
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor

DOMAIN = "example.com"
USERS = ("alice", "bob", "mallory", "")  # listed, not listed, blocked, without a login
CLIENTS = {"stranger": "127.0.0.3", "neighbour": "127.0.0.2"}
RECIPIENTS = {"foreign": "someone@example.net", "local": f"someone@{DOMAIN}"}
ETRN = "etrn"


class Policy(socketserver.StreamRequestHandler):
    """The policy server; see SMTPD_POLICY_README."""

    def handle(self) -> None:
        """Answer each request of one smtpd."""
        login = ""
        for line in self.rfile:
            name, _, value = line.decode(errors="replace").strip().partition("=")
            if name == "sasl_username":
                login = value.partition("@")[0]
            if not name:
                answer = {"alice": "OK", "mallory": "REJECT"}.get(login, "DUNNO")
                self.wfile.write(f"action={answer}\n\n".encode())
                login = ""


def senders(user: str) -> "dict[str, str]":
    """Return an address of the client's own, and one of alice's."""
    return {"own": f"{user}@{DOMAIN}" if user else "someone@example.org", "alice's": f"alice@{DOMAIN}"}


def session(port: int, user: str, place: str, password: str, patience: float) -> "dict[str, bool]":
    """Return what one client comes to."""
    found = {f"{port} {user or 'nobody'} {place} {s} {r}": False for s in senders(user) for r in RECIPIENTS}
    found[f"{port} {user or 'nobody'} {place} {ETRN}"] = False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=patience, source_address=(CLIENTS[place], 0)) as client:
            client.starttls(context=context)
            if user:
                client.login(f"{user}@{DOMAIN}", password)
            client.ehlo_or_helo_if_needed()
            for sender, address in senders(user).items():
                for recipient, to in RECIPIENTS.items():
                    found[f"{port} {user or 'nobody'} {place} {sender} {recipient}"] = accepted(client, address, to)
            found[f"{port} {user or 'nobody'} {place} {ETRN}"] = client.docmd("ETRN", DOMAIN)[0] < 460
    except (OSError, smtplib.SMTPException):
        pass  # refused as a whole
    return found


def accepted(client: smtplib.SMTP, sender: str, recipient: str) -> bool:
    """Tell whether a message is accepted, from MAIL to the end of the data."""
    try:
        if client.mail(sender)[0] >= 400 or client.rcpt(recipient)[0] >= 400:
            return False
        return client.data(b"Subject: x\n\nx\n")[0] < 400
    except smtplib.SMTPDataError:
        return False
    finally:
        client.rset()


def main(password: str, *ports: str) -> None:
    """Print what all clients come to at all ports."""
    if password == "policy":
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        server = socketserver.ThreadingTCPServer(("127.0.0.1", int(ports[0])), Policy)
        print("ready", flush=True)
        server.serve_forever()
    patience = float(ports[0])
    clients = [
        (int(port), user, place, password, patience) for port in ports[1:] for user in USERS for place in CLIENTS
    ]
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(session, *client) for client in clients]
        print(json.dumps({key: value for one in found for key, value in one.result().items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
