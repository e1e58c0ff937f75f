// Every call and every error of the contract that a client can provoke, by realm-web (npm): a client that nobody here
// wrote. Where realm-web can't be brought to send a thing, `plain` sends it, and stands in the check's name.
// Not here: an expired session. It takes 30 minutes; tests/server turns the clock instead.
import {spawnSync} from 'node:child_process';
import {test} from 'node:test';

import {answers, app, call_names, check, claims_of, command, Credentials, jwt, key_calls, last, log_in, new_owner, no_such_key,
        number_of_checks, owner, password, plain, realm_web_version, Realm, refused, rsa, session_calls, shared_secret, url}
  from './harness.mjs';

const object_id = /^[0-9a-f]{24}$/;

for (const id of ['devices', 'rsa-devices', 'closed']) command(['app', 'create', id]);
command(['provider', 'on', 'devices', 'anon-user']);
command(['provider', 'on', 'devices', 'custom-token'], shared_secret);
command(['provider', 'on', 'rsa-devices', 'custom-token'], rsa.publicKey);
for (const provider of ['local-userpass', 'api-key']) command(['provider', 'off', 'closed', provider]);

test('it is realm-web 2.0.1, and the certificate is verified', async () => {
  check.equal(realm_web_version, '2.0.1');
  const {NODE_EXTRA_CA_CERTS, ...env} = process.env;
  check.ok(NODE_EXTRA_CA_CERTS);
  check.equal(env.NODE_TLS_REJECT_UNAUTHORIZED, undefined);
  const stranger = `fetch(${JSON.stringify(url)}).then(() => 'trusted', (error) => error.cause.code).then(console.log)`;
  const {stdout} = spawnSync(process.execPath, ['-e', stranger], {env, encoding: 'utf8'});
  check.match(stdout, /UNABLE_TO_VERIFY|SELF_SIGNED/);
});

test('location', async () => {
  check.equal(await app().locationUrl, url);
  check.deepEqual(Object.keys(last().body), ['deployment_model', 'location', 'hostname', 'ws_hostname']);
  await refused(() => app('nobodys').locationUrl, 404, 'AppNotFound');
});

test('register', async () => {
  const register = (email, password, id) => app(id).emailPasswordAuth.registerUser({email, password});
  await register('new@example.com', password);
  check.equal(last().status, 201);
  check.ok((await log_in(Credentials.emailPassword('new@example.com', password))).isLoggedIn);
  await refused(() => register('new@example.com', password), 409, 'AccountNameInUse');
  await refused(() => register('other@example.com', '12345'), 400, 'BadRequest');
  await refused(() => register('other@example.com', undefined), 400, null, "'password' is a required string");
  await refused(() => register('other@example.com', password, 'closed'), 404, null);
});

test('log in by local-userpass', async () => {
  const name = new_owner();
  const user = await owner(name);
  check.match(user.id, object_id);
  check.equal(user.providerType, 'local-userpass');
  const log_in_answer = answers.findLast(({call}) => call === 'log-in').body;
  check.deepEqual(Object.keys(log_in_answer).sort(), ['access_token', 'device_id', 'refresh_token', 'user_id']);
  check.equal(log_in_answer.device_id, '000000000000000000000000');
  for (const [type, token] of [['access', user.accessToken], ['refresh', user.refreshToken]]) {
    const claims = claims_of(token);
    check.equal(claims.typ, type);
    check.ok(Number.isInteger(claims.iat) && Number.isInteger(claims.exp) && claims.exp > claims.iat);
  }
  check.equal(claims_of(user.refreshToken).baas_identity.provider_type, 'local-userpass');
  check.deepEqual(user.customData, {});
  const wrong = await refused(() => log_in(Credentials.emailPassword(name, 'wrong password')), 401, 'InvalidPassword', 'unauthorized');
  check.ok(wrong instanceof Realm.MongoDBRealmError);
  check.ok(wrong.link.includes('co_id='));
  await refused(() => log_in(Credentials.emailPassword('nobody@example.com', password)), 401, 'InvalidPassword', 'unauthorized');
  await refused(() => log_in(Credentials.emailPassword('', password)), 400, null, "'username' is a required string");
  await refused(() => log_in(Credentials.emailPassword(name, password), 'nobodys'), 404, 'AppNotFound');
});

