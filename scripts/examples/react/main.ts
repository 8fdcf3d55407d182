// `npm run example:react`: the example on http://localhost:3000, whose pages the service lets in (`corsOrigin`).

import { serveExample } from './serve.ts';

const { url } = await serveExample(3000);
console.log(`The example is on ${url}; it shows the service on http://localhost:3001. Ctrl+C ends it.`);
