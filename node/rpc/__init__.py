"""What a node answers: JSON-RPC over HTTP and WebSocket, and the stream of events."""
