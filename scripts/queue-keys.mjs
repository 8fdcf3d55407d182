// Prints a new key for a server of a shared queue (sqld), and a token that it takes, as lines of an .env file.
// The private half of the key is kept nowhere: for another token make both anew.

import { generateKeyPairSync, sign } from 'node:crypto';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const text = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part({ a: 'rw' })}`;
const signature = sign(null, Buffer.from(text), privateKey).toString('base64url');

console.log(`SQLD_AUTH_JWT_KEY=${publicKey.export({ format: 'jwk' }).x}`);
console.log(`SYNC_DB_AUTH_TOKEN=${text}.${signature}`);
