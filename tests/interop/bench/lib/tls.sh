# A certificate authority, the server's certificate, and three that a phone must refuse.

tls_make() {
    [ ! -e "$TLS/server.pem" ] || return 0
    rm -rf "$TLS"
    mkdir -p "$TLS"
    chmod 700 "$TLS"
    tls_authority ca "Sidetone bench"
    tls_authority unknown-ca "Nobody knows this one"
    tls_certificate server $HOST ca -1 397
    tls_certificate expired $HOST ca -30 -1
    tls_certificate wrong-host other.bench.test ca -1 397
    tls_certificate unknown $HOST unknown-ca -1 397
}

# tls_authority NAME SUBJECT
tls_authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 3650 \
        -subj "/CN=$2" -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$TLS/$1.key" -out "$TLS/$1.pem" 2> /dev/null
}

# tls_certificate NAME HOST AUTHORITY FROM_DAY TO_DAY: `openssl ca`, since `x509 -req` of OpenSSL 3.0
# cannot date a certificate into the past. NAME.pem holds the chain, NAME.key the key.
tls_certificate() {
    local work=$TLS/work
    mkdir -p "$work"
    : > "$work/index"
    cat > "$work/ca.conf" <<TEXT
[ca]
default_ca = bench
[bench]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:$2
TEXT
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
        -keyout "$TLS/$1.key" -out "$work/$1.csr" 2> /dev/null
    openssl ca -batch -notext -config "$work/ca.conf" -cert "$TLS/$3.pem" -keyfile "$TLS/$3.key" \
        -startdate "$(date -u -d "$4 days" +%Y%m%d%H%M%SZ)" \
        -enddate "$(date -u -d "$5 days" +%Y%m%d%H%M%SZ)" \
        -in "$work/$1.csr" -out "$work/$1.crt" 2> "$work/log" || { cat "$work/log" >&2; die "openssl ca failed"; }
    cat "$work/$1.crt" "$TLS/$3.pem" > "$TLS/$1.pem"
    rm -rf "$work"
}

# Asterisk has one TLS port. The rest is served here: 8441 expired, 8442 another host's name,
# 8443 an unknown authority, 8444 a good certificate on a web server that knows no WebSocket.
tls_serve() {
    local port=8441 name
    for name in expired wrong-host unknown server; do
        ip netns exec "$PBX" setsid openssl s_server -accept $PBX_ADDRESS:$port -www \
            -cert "$TLS/$name.pem" -cert_chain "$TLS/$name.pem" -key "$TLS/$name.key" \
            < /dev/null > "$LOG/tls-$port" 2>&1 9>&- &
        port=$((port + 1))
    done
}
