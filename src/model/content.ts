// How the content of a file is handed from room to room.

/** All bytes at once, or piece by piece where that would take too much memory: then to be read once. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;
