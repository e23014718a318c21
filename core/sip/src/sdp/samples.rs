//! Descriptions as they were seen on the wire or from the stack, with the addresses of documentation.

/// Asterisk 22, `webrtc=yes`: a candidate per address, hash name in upper case, two telephone-events.
pub(super) const ASTERISK_OFFER: &str = "v=0\r
o=- 1763999101 1763999101 IN IP4 192.0.2.20\r
s=Asterisk\r
c=IN IP4 192.0.2.20\r
t=0 0\r
a=msid-semantic:WMS *\r
a=group:BUNDLE audio-0\r
m=audio 14568 UDP/TLS/RTP/SAVPF 107 0 8 101 103\r
a=connection:new\r
a=setup:actpass\r
a=fingerprint:SHA-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF\r
a=ice-ufrag:5f6d4b0a2f3d7c1e\r
a=ice-pwd:3a1f0e2d4c5b6a79788796a5b4c3d2e1\r
a=candidate:Hc0000214 1 UDP 2130706431 192.0.2.20 14568 typ host\r
a=candidate:Hc6336414 1 UDP 2130706431 198.51.100.20 14568 typ host\r
a=candidate:Hcb007114 1 UDP 2130706431 203.0.113.20 14568 typ host\r
a=candidate:Ha000014 1 UDP 2130706431 10.0.0.20 14568 typ host\r
a=candidate:Ha000114 1 UDP 2130706431 10.0.1.20 14568 typ host\r
a=candidate:Hac110001 1 UDP 2130706431 172.17.0.1 14568 typ host\r
a=candidate:H2a8c1f01 1 UDP 2130706431 2001:db8::20 14568 typ host\r
a=rtpmap:107 opus/48000/2\r
a=fmtp:107 useinbandfec=1\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:101 telephone-event/48000\r
a=fmtp:101 0-16\r
a=rtpmap:103 telephone-event/8000\r
a=fmtp:103 0-16\r
a=ptime:20\r
a=maxptime:60\r
a=sendrecv\r
a=rtcp-mux\r
a=ssrc:1325896113 cname:8b0c4d2a-3f4f-4a44-9d6b-0c0b6c0e8f4e\r
a=msid:1c8d6c31-6c9c-4a9b-8a3f-0c7f6a9b5c11 9f0d4b86-26f5-4a1e-8b86-5f2c1a6d7e33\r
a=rtcp-fb:* transport-cc\r
a=mid:audio-0\r
";

/// FreeSWITCH, calling a WebRTC endpoint: no `mid`, no BUNDLE, `RTP/SAVPF`, two components,
/// comfort noise, an `fmtp` with spaces.
pub(super) const FREESWITCH_OFFER: &str = "v=0\r
o=FreeSWITCH 1763970455 1763970456 IN IP4 203.0.113.9\r
s=FreeSWITCH\r
c=IN IP4 203.0.113.9\r
t=0 0\r
a=msid-semantic: WMS 8ZLmO1LmEFQXkkbOPkwWgSzoyFNfxbkf\r
m=audio 24612 RTP/SAVPF 102 9 0 8 103 101 13\r
a=rtpmap:102 opus/48000/2\r
a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10; maxptime=40\r
a=rtpmap:9 G722/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:103 telephone-event/48000\r
a=fmtp:103 0-15\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-15\r
a=rtpmap:13 CN/8000\r
a=fingerprint:sha-256 0E:5B:9C:64:52:D7:1D:3B:D7:1E:2B:8F:1C:64:96:1D:55:6B:1C:0A:0E:5B:9C:64:52:D7:1D:3B:D7:1E:2B:8F\r
a=setup:actpass\r
a=rtcp-mux\r
a=rtcp:24612 IN IP4 203.0.113.9\r
a=ssrc:2981440391 cname:aQ6M0xSWkGNnuQzp\r
a=ssrc:2981440391 msid:8ZLmO1LmEFQXkkbOPkwWgSzoyFNfxbkf a0\r
a=ssrc:2981440391 mslabel:8ZLmO1LmEFQXkkbOPkwWgSzoyFNfxbkf\r
a=ssrc:2981440391 label:8ZLmO1LmEFQXkkbOPkwWgSzoyFNfxbkfa0\r
a=ice-ufrag:5bzRXpXkrhsj2ybe\r
a=ice-pwd:Bh4ZFbLTKgFHpvyyOgdnCXIy\r
a=candidate:5302361085 1 udp 659136 203.0.113.9 24612 typ host generation 0\r
a=candidate:5302361085 2 udp 659136 203.0.113.9 24612 typ host generation 0\r
a=ptime:20\r
";

