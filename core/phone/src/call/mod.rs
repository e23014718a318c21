//! One call: its state machine and what each side of it does (RFC 3261 §13 to §15, RFC 3264).
