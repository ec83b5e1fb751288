"""Those who wait for sockets in asyncio loops: by futures (see `gzmtp._future`)."""
