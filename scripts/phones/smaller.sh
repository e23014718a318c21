# shellcheck shell=bash
# What keeps the Android library small, where it ships and where it is weighed.
#
# Equal code once; short relocations (Android 6 on); no tables for unwinding, which nothing does where a panic aborts.

# shellcheck disable=SC2034  # for the scripts that source this
SMALLER='-Clink-arg=-Wl,--icf=all -Clink-arg=-Wl,--pack-dyn-relocs=android -Cforce-unwind-tables=no'
