/**
 * Targets by JSON Web Token: `wss://host/?token=eyJ...`
 *
 * Whoever hands out tokens signs them, for instance an identity provider. Its public keys are fetched from its
 * JWKS, and kept. A token says which desk its bearer may use; where a desk is stands here, so that no
 * token can lead to anywhere else.
 *
 *     JWKS_URL=https://id.example.com/.well-known/jwks.json JWT_ISSUER=https://id.example.com/ \
 *       twist serve --token-file examples/tokens-jwt/tokens.mjs --target-allow 10.0.0.0/8
 */
import process from 'node:process';
import { URL } from 'node:url';

// Why `jose`: no dependencies, all algorithms that are in use, and it refuses `none`.
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const { JWKS_URL, JWT_ISSUER, JWT_AUDIENCE = 'twist' } = process.env;
if (JWKS_URL === undefined || JWT_ISSUER === undefined)
  throw new Error('set JWKS_URL and JWT_ISSUER');

/** @type {unknown} */
const desks = JSON.parse(process.env['DESKS'] ?? '{"7":"10.0.0.7:5900"}');
const DESKS = new Map(Object.entries(/** @type {Record<string, string>} */ (desks)));

const keys = createRemoteJWKSet(new URL(JWKS_URL), { timeoutDuration: 3000 });

const CHECKS = {
  issuer: JWT_ISSUER,
  audience: JWT_AUDIENCE,
  // Of public keys only: a secret that both sides know would let twist make tokens too.
  algorithms: ['EdDSA', 'ES256', 'PS256', 'RS256'],
  // A token that never ends is a password.
  requiredClaims: ['exp'],
};

/** @type {import('twist-server').FindTarget} */
export async function findTarget({ token }) {
  if (token === null) throw unauthorized('there is no token');
  try {
    const { payload } = /** @type {{ payload: Record<string, unknown> }} */ (
      await jwtVerify(token, keys, CHECKS)
    );
    // 404 for a desk that is not there.
    return DESKS.get(String(payload['desk'])) ?? null;
  } catch (error) {
    // The keys cannot be had: that is not the client's fault, and answered with 500.
    if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) throw error;
    throw unauthorized(error.code);
  }
}

/**
 * @param {string} reason for the log; the client is told 401 and nothing more
 */
function unauthorized(reason) {
  return Object.assign(new Error(reason), {
    name: 'HandshakeError',
    rule: 'unauthorized',
    headers: { 'WWW-Authenticate': 'Bearer realm="twist"' },
    notes: { reason },
  });
}
