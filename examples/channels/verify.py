"""What a receiver of webhooks does with a request that is right, changed, or late."""

from datetime import UTC, datetime, timedelta

from cultiva.execution.channels.signature import signature_problem, signed_headers

now = datetime(2026, 11, 23, 9, tzinfo=UTC)
body = b'{"key": "d-1"}'
headers = signed_headers("shared secret", body, key="d-1", at=now)
print("right:", signature_problem("shared secret", body, headers, at=now) or "taken")
print("changed:", signature_problem("shared secret", b'{"key": "d-2"}', headers, at=now))
print("late:", signature_problem("shared secret", body, headers, at=now + timedelta(minutes=6)))
