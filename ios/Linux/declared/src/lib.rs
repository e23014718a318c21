//! Empty: check.py reads the sources of the dependencies.
