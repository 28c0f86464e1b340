"""What vendor folders share: reading payloads exactly, signatures, HTTP with honest outcomes."""
