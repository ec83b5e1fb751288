"""ZWS 2.0, ZeroMQ over WebSocket (RFC 45): upgrade, handshake and framing; pure."""
