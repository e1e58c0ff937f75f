// What the checks stand on: realm-web's apps, each with a memory of its own; the server's own commands; and a record of
// every answer, so that the end of the run can tell whether every call and every error was really met.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHmac, createSign, generateKeyPairSync} from 'node:crypto';
import {createRequire} from 'node:module';

const {DEVKEY_SERVER, DEVKEY_DB, NODE_MODULES} = process.env;
export const url = process.env.DEVKEY_URL;
export const Realm = createRequire(`${NODE_MODULES}/`)('realm-web');
export const realm_web_version = createRequire(`${NODE_MODULES}/`)('realm-web/package.json').version;
export const {Credentials} = Realm;

let checks = 0;
export const number_of_checks = () => checks;
// node:assert, counted.
export const check = new Proxy(assert, {
  get: (_, name) => (...values) => (++checks, assert[name](...values)),
});

// ---- the server's own commands ----

export function command(words, input = '') {
  return execFileSync(DEVKEY_SERVER, ['--db', DEVKEY_DB, ...words], {input, encoding: 'utf8'});
}

// ---- the record ----

const calls = [
  ['location', 'GET', /^\/app\/[^/]+\/location$/],
  ['log-in', 'POST', /^\/app\/[^/]+\/auth\/providers\/[^/]+\/login$/],
  ['register', 'POST', /^\/app\/[^/]+\/auth\/providers\/local-userpass\/register$/],
  ['profile', 'GET', /^\/auth\/profile$/],
  ['refresh', 'POST', /^\/auth\/session$/],
  ['log-out', 'DELETE', /^\/auth\/session$/],
  ['create', 'POST', /^\/auth\/api_keys$/],
  ['list', 'GET', /^\/auth\/api_keys$/],
  ['get', 'GET', /^\/auth\/api_keys\/[^/]+$/],
  ['enable', 'PUT', /^\/auth\/api_keys\/[^/]+\/enable$/],
  ['disable', 'PUT', /^\/auth\/api_keys\/[^/]+\/disable$/],
  ['remove', 'DELETE', /^\/auth\/api_keys\/[^/]+$/],
];
export const call_names = calls.map(([name]) => name);

function name_of(method, address) {
  const path = new URL(address).pathname.replace('/api/client/v2.0', '');
  return (calls.find(([, m, pattern]) => m === method && pattern.test(path)) ?? ['no call of the contract'])[0];
}

// Each answer as {call, by, status, code, headers, body}; `by` is who sent the request: realm-web or plain fetch.
export const answers = [];
export const last = () => answers.at(-1);

async function note(by, method, address, response) {
  const text = await response.clone().text();
  const type = response.headers.get('content-type');
  const body = text === '' ? null : JSON.parse(text);
  const answer = {call: name_of(method, address), by, status: response.status, code: body?.error_code ?? null, body,
                  headers: response.headers};
  answers.push(answer);
  // The manners that strict clients need: exactly this type with a body, none without.
  check.equal(type, text === '' ? null : 'application/json', `content type of ${answer.call} ${answer.status}`);
  if (response.status >= 400 && body) check.equal(typeof body.error, 'string', `error text of ${answer.call}`);
}

async function noted_fetch(address, options) {
  const response = await fetch(address, options);
  await note('realm-web', options.method, address, response);
  return response;
}

// ---- clients ----

let apps = 0;
// An app of realm-web with a storage of its own: by default they share one, and would share sessions.
export function app(id = 'devices') {
  const storage = Realm.getEnvironment().defaultStorage.prefix(`app-${++apps}`);
  return new Realm.App({id, baseUrl: url, fetch: noted_fetch, storage});
}

export const log_in = (credentials, id) => app(id).logIn(credentials);

let owners = 0;
export const password = 'correct horse battery';
// A new owner, made by `user add`; its name.
export function new_owner() {
  const name = `owner-${++owners}@example.com`;
  command(['user', 'add', 'devices', name], password);
  return name;
}
export const owner = (name = new_owner()) => log_in(Credentials.emailPassword(name, password));

// For what realm-web can't be brought to send. Throws like realm-web: an error with statusCode and errorCode.
export async function plain(method, path, {token, body, headers = {}} = {}) {
  const address = `${url}/api/client/v2.0${path}`;
  const authorization = token === undefined ? {} : {Authorization: `Bearer ${token}`};
  const response = await fetch(address, {method, body, headers: {...authorization, ...headers}});
  await note('plain fetch', method, address, response);
  const json = last().body;
  if (!response.ok)
    throw Object.assign(new Error(json?.error ?? ''), {statusCode: response.status, errorCode: json?.error_code, error: json?.error});
  return json;
}

// ---- what must be refused ----

// `call` must fail with exactly this status and error_code (null: none); with `text`, also this error.
export async function refused(call, status, code, text) {
  const error = await call().then(() => null, (thrown) => thrown);
  check.ok(error, `nothing was refused; expected ${status} ${code}`);
  if (error.statusCode === undefined) throw error;
  check.deepEqual([error.statusCode, error.errorCode ?? null], [status, code], error.message);
  if (text !== undefined) check.equal(error.error, text);
  return error;
}

// A session's calls, by name. realm-web forgets a session that was refused, so each call first brings its token back.
export const no_such_key = '0123456789abcdef01234567';
export function session_calls(user, {id = no_such_key, refreshToken = user.refreshToken} = {}) {
  const calls = {
    create: () => user.apiKeys.create('a-name'),
    list: () => user.apiKeys.fetchAll(),
    get: () => user.apiKeys.fetch(id),
    enable: () => user.apiKeys.enable(id),
    disable: () => user.apiKeys.disable(id),
    remove: () => user.apiKeys.delete(id),
    refresh: () => user.refreshAccessToken(),
    'log-out': () => user.logOut(),
  };
  const with_token = (call) => () => (Object.assign(user, {refreshToken}), call());
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, with_token(call)]));
}
export function key_calls(user, options) {
  const {refresh, 'log-out': log_out, ...keys} = session_calls(user, options);
  return keys;
}

// ---- JSON Web Tokens of a site's own service ----

export const shared_secret = 'a secret that only the site and the service know';
export const rsa = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: {type: 'spki', format: 'pem'},
  privateKeyEncoding: {type: 'pkcs8', format: 'pem'},
});

const signers = {
  HS256: (text, secret) => createHmac('sha256', secret).update(text).digest('base64url'),
  RS256: (text, key) => createSign('RSA-SHA256').update(text).sign(key, 'base64url'),
  none: () => '',
};

export function jwt(alg, key, claims) {
  const now = Math.floor(Date.now() / 1000);
  const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const text = `${part({alg, typ: 'JWT'})}.${part({sub: 'site-7', aud: 'devices', iat: now, exp: now + 60, ...claims})}`;
  return `${text}.${signers[alg](text, key)}`;
}

export const claims_of = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