test('log in by custom-token: HS256 and RS256', async () => {
  const by = (token, id) => log_in(Credentials.jwt(token), id);
  const first = await by(jwt('HS256', shared_secret));
  check.equal((await by(jwt('HS256', shared_secret, {aud: ['others', 'devices']}))).id, first.id);
  check.notEqual((await by(jwt('HS256', shared_secret, {sub: 'site-8'}))).id, first.id);
  check.equal((await first.apiKeys.create('by-token')).name, 'by-token');
  const by_rsa = await by(jwt('RS256', rsa.privateKey, {aud: 'rsa-devices'}), 'rsa-devices');
  check.notEqual(by_rsa.id, first.id);
  check.equal(claims_of(by_rsa.refreshToken).baas_identity.provider_type, 'custom-token');

  const now = Math.floor(Date.now() / 1000);
  const bad = [
    jwt('HS256', 'another secret'), jwt('HS256', shared_secret, {exp: now - 60}), jwt('HS256', shared_secret, {exp: undefined}),
    jwt('HS256', shared_secret, {aud: 'others'}), jwt('HS256', shared_secret, {sub: undefined}), jwt('none', ''), 'no token at all',
    jwt('RS256', rsa.privateKey),
  ];
  for (const token of bad) await refused(() => by(token), 401, 'AuthError');
  const public_key_as_secret = jwt('HS256', rsa.publicKey.trim(), {aud: 'rsa-devices'});
  await refused(() => by(public_key_as_secret, 'rsa-devices'), 401, 'AuthError');
  await refused(() => by(''), 400, null, "'token' is a required string");
});

test('log in by anon-user: each time somebody new, who may not manage keys', async () => {
  const first = await log_in(Credentials.anonymous());
  const second = await log_in(Credentials.anonymous());
  check.match(first.id, object_id);
  check.notEqual(first.id, second.id);
  for (const call of Object.values(key_calls(first))) {
    await refused(call, 403, null);
    check.equal(last().body, null);
  }
});

test('log in by api-key: as its owner, in a session of its own, which may not manage keys', async () => {
  const user = await owner();
  const key = await user.apiKeys.create('pump-12');
  const device = await log_in(Credentials.apiKey(key.key));
  check.equal(device.id, user.id);
  check.notEqual(device.refreshToken, user.refreshToken);
  check.equal(claims_of(device.refreshToken).baas_identity.provider_type, 'api-key');
  for (const call of Object.values(key_calls(device, {id: key._id}))) await refused(call, 403, 'Forbidden');
  check.deepEqual(await user.apiKeys.fetchAll(), [{_id: key._id, name: 'pump-12', disabled: false}]);
  await refused(() => log_in(Credentials.apiKey('')), 400, null, "'key' is a required string");
});

test('log in by custom-function: unsupported', async () => {
  await refused(() => log_in(Credentials.function({pump: 12})), 404, null, "authentication via 'custom-function' is unsupported");
});

test('a provider that is off: no log-in, until it is on again', async () => {
  const name = new_owner();
  const key = await (await owner(name)).apiKeys.create('pump-12');
  const ways = {
    'local-userpass': Credentials.emailPassword(name, password),
    'api-key': Credentials.apiKey(key.key),
    'anon-user': Credentials.anonymous(),
    'custom-token': Credentials.jwt(jwt('HS256', shared_secret)),
  };
  for (const [provider, credentials] of Object.entries(ways)) {
    command(['provider', 'off', 'devices', provider]);
    await refused(() => log_in(credentials), 404, null, `authentication via '${provider}' is unsupported`);
    command(['provider', 'on', 'devices', provider], shared_secret);
    check.ok((await log_in(credentials)).isLoggedIn);
  }
});

test('profile', async () => {
  const name = new_owner();
  const user = await owner(name);
  await user.refreshProfile();
  check.equal(last().call, 'profile');
  const {user_id, domain_id, identities, data, type} = last().body;
  check.deepEqual([user_id, typeof domain_id, data, type], [user.id, 'string', {}, 'normal']);
  check.deepEqual(Object.keys(identities[0]).sort(), ['id', 'provider_id', 'provider_type']);
  check.equal(user.identities[0].providerType, 'local-userpass');
  check.deepEqual(user.profile, {});
});

