"""The pages for people: rendered here, asked of the node by JSON-RPC like anybody else."""
