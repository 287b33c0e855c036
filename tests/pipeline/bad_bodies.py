"""Bodies that are nested too deeply for JSON that is kept whole."""

DEEP = b'{"a":' * 300 + b"1" + b"}" * 300
DEEPER = b"[" * 100_000 + b"]" * 100_000