test('refresh: a new access token, and the same refresh token', async () => {
  const user = await owner();
  const {accessToken, refreshToken} = user;
  await user.refreshAccessToken();
  check.equal(last().status, 201);
  check.deepEqual(Object.keys(last().body), ['access_token']);
  check.notEqual(user.accessToken, accessToken);
  check.equal(user.refreshToken, refreshToken);
  await user.refreshProfile();

  // realm-web's own way out of a worn-out access token: refused, refresh, again.
  user.accessToken = 'worn.out.token';
  const before = answers.length;
  await user.refreshProfile();
  check.deepEqual(answers.slice(before).map(({call, status, code}) => [call, status, code]),
                  [['profile', 401, 'InvalidSession'], ['refresh', 201, null], ['profile', 200, null]]);
});

test('log out: the session is dead at once; its access token and other sessions live on', async () => {
  const name = new_owner();
  const user = await owner(name);
  const other_session = await owner(name);
  const {accessToken} = user;
  const calls = session_calls(user);
  await calls['log-out']();
  check.equal(last().status, 204);
  check.equal(user.state, Realm.UserState.LoggedOut);
  for (const call of Object.values(calls)) await refused(call, 401, 'InvalidSession');
  Object.assign(user, {accessToken});
  await user.refreshProfile();
  check.deepEqual([last().call, last().status], ['profile', 200]);
  check.deepEqual(await other_session.apiKeys.fetchAll(), []);
});

test('the six key calls', async () => {
  const {apiKeys} = await owner();
  check.deepEqual(await apiKeys.fetchAll(), []);
  const key = await apiKeys.create('Pump_12-a');
  check.equal(last().status, 201);
  check.deepEqual(Object.keys(key).sort(), ['_id', 'disabled', 'key', 'name']);
  check.match(key._id, object_id);
  check.match(key.key, /^[A-Za-z0-9]{64}$/);
  const shown = {_id: key._id, name: 'Pump_12-a', disabled: false};
  check.deepEqual(await apiKeys.fetch(key._id), shown);
  check.deepEqual(await apiKeys.fetchAll(), [shown]);
  for (const [change, disabled] of [['disable', true], ['disable', true], ['enable', false], ['enable', false]]) {
    await apiKeys[change](key._id);
    check.equal(last().status, 204);
    check.deepEqual(await apiKeys.fetch(key._id), {...shown, disabled});
  }
  await apiKeys.delete(key._id);
  check.equal(last().status, 204);
  check.deepEqual(await apiKeys.fetchAll(), []);
});

test('names: unique per owner; letters, digits, _ and -; 64 of them at most', async () => {
  const {apiKeys} = await owner();
  await apiKeys.create('pump-12');
  await refused(() => apiKeys.create('pump-12'), 409, 'APIKeyAlreadyExists', 'API key with name already exists');
  check.equal((await (await owner()).apiKeys.create('pump-12')).name, 'pump-12');
  for (const name of ['pump 12', 'pump/12', 'pümp', 'pump.12', 'n'.repeat(65)])
    await refused(() => apiKeys.create(name), 400, 'InvalidParameter');
  for (const name of ['', undefined]) await refused(() => apiKeys.create(name), 400, null, "'name' is a required string");
  check.equal((await apiKeys.create('n'.repeat(64))).name.length, 64);
  check.equal((await apiKeys.fetchAll()).length, 2);
});

test('20 keys, and no 21st; disabled ones count', async () => {
  const {apiKeys} = await owner();
  for (let i = 0; i < 20; ++i) await apiKeys.create(`key-${i}`);
  const keys = await apiKeys.fetchAll();
  check.equal(keys.length, 20);
  await apiKeys.disable(keys[0]._id);
  await refused(() => apiKeys.create('key-20'), 400, 'APIKeyLimitExceeded');
  check.equal((await apiKeys.fetchAll()).length, 20);
  await apiKeys.delete(keys[0]._id);
  check.equal((await apiKeys.create('key-20')).name, 'key-20');
});

