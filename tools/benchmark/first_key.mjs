// What devkeyd does for its first key, as a script with realm-web would do it: log in, list, create a key, prove it by
// logging in with it, log out both, write it to a protected file atomically. With the fewest requests that realm-web
// allows: no profile, and one app, so that it asks for its location once.
// usage: first_key.mjs NODE-MODULES URL APP USERNAME SECRET-FILE NAME CREDENTIAL-FILE [--rotate] [--wait]
// Makes a key NAME, unless CREDENTIAL-FILE is there, which then is read. --rotate: makes one in any case, and removes the
// one before. Says 'ready'. --wait: then waits for a signal.
import {closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname} from 'node:path';

const [modules, url, id, username, secret_file, name, file, ...flags] = process.argv.slice(2);
const {App, Credentials} = createRequire(`${modules}/`)('realm-web');

function write_atomically(path, text) {
  const temporary = `${path}.new`;
  const out = openSync(temporary, 'wx', 0o600);
  writeSync(out, text);
  fsyncSync(out);
  closeSync(out);
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

const log_in = () => app.logIn(Credentials.emailPassword(username, readFileSync(secret_file, 'utf8').trim()), false);

// realm-web keeps one session for a user, and a key's is its owner's: the owner logs out before the key is proven.
async function make_key() {
  const owner = await log_in();
  const keys = await owner.apiKeys.fetchAll();
  if (keys.length >= 20 || keys.some((key) => key.name === name)) throw new Error(`no room for a key '${name}'`);
  const key = await owner.apiKeys.create(name);
  await owner.logOut();
  const device = await app.logIn(Credentials.apiKey(key.key), false);
  await device.logOut();
  write_atomically(file, JSON.stringify({version: 1, service: url, app: id, key_id: key._id, key_name: name, key: key.key}));
}

async function remove_key(key_id) {
  const owner = await log_in();
  await owner.apiKeys.delete(key_id);
  await owner.logOut();
}

const app = new App({id, baseUrl: url});
const credential = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
const rotate = flags.includes('--rotate');
if (!credential || rotate) await make_key();
if (credential && rotate) await remove_key(credential.key_id);
console.log('ready');
if (flags.includes('--wait')) setInterval(() => {}, 2 ** 30);
