# A STUN and TURN server beside Asterisk: coturn, on its own port 3478, over UDP alone.

TURN_USER=agent TURN_SECRET=secret-turn

turn_serve() {
    ip netns exec "$PBX" setsid turnserver -n --no-cli --no-tls --no-dtls --no-tcp --no-rfc5780 --lt-cred-mech --realm=$HOST \
        --user="$TURN_USER:$TURN_SECRET" --listening-ip=$PBX_ADDRESS --relay-ip=$PBX_ADDRESS --listening-port=3478 \
        --min-port=40000 --max-port=40999 --user-quota=100 --pidfile="$RUN/turn.pid" --userdb="$RUN/turn.db" \
        --log-file="$LOG/turn" --simple-log --no-stdout-log < /dev/null > "$LOG/turn-started" 2>&1 9>&- &
}
