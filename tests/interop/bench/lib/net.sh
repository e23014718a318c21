# Three network namespaces on 198.18.0.0/15, the range for benchmarks (RFC 2544). Nothing is routed out.
#
#   ua   wlan0  198.18.1.10 --- pbx 198.18.1.1     default route, metric 100
#   ua   rmnet0 198.18.2.10 --- pbx 198.18.2.1     default route, metric 200
#   far  eth0   198.18.3.10 --- pbx 198.18.3.1     the other phones: never impaired
#   roamN wlan0, rmnet0: 198.18.(10+2N).10 and 198.18.(11+2N).10, both down; one phone that changes its network
#   pbx  core0  198.18.0.1 Asterisk, 198.18.0.2 the G.711 customer

net_up() {
    local ns
    for ns in "$PBX" "$UA" "$FAR" "${ROAM[@]}"; do
        ip netns add "$ns"
        ip -n "$ns" link set lo up
        ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.conf.all.rp_filter=0
        net_names "$ns"
    done
    # A contact on a dead WebSocket goes when TCP gives up; the default of 15 retries takes 15 minutes.
    ip netns exec "$PBX" sysctl -qw net.ipv4.ip_forward=0 net.ipv4.tcp_retries2=5
    ip -n "$PBX" link add core0 type bridge
    ip -n "$PBX" link set core0 up
    ip -n "$PBX" addr add $PBX_ADDRESS/24 dev core0
    ip -n "$PBX" addr add $CUSTOMER_ADDRESS/24 dev core0
    net_wire "$UA" wlan0 1 100
    net_wire "$UA" rmnet0 2 200
    net_wire "$FAR" eth0 3 100
    local n=0
    for ns in "${ROAM[@]}"; do
        n=$((n + 1))
        net_plug "$ns" wlan0 $((10 + 2 * n))
        net_plug "$ns" rmnet0 $((11 + 2 * n))
    done
}

# net_wire NAMESPACE INTERFACE SUBNET METRIC
net_wire() {
    net_plug "$1" "$2" "$3"
    ip -n "$1" addr add "198.18.$3.10/24" dev "$2"
    ip -n "$1" link set "$2" up
    ip -n "$1" route add default via "198.18.$3.1" metric "$4"
}

# net_plug NAMESPACE INTERFACE SUBNET: a link whose near end is down.
net_plug() {
    ip link add "$2" netns "$1" type veth peer name "to-$3" netns "$PBX"
    ip -n "$PBX" addr add "198.18.$3.1/24" dev "to-$3"
    ip -n "$PBX" link set "to-$3" up
}

# `ip netns exec` lays these over the files of /etc. Nobody answers DNS: other names fail at once.
net_names() {
    mkdir -p "/etc/netns/$1"
    printf '127.0.0.1 localhost\n%s %s\n' $PBX_ADDRESS $HOST > "/etc/netns/$1/hosts"
    echo "nameserver $PBX_ADDRESS" > "/etc/netns/$1/resolv.conf"
}

net_down() {
    local ns pids
    for ns in "$UA" "$FAR" "${ROAM[@]}" "$PBX"; do
        [ -e "/run/netns/$ns" ] || continue
        pids=$(ip netns pids "$ns")
        [ -z "$pids" ] || kill $pids 2> /dev/null || true
        for _ in {1..20}; do
            pids=$(ip netns pids "$ns")
            [ -n "$pids" ] || break
            sleep 0.1
        done
        [ -z "$pids" ] || kill -9 $pids 2> /dev/null || true
        ip netns del "$ns"
    done
    for ns in "$UA" "$FAR" "${ROAM[@]}" "$PBX"; do
        rm -rf "/etc/netns/$ns"
    done
    rmdir --ignore-fail-on-non-empty /etc/netns 2> /dev/null || true
}

# A link that goes down loses its routes, as a phone's does when Wi-Fi goes.
net_link() {
    local subnet metric
    case ${1:-} in
    wlan0) subnet=1 metric=100 ;;
    rmnet0) subnet=2 metric=200 ;;
    *) die "usage: scripts/bench link wlan0|rmnet0 up|down" ;;
    esac
    case ${2:-} in
    up)
        ip -n "$UA" addr replace "198.18.$subnet.10/24" dev "$1"
        ip -n "$UA" link set "$1" up
        ip -n "$UA" route replace default via "198.18.$subnet.1" metric $metric
        ;;
    down)
        ip -n "$UA" addr flush dev "$1"
        ip -n "$UA" link set "$1" down
        ;;
    *) die "usage: scripts/bench link wlan0|rmnet0 up|down" ;;
    esac
}
