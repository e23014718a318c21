# A bad link for the namespace `ua`: delay, jitter and loss by NFQUEUE, silence by DROP.

impair_on() {
    local pair text=
    for pair in "$@"; do
        [[ $pair =~ ^(delay|jitter|loss|burst)=[0-9]+([.][0-9]+)?$ ]] || die "not an impairment: $pair"
        text+="$pair "
    done
    # Renamed into place: the program must never read half a line.
    echo "$text" > "$RUN/impair.new"
    mv "$RUN/impair.new" "$RUN/impair"
    if impair_pid > /dev/null; then
        sleep 0.15 # the program looks at the file ten times a second
        return
    fi
    ip netns exec "$UA" setsid "$TOOLS/impair" 1 2 "$RUN/impair" < /dev/null > "$LOG/impair-$UA" 2>&1 9>&- &
    for _ in {1..50}; do
        ! ip netns exec "$UA" grep -q '^ *2 ' /proc/net/netfilter/nfnetlink_queue 2> /dev/null || break
        sleep 0.02
    done
    ip netns exec "$UA" iptables -A INPUT ! -i lo -j NFQUEUE --queue-num 1 --queue-bypass
    ip netns exec "$UA" iptables -A OUTPUT ! -o lo -j NFQUEUE --queue-num 2 --queue-bypass
}

impair_off() {
    local pid
    ip netns exec "$UA" iptables -D INPUT ! -i lo -j NFQUEUE --queue-num 1 --queue-bypass 2> /dev/null || true
    ip netns exec "$UA" iptables -D OUTPUT ! -o lo -j NFQUEUE --queue-num 2 --queue-bypass 2> /dev/null || true
    # Packets still held are lost when the program ends: let the longest delay pass.
    if pid=$(impair_pid); then
        sleep "$(sed -n 's/.*delay=\([0-9.]*\).*/\1/p' "$RUN/impair" | awk '{ print $1 / 1000 + 0.05 }')"
        kill "$pid"
    fi
    rm -f "$RUN/impair"
}

impair_pid() {
    local pid
    for pid in $(ip netns pids "$UA"); do
        [ "$(readlink "/proc/$pid/exe")" = "$TOOLS/impair" ] && echo "$pid" && return
    done
    return 1
}

impair_status() {
    cat "$RUN/impair" 2> /dev/null || echo none
    ip netns exec "$UA" iptables -S BLACKHOLE 2> /dev/null | sed -n 's/^-A BLACKHOLE/  lost:/p' || true
}

# Packets are dropped where they arrive, at both ends: a rule on OUTPUT would tell the sender (EPERM).
blackhole() {
    local usage="usage: scripts/bench blackhole PORT... | heal PORT... | sockets | on | off" port protocol how=-A
    [ $# -ge 1 ] || die "$usage"
    case $1 in
    on) blackhole_rule -A; return ;;
    off)
        ip netns exec "$UA" iptables -F BLACKHOLE 2> /dev/null || true
        ip netns exec "$PBX" iptables -F BLACKHOLE 2> /dev/null || true
        return
        ;;
    heal) how=-D; shift ;;
    sockets)
        set -- $(ip netns exec "$UA" ss -Htn state established | awk '{ sub(/.*:/, "", $3); print $3 }')
        [ $# -ge 1 ] || die "no phone in ua has a TCP connection"
        ;;
    esac
    for port in "$@"; do
        [[ $port =~ ^[0-9]+$ ]] || die "$usage"
    done
    for port in "$@"; do
        for protocol in tcp udp; do
            blackhole_rule $how "$protocol" "$port"
        done
    done
    echo "$*"
}

# blackhole_rule -A | -D [PROTOCOL PORT]
blackhole_rule() {
    local ns side
    for ns in "$UA" "$PBX"; do
        if ! ip netns exec "$ns" iptables -n -L BLACKHOLE > /dev/null 2>&1; then
            ip netns exec "$ns" iptables -N BLACKHOLE
            ip netns exec "$ns" iptables -I INPUT -j BLACKHOLE
        fi
        side=--dport
        [ "$ns" = "$UA" ] || side=--sport
        if [ $# -eq 3 ]; then
            ip netns exec "$ns" iptables "$1" BLACKHOLE -p "$2" $side "$3" -j DROP
        elif [ "$ns" = "$UA" ]; then
            ip netns exec "$ns" iptables "$1" BLACKHOLE ! -i lo -j DROP
        else
            ip netns exec "$ns" iptables "$1" BLACKHOLE -s 198.18.1.0/24 -j DROP
            ip netns exec "$ns" iptables "$1" BLACKHOLE -s 198.18.2.0/24 -j DROP
        fi
    done
}
