"""`tf.compat`: bytes and text."""


def as_text(bytes_or_text: str | bytes, encoding: str = "utf-8") -> str:
    """Text, decoded if it is bytes."""
    return bytes_or_text.decode(encoding) if isinstance(bytes_or_text, bytes) else bytes_or_text


def as_bytes(bytes_or_text: str | bytes, encoding: str = "utf-8") -> bytes:
    """Bytes, encoded if they are text."""
    return bytes_or_text.encode(encoding) if isinstance(bytes_or_text, str) else bytes_or_text
