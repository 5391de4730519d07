"""Tokens: a device proves its secret once, and for some minutes a signed note stands for it.

Every process of a hub can check a token without asking the others; whether the device is still welcome is
asked of the database at each request all the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from crm_tui.sync.messages import HubError, Say

SECONDS = 900


def sign(key: str, device_id: str, now: int) -> str:
    """Return a token for a device, good for SECONDS from ``now`` (microseconds since 1970 UTC)."""
    said = f"{device_id}.{now + SECONDS * 1_000_000}"
    return _text(said.encode()) + "." + _text(_seal(key, said))


def device_of(key: str, token: str, now: int) -> str:
    """Return whose token it is; raises HubError AUTH for one that is wrong or too old."""
    said, _, seal = token.partition(".")
    try:
        told, given = base64.urlsafe_b64decode(said).decode(), base64.urlsafe_b64decode(seal)
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise HubError(Say.AUTH) from error
    if not hmac.compare_digest(_seal(key, told), given):
        raise HubError(Say.AUTH)
    device_id, _, until = told.rpartition(".")
    if int(until) < now:
        raise HubError(Say.AUTH)
    return device_id


def _seal(key: str, said: str) -> bytes:
    return hmac.new(key.encode(), said.encode(), hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()
