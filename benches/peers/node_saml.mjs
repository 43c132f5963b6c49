// Verifies one SAML response over and over with @node-saml/node-saml, and prints how many times and in how many seconds:
//   node node_saml.mjs MODULES FOLDER SECONDS
// MODULES is where npm installed it; FOLDER has response.b64, certificate.pem and expected.json.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, folder, seconds] = process.argv.slice(2);
const { SAML } = createRequire(join(modules, 'package.json'))('@node-saml/node-saml');
const read = (name) => readFileSync(join(folder, name), 'utf8');
const expected = JSON.parse(read('expected.json'));
const saml = new SAML({
  callbackUrl: expected.acs_url,
  issuer: expected.audience,
  audience: expected.audience,
  idpIssuer: expected.issuer,
  idpCert: read('certificate.pem'),
  entryPoint: 'https://idp.bench.test/sso',
  wantAssertionsSigned: true,
  wantAuthnResponseSigned: false,
  acceptedClockSkewMs: 180000,
});
const response = read('response.b64');

async function verifyFor(milliseconds) {
  const begun = performance.now();
  let count = 0;
  while (performance.now() - begun < milliseconds) {
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: response });
    if (profile.nameID !== expected.name_id) throw new Error(`it says ${profile.nameID}`);
    count += 1;
  }
  return [count, (performance.now() - begun) / 1000];
}

// The compiler of this language needs a while to get going.
await verifyFor(1000);
console.log((await verifyFor(Number(seconds) * 1000)).join(' '));
