//! The phone against a server that is a script: bytes in, bytes out, in virtual time.
