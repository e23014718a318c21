# Asterisk 22 in a prefix of its own: never installed on the host, never outside its namespace.

ASTERISK_SERIES=22.10
PREFIX=$DIR/prefix

# From a packed copy where there is one, else from Debian's testing and then unstable distribution.
asterisk_get() {
    [ ! -x "$PREFIX/asterisk" ] || return 0
    local packed=${SIDETONE_BENCH_ASTERISK:-$ROOT/../shared/bench/asterisk-22.10.1.tar.zst} suite
    rm -rf "$PREFIX"
    mkdir -p "$PREFIX/root"
    if [ -e "$packed" ]; then
        say "unpacking $(basename "$packed")"
        tar -x -C "$PREFIX/root" --zstd -f "$packed"
    else
        for suite in forky sid; do
            say "fetching Asterisk from Debian $suite"
            asterisk_fetch "$suite" > "$LOG/fetch" 2>&1 && break
            [ "$suite" = forky ] || { tail -20 "$LOG/fetch" >&2; die "could not fetch Asterisk"; }
        done
    fi
    local part
    for part in lib lib64 bin sbin; do
        mkdir -p "$PREFIX/root/usr/$part"
        ln -sfn "usr/$part" "$PREFIX/root/$part"
    done
    # Its libraries are newer than the host's: it runs by its own loader.
    cat > "$PREFIX/asterisk.new" <<TEXT
#!/bin/sh
exec $PREFIX/root/usr/lib64/ld-linux-x86-64.so.2 --argv0 asterisk \\
    --library-path $PREFIX/root/usr/lib/x86_64-linux-gnu $PREFIX/root/usr/sbin/asterisk "\$@"
TEXT
    chmod +x "$PREFIX/asterisk.new"
    mv "$PREFIX/asterisk.new" "$PREFIX/asterisk"
    local version
    version=$(asterisk_version)
    [[ $version == *" $ASTERISK_SERIES."* ]] ||
        say "warning: this is $version; what the tests expect was seen on $ASTERISK_SERIES"
}

# Downloads packages of a suite with what they need, into archives of an apt state of its own.
debian_packages() {
    local suite=$1 apt=$2 mirror
    shift 2
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2> /dev/null |
        awk '/^URIs:/ { print $2; exit } /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }')
    rm -rf "$apt"
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,etc/{sources.list.d,preferences.d,apt.conf.d,trusted.gpg.d}}
    : > "$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$apt/etc/sources.list"
    # A mirror's testing release may be older than its own date of validity.
    cat > "$apt/apt.conf" <<TEXT
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc "$apt/etc";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
TEXT
    APT_CONFIG=$apt/apt.conf apt-get -q update &&
        APT_CONFIG=$apt/apt.conf apt-get -y -q --download-only install "$@"
}

# Unpacks without running anything of the packages.
asterisk_fetch() {
    local apt=$PREFIX/apt part
    debian_packages "$1" "$apt" asterisk asterisk-modules || return 1
    for part in lib lib64 bin sbin; do
        mkdir -p "$PREFIX/root/usr/$part"
        ln -sfn "usr/$part" "$PREFIX/root/$part"
    done
    find "$apt/cache/archives" -name '*.deb' -print0 | grep -zvE '/(perl|libperl|gnupg|gpg|dirmngr|debconf|passwd|asterisk-core-sounds)[^/]*$' |
        xargs -0 -P 2 -I{} sh -c 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink \
            --no-same-owner --exclude="./usr/share/doc/*" --exclude="./usr/share/man/*" \
            --exclude="./usr/share/locale/*" --exclude="./usr/lib/systemd/*"' _ {} "$PREFIX/root" || return 1
    rm -rf "$apt"
}

asterisk_version() { "$PREFIX/asterisk" -V 2> /dev/null; }

asterisk_start() {
    local file
    mkdir -p "$STATE"/{etc,cache,lib/keys,spool/recordings,run,log,hold}
    for file in "$SOURCE"/asterisk/*.conf; do
        sed -e "s#@PREFIX@#$PREFIX/root#g;s#@STATE@#$STATE#g;s#@TLS@#$TLS#g" \
            -e "s#@ADDRESS@#$PBX_ADDRESS#g;s#@CUSTOMER@#$CUSTOMER_ADDRESS#g" "$file" \
            > "$STATE/etc/$(basename "$file")"
    done
    # It complains about each of these that does not exist.
    for file in acl ccss pjproject features udptl; do
        touch "$STATE/etc/$file.conf"
    done
    # The packs, as anybody installs them; their settings are the bench's own.
    "$ROOT/server/asterisk/install" --etc "$STATE/etc" --asterisk "$PREFIX/asterisk" apply all > "$LOG/install" 2>&1 ||
        { tail -5 "$LOG/install" >&2; return 1; }
    # Music on hold that a test can tell by ear from every voice.
    "$TOOLS/tone" "$STATE/hold/hold.ulaw" 460:10
    ip netns exec "$PBX" setsid "$PREFIX/asterisk" -C "$STATE/etc/asterisk.conf" -f -n \
        < /dev/null > "$LOG/asterisk" 2>&1 9>&- &
    for _ in {1..200}; do
        ! asterisk_is_booted || return 0
        sleep 0.1
    done
    tail -30 "$LOG/asterisk" >&2
    die "Asterisk does not boot: see $LOG/asterisk"
}

asterisk_is_booted() {
    [ -S "$STATE/run/asterisk.ctl" ] &&
        asterisk_console "core waitfullybooted" 2> /dev/null | grep -q 'fully booted'
}

asterisk_stop() {
    [ ! -S "$STATE/run/asterisk.ctl" ] || asterisk_console "core stop now" > /dev/null 2>&1 || true
}

# Its process, known by the program that it runs.
asterisk_pid() {
    local pid
    for pid in $(ip netns pids "$PBX"); do
        if tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$STATE/etc/asterisk.conf -f"; then
            echo "$pid"
            return
        fi
    done
    return 1
}

asterisk_server() {
    local pid
    case ${1:-} in
    down)
        pid=$(asterisk_pid) || return 0
        kill -KILL "$pid"
        while [ -e "/proc/$pid" ]; do sleep 0.05; done
        rm -f "$STATE/run/asterisk.ctl"
        ;;
    up) asterisk_is_booted || asterisk_start ;;
    freeze) kill -STOP "$(asterisk_pid)" ;;
    thaw) kill -CONT "$(asterisk_pid)" ;;
    *) die "usage: scripts/bench server down | up | freeze | thaw" ;;
    esac
}

asterisk_console() { "$PREFIX/asterisk" -C "$STATE/etc/asterisk.conf" -rx "$1"; }

asterisk_siplog() {
    local file
    case ${1:-} in
    on)
        [ $# -eq 2 ] || die "usage: scripts/bench siplog on FILE"
        asterisk_siplog_off
        file=$(realpath -m "$2")
        asterisk_console "logger add channel $file verbose" > /dev/null
        asterisk_console "pjsip set logger on" > /dev/null
        echo "$file" > "$RUN/siplog"
        ;;
    off) asterisk_siplog_off ;;
    *) die "usage: scripts/bench siplog on FILE | off" ;;
    esac
}

asterisk_siplog_off() {
    [ -e "$RUN/siplog" ] || return 0
    asterisk_console "pjsip set logger off" > /dev/null
    asterisk_console "logger remove channel $(cat "$RUN/siplog")" > /dev/null
    rm -f "$RUN/siplog"
}
