# What the host must have: Debian packages, and the bench's own small programs.

# Installs the packages of "command:package" or "/file:package" pairs whose command or file is missing.
install_missing() {
    local pair missing=() policy=/usr/sbin/policy-rc.d made=
    for pair in "$@"; do
        case $pair in
        /*) [ -e "${pair%%:*}" ] || missing+=("${pair#*:}") ;;
        *) command -v "${pair%%:*}" > /dev/null || missing+=("${pair#*:}") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || die "missing, and only root can install them: ${missing[*]}"
    command -v apt-get > /dev/null || die "missing and no apt-get to install them: ${missing[*]}"
    say "installing ${missing[*]}"
    # A package must not start a service of its own on the host.
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod +x "$policy"
        made=yes
    fi
    local log ok=yes
    log=$(mktemp)
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -y -q install \
        --no-install-recommends "${missing[@]}"; } > "$log" 2>&1 || ok=
    [ -z "$made" ] || rm -f "$policy"
    [ -n "$ok" ] || { tail -20 "$log" >&2; rm -f "$log"; die "could not install ${missing[*]}"; }
    rm -f "$log"
}

host_packages() {
    install_missing ip:iproute2 iptables:iptables openssl:openssl zstd:zstd sipp:sip-tester \
        tcpdump:tcpdump sysctl:procps turnserver:coturn
}

tools_build() {
    command -v cargo > /dev/null || die "cargo is missing: install Rust (rustup.rs) first"
    CARGO_TARGET_DIR=$DIR/tools cargo build -q --locked --manifest-path "$SOURCE/tools/Cargo.toml"
}
