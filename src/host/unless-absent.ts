// Looks for what may not be there.

/** What was found; null when nothing is there (ENOENT). Rejects with the system's error for anything else. */
export async function unlessAbsent<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
