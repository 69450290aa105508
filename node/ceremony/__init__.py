"""How several shops begin one chain together without trusting one computer; pure."""
