"""The endpoints: read and check a body, ask the engine, write the answer in the protocol's shape."""
