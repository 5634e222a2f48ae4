"""What tests of setups share."""

from __future__ import annotations

import subprocess

import pytest

from tests.conftest import Require


@pytest.fixture
def tls(tmp_path_factory: pytest.TempPathFactory, require: Require) -> str:
    """Return the lines of main.cf for a certificate that works."""
    (openssl,) = require("postfix", "openssl")
    pem = str(tmp_path_factory.mktemp("tls") / "pem")
    argv = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=x",
        "-keyout",
        pem,
        "-out",
        f"{pem}.crt",
    ]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return f"smtpd_tls_cert_file = {pem}.crt\nsmtpd_tls_key_file = {pem}\n"
