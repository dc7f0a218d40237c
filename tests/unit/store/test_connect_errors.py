"""What the texts of libpq and of poolers mean, as they were seen."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.store.connect_errors import (
    UNKNOWN,
    Refusal,
    refusal,
    secrets_of,
    words,
)

AT = 'connection to server at "db.example" (192.0.2.1), port 5432 failed: '

HOPELESS = [
    ('FATAL:  password authentication failed for user "u"', "28P01", "password"),
    ("FATAL:  password authentication failed", "28P01", "password"),
    ("FATAL:  SASL authentication failed", "", "password"),
    ("fe_sendauth: no password supplied", "", "password"),
    ("FATAL:  Tenant or user not found", "", "password"),
    ('FATAL:  Peer authentication failed for user "u"', "28000", "password"),
    ('FATAL:  no pg_hba.conf entry for host "h", user "u", database "d"', "28000", "pg_hba.conf"),
    ('FATAL:  pg_hba.conf rejects connection for host "h"', "28000", "pg_hba.conf"),
    ('FATAL:  role "u" does not exist', "28000", "role"),
    ('FATAL:  role "u" is not permitted to log in', "28000", "role"),
    ('FATAL:  database "d" does not exist', "3D000", "create the database"),
    ("FATAL:  no such database: d", "", "create the database"),
    ('FATAL:  permission denied for database "d"', "42501", "grant"),
    ("FATAL:  unsupported startup parameter: options", "08P01", "parameter"),
    ('FATAL:  unrecognized configuration parameter "nope"', "42704", "parameter"),
    ('FATAL:  invalid value for parameter "work_mem": "x"', "", "parameter"),
    ('server certificate for "a" does not match host name "b"', "", "certificate"),
    ("SSL error: certificate verify failed", "", "certificate"),
    ('root certificate file "/x" does not exist', "", "certificate"),
    ("server does not support SSL, but SSL was required", "", "certificate"),
]
PASSING = [
    ("FATAL:  the database system is starting up", "57P03", "until the server is up"),
    ("FATAL:  the database system is not yet accepting connections", "57P03", "until the server"),
    ("FATAL:  sorry, too many clients already", "53300", "raise the limit"),
    ('FATAL:  too many connections for role "u"', "53300", "raise the limit"),
    ("FATAL:  no more connections allowed (max_client_conn)", "53300", "raise the limit"),
    ("Connection refused\n\tIs the server running on that host?", "", "the server runs"),
    ("timeout expired", "", "firewall"),
    ("server closed the connection unexpectedly", "", "exists"),
    ("FATAL:  Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", "", "exists"),
]


@pytest.mark.parametrize(("text", "code", "cure"), HOPELESS)
def test_what_waiting_cannot_mend(text: str, code: str, cure: str) -> None:
    """It has the SQLSTATE that libpq dropped, and a cure of its own."""
    found = refusal(AT + text)
    assert (found.hopeless, found.code) == (True, code)
    assert cure in found.cure


@pytest.mark.parametrize(("text", "code", "cure"), PASSING)
def test_what_may_pass(text: str, code: str, cure: str) -> None:
    """Likewise what is translated, or is not known."""
    found = refusal(AT + text)
    assert (found.hopeless, found.code) == (False, code)
    assert cure in found.cure


def test_an_unknown_host_may_come_up_with_its_container() -> None:
    """It is waited for, and the cure is about the name."""
    found = refusal('could not translate host name "db" to address: Name or service not known\n')
    assert not found.hopeless
    assert "spelt right" in found.cure


def test_a_part_of_the_url_that_libpq_does_not_know() -> None:
    """It never gets as far as a server."""
    assert refusal('invalid sslmode value: "foo"').hopeless


def test_a_name_is_no_reason() -> None:
    """Hosts, users and databases may be called anything."""
    assert not refusal('could not translate host name "certificate" to address: x').hopeless
    assert not refusal(AT + 'FATAL:  too many connections for database "pg_hba.conf"').hopeless


def test_one_host_of_several_that_may_come_up_is_enough_to_wait() -> None:
    """All of them have to be hopeless."""
    refused = AT + 'FATAL:  database "d" does not exist\n'
    away = 'connection to server at "b", port 1 failed: Connection refused\n\tIs it running?\n'
    assert refusal(refused + refused).hopeless
    assert not refusal(refused + away).hopeless
    assert not refusal(away + refused).hopeless


def test_no_text() -> None:
    """Nothing is known of it."""
    assert refusal("") == UNKNOWN == Refusal()


def test_each_reason_is_shown_once_on_one_line() -> None:
    """A host with two addresses refuses twice, with hints of three lines."""
    twice = "".join(
        f'connection to server at "h" ({ip}), port 1 failed: Connection refused\n\tHint\n'
        for ip in ("::1", "127.0.0.1")
    )
    assert (
        words(twice, ()) == 'connection to server at "h" (::1), port 1 failed: Connection refused'
    )
    two = twice + 'connection to server at "i", port 1 failed: FATAL:  no\x1b\nDETAIL:  more\n'
    assert words(two, ()).endswith(' / connection to server at "i", port 1 failed: FATAL: no\\x1b')


def test_no_secret_is_shown() -> None:
    """Of the URL, of its query or of the environment; as it is or quoted."""
    url = sa.make_url("postgresql+psycopg2://u:p%40ss@h/d?sslpassword=other")
    secrets = secrets_of(url, {"PGPASSWORD": "third"})
    assert words("got p@ss, p%40ss, other and third", secrets) == "got ***, ***, *** and ***"
    assert secrets_of(sa.make_url("sqlite:///x.db"), {}) == frozenset()