/// Chromium with microphone, camera and data channel: much that is not audio of ours.
pub(super) const CHROMIUM_OFFER: &str = "v=0\r
o=- 4611731400430051336 2 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0 1 2\r
a=extmap-allow-mixed\r
a=msid-semantic: WMS 2d1f0e6e-5ad9-4d4e-9f6b-6f1b8e0c9a11\r
m=audio 51472 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r
c=IN IP4 198.51.100.44\r
a=rtcp:9 IN IP4 0.0.0.0\r
a=candidate:1467250027 1 udp 2122260223 198.51.100.44 51472 typ host generation 0 network-id 1 network-cost 10\r
a=candidate:2077312999 1 udp 2122194687 7f2c1f0a-93cb-4f13-8a6e-1b2c3d4e5f60.local 51473 typ host generation 0 network-id 2\r
a=candidate:435653019 1 tcp 1518280447 198.51.100.44 9 typ host tcptype active generation 0 network-id 1 network-cost 10\r
a=candidate:842163049 1 udp 1686052607 203.0.113.77 51472 typ srflx raddr 198.51.100.44 rport 51472 generation 0 network-id 1 network-cost 10\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=ice-options:trickle\r
a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F\r
a=setup:actpass\r
a=mid:0\r
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r
a=sendrecv\r
a=msid:2d1f0e6e-5ad9-4d4e-9f6b-6f1b8e0c9a11 0e1a6d8e-a8a7-4ad1-8c94-5a8f2d9be6d7\r
a=rtcp-mux\r
a=rtcp-rsize\r
a=rtpmap:111 opus/48000/2\r
a=rtcp-fb:111 transport-cc\r
a=fmtp:111 minptime=10;useinbandfec=1\r
a=rtpmap:63 red/48000/2\r
a=fmtp:63 111/111\r
a=rtpmap:9 G722/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:13 CN/8000\r
a=rtpmap:110 telephone-event/48000\r
a=rtpmap:126 telephone-event/8000\r
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6\r
m=video 9 UDP/TLS/RTP/SAVPF 96 97\r
c=IN IP4 0.0.0.0\r
a=rtcp:9 IN IP4 0.0.0.0\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=ice-options:trickle\r
a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F\r
a=setup:actpass\r
a=mid:1\r
a=sendrecv\r
a=rtcp-mux\r
a=rtpmap:96 VP8/90000\r
a=rtcp-fb:96 nack pli\r
a=rtpmap:97 rtx/90000\r
a=fmtp:97 apt=96\r
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r
c=IN IP4 0.0.0.0\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F\r
a=setup:actpass\r
a=mid:2\r
a=sctp-port:5000\r
";

/// `rtc` 0.21.1 after an ICE restart with new sockets: no usable address, each candidate twice,
/// those of the dead socket (55882) still listed.
pub(super) const STACK_RESTART_OFFER: &str = "v=0\r
o=- 3971933606958283669 367288062 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=msid-semantic:WMS *\r
a=fingerprint:sha-256 6C:D9:66:D9:FA:18:87:24:C0:B6:14:CC:C0:45:19:60:2E:4C:4D:9E:A6:A0:BE:CA:1C:FF:FE:C2:2E:12:35:CC\r
a=extmap-allow-mixed\r
a=group:BUNDLE 0\r
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 101\r
c=IN IP4 0.0.0.0\r
a=setup:actpass\r
a=mid:0\r
a=ice-ufrag:DpbohjhIsHqpWBwY\r
a=ice-pwd:zJbPnUPeQLRqnyOUMzdtxzEBReGydggy\r
a=rtcp-mux\r
a=rtcp-rsize\r
a=rtpmap:111 opus/48000/2\r
a=fmtp:111 minptime=10;useinbandfec=1\r
a=rtpmap:0 PCMU/8000/1\r
a=rtpmap:101 telephone-event/48000/1\r
a=fmtp:101 0-16\r
a=msid:s t\r
a=ssrc:3735928559 cname:s\r
a=ssrc:3735928559 msid:s t\r
a=ssrc:3735928559 mslabel:s\r
a=ssrc:3735928559 label:t\r
a=sendrecv\r
a=candidate:607854466 1 udp 2130706431 192.0.2.2 55882 typ host\r
a=candidate:607854466 2 udp 2130706431 192.0.2.2 55882 typ host\r
a=candidate:607854466 1 udp 2130706431 192.0.2.2 33771 typ host\r
a=candidate:607854466 2 udp 2130706431 192.0.2.2 33771 typ host\r
a=end-of-candidates\r
";

/// `rtc` 0.21.1 answering two telephone-events: one number twice, with its lines.
pub(super) const STACK_ANSWER: &str = "v=0\r
o=- 8121933606958283669 865308214 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=fingerprint:sha-256 6C:D9:66:D9:FA:18:87:24:C0:B6:14:CC:C0:45:19:60:2E:4C:4D:9E:A6:A0:BE:CA:1C:FF:FE:C2:2E:12:35:CC\r
a=group:BUNDLE audio-0\r
m=audio 9 UDP/TLS/RTP/SAVPF 107 101 101\r
c=IN IP4 0.0.0.0\r
a=setup:active\r
a=mid:audio-0\r
a=ice-ufrag:KAkzyefUgfjQncco\r
a=ice-pwd:WsHoPXwvZnmgmlvdKjvwVCwUgsMtnYAB\r
a=rtcp-mux\r
a=rtcp-rsize\r
a=rtpmap:107 opus/48000/2\r
a=fmtp:107 minptime=10;useinbandfec=1\r
a=rtpmap:101 telephone-event/48000/1\r
a=fmtp:101 0-16\r
a=rtpmap:101 telephone-event/48000/1\r
a=fmtp:101 0-16\r
a=msid:s t\r
a=ssrc:3735928559 cname:s\r
a=ssrc:3735928559 msid:s t\r
a=sendrecv\r
a=candidate:607854466 1 udp 2130706431 192.0.2.2 55882 typ host\r
a=candidate:607854466 2 udp 2130706431 192.0.2.2 55882 typ host\r
a=candidate:2001000001 1 udp 2130706175 2001:db8::2 55883 typ host\r
a=candidate:842163049 1 udp 1694498815 203.0.113.77 55882 typ srflx raddr 192.0.2.2 rport 55882\r
";