test("a missing key, and another owner's: 404, and it stays as it was", async () => {
  const user = await owner();
  const thief = await owner();
  const key = await user.apiKeys.create('pump-12');
  for (const id of [no_such_key, key._id, 'no-object-id'])
    for (const call of ['fetch', 'enable', 'disable', 'delete'])
      await refused(() => thief.apiKeys[call](id), 404, 'APIKeyNotFound');
  check.deepEqual(await user.apiKeys.fetchAll(), [{_id: key._id, name: 'pump-12', disabled: false}]);
  check.ok((await log_in(Credentials.apiKey(key.key))).isLoggedIn);
});

test('a disabled, deleted or mistyped key: AuthError, and the sessions opened with it end', async () => {
  const {apiKeys} = await owner();
  const by = (key) => log_in(Credentials.apiKey(key));
  const dead = (device) => refused(() => device.refreshAccessToken(), 401, 'InvalidSession');
  const key = await apiKeys.create('pump-12');
  await refused(() => by(key.key.slice(1)), 401, 'AuthError', 'unauthorized');
  await refused(() => log_in(Credentials.apiKey(key.key), 'rsa-devices'), 401, 'AuthError');
  let device = await by(key.key);
  await apiKeys.disable(key._id);
  await refused(() => by(key.key), 401, 'AuthError', 'unauthorized');
  await dead(device);
  await apiKeys.enable(key._id);
  device = await by(key.key);
  await apiKeys.delete(key._id);
  await refused(() => by(key.key), 401, 'AuthError', 'unauthorized');
  await dead(device);

  const lost = await apiKeys.create('lost-device');
  device = await by(lost.key);
  command(['key', 'disable', lost._id]);
  await refused(() => by(lost.key), 401, 'AuthError');
  await dead(device);
  command(['key', 'delete', lost._id]);
  await refused(() => apiKeys.fetch(lost._id), 404, 'APIKeyNotFound');
});

test('a disabled user: sessions end, neither password nor key logs in', async () => {
  const name = new_owner();
  const user = await owner(name);
  const key = await user.apiKeys.create('pump-12');
  const device = await log_in(Credentials.apiKey(key.key));
  command(['user', 'disable', 'devices', name]);
  await refused(() => device.refreshAccessToken(), 401, 'InvalidSession');
  for (const call of Object.values(key_calls(user, {id: key._id}))) await refused(call, 401, 'InvalidSession');
  await refused(() => owner(name), 401, 'UserDisabled');
  await refused(() => log_in(Credentials.apiKey(key.key)), 401, 'UserDisabled');
});

test('a token that is none, and the wrong one of the two', async () => {
  const user = await owner();
  const {accessToken, refreshToken} = user;
  const forged = jwt('HS256', shared_secret, {...claims_of(refreshToken)});
  for (const bad of [accessToken, 'garbage', 'three.part.garbage', forged])
    for (const call of Object.values(session_calls(user, {refreshToken: bad}))) await refused(call, 401, 'InvalidSession');
  // plain: realm-web would refresh and send it again.
  await refused(() => plain('GET', '/auth/profile', {token: refreshToken}), 401, 'InvalidSession');
  user.refreshToken = refreshToken;
  check.deepEqual(await user.apiKeys.fetchAll(), []);
});

test('no token at all, and an empty one', async () => {
  const user = await owner();
  const {refreshToken} = user;
  for (const call of Object.values(session_calls(user, {refreshToken: ''})))
    await refused(call, 401, null, 'expected Authorization header with JWT (Bearer schema)');
  user.refreshToken = refreshToken;
  // By realm-web's fetcher: its calls always send a token.
  for (const [method, path] of [['POST', '/auth/api_keys'], ['GET', '/auth/api_keys'], ['GET', `/auth/api_keys/${no_such_key}`],
                                ['PUT', `/auth/api_keys/${no_such_key}/enable`], ['PUT', `/auth/api_keys/${no_such_key}/disable`],
                                ['DELETE', `/auth/api_keys/${no_such_key}`], ['POST', '/auth/session'],
                                ['DELETE', '/auth/session'], ['GET', '/auth/profile']]) {
    const request = {method, path: `/api/client/v2.0${path}`, tokenType: 'none'};
    const error = await refused(() => app().fetcher.fetchJSON(request), 401, 'InvalidSession');
    check.match(error.error, /^must authenticate first/);
  }
});

