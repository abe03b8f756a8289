"""Secrets and addresses: those that are redacted, and what looks like one and stays.

Everything here was made up for the tests, in pieces, so that no scanner takes it for real.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data.filters import Document, RedactSecrets
from code_ablate.data.filters.secrets import NAMES, redacted
from code_ablate.errors import UserError

DRAWN = "q7RzT2mVx9LbK4nWc8HdY3sPf6GjA5uEoN1i"
KEY = "-----BEGIN {0}PRIVATE KEY-----\n" + "MIIB" + DRAWN * 3 + "\n-----END {0}PRIVATE KEY-----\n"
PAYLOAD = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0" + "." + DRAWN

SECRET = {
    "private_key": [KEY.format(""), KEY.format("RSA "), KEY.format("OPENSSH ")],
    "aws_key": ["id = AKI" + "AQYLPMN5HHHFPZAM2", "'ASI" + "AZ3MSJV4WWNKWWG2Q'"],
    "github_token": [
        "gh" + "p_" + DRAWN,
        "github_" + "pat_" + DRAWN[:22] + "_" + DRAWN + DRAWN[:23],
    ],
    "slack_token": [
        "xox" + "b-731094582211-902837465012-" + DRAWN[:24],
        "https://hooks.slack.com/services/T0" + "B4K7Q2M/B09XW3R8L/" + DRAWN[:24],
    ],
    "google_key": ["AI" + "za" + DRAWN[:35], "GOC" + "SPX-" + DRAWN[:28]],
    "service_token": [
        "sk_" + "live_" + DRAWN[:24],
        "npm" + "_" + DRAWN,
        "glpat" + "-" + DRAWN[:20],
    ],
    "jwt": [f"Authorization: Bearer {PAYLOAD}"],
    "password_in_url": ["postgres://ann:" + "Xk9vQ2wLr7" + "@db.hive.io:5432/bees"],
    "secret_assignment": [
        f'API_KEY = "{DRAWN}"',
        f"client_secret: '{DRAWN}'",
        f'"aws_secret_access_key" => "{DRAWN}"',
        f'config["authToken"] = "{DRAWN}"',
    ],
    "email": ["Ann <ann.lee@hive.io>", "mailto:b_o+x@mail.hive.co.uk.", "ann@hive.io, ben@hive.io"],
    "ip_address": ["93.184.216.34", "host=203.1.45.9:8080", "2606:2800:220:1:248:1893:25c8:1946"],
}

STAYS = {
    "private_key": ["-----BEGIN PUBLIC KEY-----\n" + DRAWN * 3 + "\n-----END PUBLIC KEY-----"],
    "aws_key": ["AKI" + "AIOSFODNN7EXAMPLE", "AKIA" + "A" * 16, "XAKI" + "AQYLPMN5HHHFPZAM2"],
    "github_token": ["ghp_token", "gh" + "p_" + "x" * 36],
    "slack_token": ["xoxb-token", "xox" + "b-your-token-goes-here"],
    "google_key": ["AI" + "za", "AI" + "za" + "x" * 35],
    "service_token": ["sk_" + "live_xxx", "npm_config_registry_of_this_project_here"],
    "jwt": ["eyJ" + "only.one"],
    "password_in_url": ["https://user:password@host", "http://a:${PASS}@h", "std::vector<a>:b@c"],
    "secret_assignment": [
        'api_key = "your-api-key-goes-here-please"',
        'SECRET_KEY = os.environ["SECRET_KEY_OF_DJANGO_APP"]',
        f'digest = "{DRAWN}"',
        f'sha256 = "{"0f3c52a91b7e" * 5}"',
        'token_type = "abcdefghijklmnopqrstuvwxyz"',
        'public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"',
    ],
    "email": [
        "user@example.com",
        "a@b.test",
        "root@localhost",
        "git@github.com:bees/hive.git",
        "ssh://ann@hive.io/bees",
        "ann@hive.io:bees.git",
        "@pytest.mark.parametrize",
        "slow\n@pytest.mark.network\n",
        "icon@2x.png",
        "a@b",
        "std@v1.2",
    ],
    "ip_address": [
        *("127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.40.9", "192.168.99.7", "169.254.7.40"),
        *("192.0.2.44", "198.51.100.77", "203.0.113.99", "255.255.255.0", "224.0.0.251"),
        *("1.2.3.4", "2.10.0.1", "version 93.184.216.34", "v93.184.216.34", "pkg==93.184.216.34"),
        *("93.184.216.34.5", "1.93.184.216.34", "93.184.216.340", "8.8.8.8", "300.184.216.34"),
        *("ObjectIdentifier('2.5.4.36')", "::1", "fe80::1", "2001:db8::1", "12:30:45", "a::b::c"),
    ],
}


@pytest.mark.parametrize("kind", NAMES)
def test_secrets_go_and_are_counted_by_kind(kind):
    for text in SECRET[kind]:
        document, counts = RedactSecrets().rewrite(Document(f"before {text} after"))
        number = text.count("@") if kind == "email" else 1
        assert counts == {kind: number}, (text, counts)
        assert document.text.count(f"<{kind.upper()}>") == number
        assert document.text.startswith("before ") and document.text.endswith(" after")
        assert DRAWN[:20] not in document.text


@pytest.mark.parametrize("kind", NAMES)
def test_what_looks_like_one_stays(kind):
    for text in STAYS[kind]:
        document = Document(f"before {text} after")
        assert RedactSecrets().rewrite(document) == (document, {}), text


def test_a_private_key_keeps_the_lines_around_it():
    assert redacted(KEY.format("")) == (
        "-----BEGIN PRIVATE KEY-----<PRIVATE_KEY>-----END PRIVATE KEY-----\n"
    )


def test_some_kinds_alone():
    rule = RedactSecrets(("email",))
    text = f"ann@hive.io 93.184.216.34 {SECRET['aws_key'][0]}"
    assert rule.rewrite(Document(text))[0].text == text.replace("ann@hive.io", "<EMAIL>")
    assert rule.name == "redact_secrets_email" and RedactSecrets().name == "redact_secrets"
    with pytest.raises(UserError, match="no kind of secret named 'mail'; known: private_key"):
        RedactSecrets(("mail",))


PIECES = [text for texts in (*SECRET.values(), *STAYS.values()) for text in texts]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8))
def test_redacting_again_changes_nothing(pieces):
    once = redacted(" \n".join(pieces))
    assert redacted(once) == once
