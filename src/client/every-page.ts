// Reads a list to its end.

/** Each page of a list: `everyPage((cursor) => client.projects({ cursor }))`. */
export async function* everyPage<Page extends { nextCursor: string | null }>(
  read: (cursor?: string) => Promise<Page>,
): AsyncGenerator<Page, void> {
  let page = await read();
  yield page;
  while (page.nextCursor !== null) {
    page = await read(page.nextCursor);
    yield page;
  }
}