test('a body that is no JSON object, or too long; a call that is none', async () => {
  const {apiKeys, functions, refreshToken} = await owner();
  // plain: realm-web sends JSON objects alone.
  const log_in_path = '/app/devices/auth/providers/local-userpass/login';
  for (const body of ['{"name":', '[]', '"pump-12"', 'null'])
    for (const path of ['/auth/api_keys', log_in_path, '/app/devices/auth/providers/local-userpass/register'])
      await refused(() => plain('POST', path, {token: refreshToken, body}), 400, 'BadRequest');
  // plain: an empty body with a JSON content type is normal.
  const headers = {'Content-Type': 'application/json'};
  await refused(() => plain('PUT', `/auth/api_keys/${no_such_key}/enable`, {token: refreshToken, headers}), 404, 'APIKeyNotFound');
  await refused(() => apiKeys.create('n'.repeat(70000)), 413, null);
  await refused(() => functions.callFunction('sum', 1, 2), 404, 'NotFound');
});

test('failed log-ins: 429 with Retry-After, for that account alone; afterwards the right password logs in', async () => {
  const name = new_owner();
  const wrong = () => log_in(Credentials.emailPassword(name, 'wrong password'));
  // Five failures are free, then there is one a minute: one more may be, where a slow machine took that long.
  let failures = 0;
  for (let status = 401; status === 401 && failures < 12; ++failures)
    status = await wrong().catch((error) => error.statusCode);
  check.ok(failures > 5 && failures < 12, `${failures} log-ins`);
  check.deepEqual([last().status, last().code], [429, 'TooManyRequests']);
  const wait = last().headers.get('retry-after');
  check.match(wait, /^[1-9][0-9]?$/);
  check.ok((await owner()).isLoggedIn);
  await new Promise((resolve) => setTimeout(resolve, 1000 * wait + 50));
  check.ok((await owner(name)).isLoggedIn);
});

// Read from the contract: what a client can provoke of each call, `-` being an error without a code.
const provocable = {
  location: ['200', '404 AppNotFound'],
  'log-in': ['200', '400 -', '400 BadRequest', '401 InvalidPassword', '401 AuthError', '401 UserDisabled', '404 -', '429 TooManyRequests'],
  register: ['201', '400 -', '400 BadRequest', '404 -', '409 AccountNameInUse'],
  profile: ['200', '401 InvalidSession'],
  refresh: ['201', '401 InvalidSession', '401 -'],
  'log-out': ['204', '401 InvalidSession', '401 -'],
  create: ['201', '400 InvalidParameter', '400 -', '400 BadRequest', '400 APIKeyLimitExceeded', '401 InvalidSession', '401 -',
           '403 Forbidden', '403 -', '409 APIKeyAlreadyExists', '413 -'],
  list: ['200', '401 InvalidSession', '401 -', '403 Forbidden', '403 -'],
};
const of_one_key = ['401 InvalidSession', '401 -', '403 Forbidden', '403 -', '404 APIKeyNotFound'];
Object.assign(provocable, {get: ['200', ...of_one_key]});
for (const call of ['enable', 'disable', 'remove']) provocable[call] = ['204', ...of_one_key];

test('all of the contract was met, by realm-web wherever it can', () => {
  check.deepEqual(Object.keys(provocable).sort(), [...call_names].sort());
  const only_plain = new Set(['log-in 400 BadRequest', 'create 400 BadRequest']);
  const outcome = ({status, code}) => (status < 400 ? `${status}` : `${status} ${code ?? '-'}`);
  for (const [call, outcomes] of Object.entries(provocable)) {
    for (const wanted of outcomes) {
      const by = only_plain.has(`${call} ${wanted}`) ? 'plain fetch' : 'realm-web';
      check.ok(answers.some((a) => a.call === call && a.by === by && outcome(a) === wanted), `${call} ${wanted} by ${by}`);
    }
    const met = new Set(answers.filter((a) => a.call === call).map(outcome));
    check.deepEqual([...met].sort(), [...outcomes].sort(), `what ${call} answered`);
  }
});

process.on('exit', () => {
  const by = (name) => answers.filter((answer) => answer.by === name).length;
  console.log(`realm-web ${realm_web_version}, Node ${process.version}: ${number_of_checks()} checks on ` +
              `${by('realm-web')} answers to realm-web and ${by('plain fetch')} to plain fetch`);
  if (number_of_checks() === 0) process.exitCode = 1;
});
