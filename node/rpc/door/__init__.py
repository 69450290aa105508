"""The door: HTTP, WebSocket and the event stream, who may enter and how often."""
