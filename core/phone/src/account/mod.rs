//! Registration, servers and flows, and the lamp (RFC 3261 §10, RFC 5626).
