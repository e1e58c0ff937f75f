// Reads what tools/bench measured and tells it as one table in Markdown. Ends with 1 when a promise isn't kept.
// usage: report.mjs FOLDER RUNS ROTATIONS ROTATIONS-UNDER-MEMCHECK text|json
import {execFileSync} from 'node:child_process';
import {readFileSync, statSync} from 'node:fs';
import {release} from 'node:os';

const [folder, ...numbers] = process.argv.slice(2, 6);
const [runs, rotations, memcheck_rotations] = numbers.map(Number);
const format = process.argv[6];
const subjects = ['devkeyd', 'bare', 'realm-web'];

const text = (file) => readFileSync(`${folder}/${file}`, 'utf8').trim();
const number = (file) => Number(text(file));
const numbers_in = (file) => text(file).split(' ').map(Number);
const json = (file) => JSON.parse(text(file));
const requests = (path) => text(`${path}/server.log`).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

/// The medians of a program's runs.
function read_runs(name) {
  const each = Array.from({length: runs}, (_, i) => {
    const path = `${name}-${i + 1}`;
    const first = json(`${path}/first/measured.json`);
    const start = json(`${path}/start.json`);
    const server_us = requests(`${path}/first`).reduce((sum, {microseconds}) => sum + microseconds, 0);
    return {
      rss_mb: (first.rss_kib * 1024) / 1e6,
      pss_mb: (first.pss_kib * 1024) / 1e6,
      anonymous_mb: (first.anonymous_kib * 1024) / 1e6,
      start_pss_mb: (start.pss_kib * 1024) / 1e6,
      start_ms: start.wall_us / 1000,
      start_cpu_ms: start.cpu_us / 1000,
      first_ms: (first.wall_us - server_us) / 1000,
      first_cpu_ms: first.cpu_us / 1000,
    };
  });
  return Object.fromEntries(Object.keys(each[0]).map((figure) => [figure, median(each.map((run) => run[figure]))]));
}

function read_traffic(path) {
  const {handshakes, connections, bytes_sent, bytes_received} = json(`${path}/traffic.json`);
  if (handshakes !== connections) throw new Error(`${path}: ${connections} connections, but ${handshakes} handshakes`);
  return {requests: requests(path).length, handshakes, bytes: bytes_sent + bytes_received};
}

function read_subject(name) {
  const counted = `${name}-counted`;
  const [first, start, rotation] = ['first', 'start', 'rotation'].map((phase) => read_traffic(`${counted}/${phase}`));
  const [[sleeps_before, since], [sleeps_after, until]] = ['before', 'after'].map((when) => numbers_in(`${name}-sleeps-${when}`));
  return {
    binary_mb: statSync(text(`${name}-binary`)).size / 1e6,
    ...read_runs(name),
    first,
    start,
    rotation,
    instructions_m: number(`${name}-instructions/instructions`) / 1e6,
    wakes: sleeps_after - sleeps_before,
    idle_s: until - since,
  };
}

/// What memcheck found to be in use beyond what was, lost or not, in bytes.
function read_increase() {
  const kinds = [...text('devkeyd-memcheck/increase').matchAll(/(?:lost|still reachable): [\d,]+ \(([+-][\d,]+)\) bytes/g)];
  if (kinds.length !== 4) throw new Error(`not what vgdb's leak_check tells: ${text('devkeyd-memcheck/increase')}`);
  return kinds.reduce((sum, [, more]) => sum + Number(more.replaceAll(',', '')), 0);
}

const [devkeyd, bare, web] = subjects.map(read_subject);
const openssl = execFileSync('openssl', ['version'], {encoding: 'utf8'}).split(' ')[1];
const versions = {node: process.version, openssl, linux: release()};
const next_alarm_s = number('next-alarm');
const increase = read_increase();
const growth_kib = number('anonymous-after') - number('anonymous-before');
const load = json('load.json');

/// What doesn't depend on the machine's speed: a promise that isn't kept is a failure.
const promises = {
  'first key: at most 7 requests': devkeyd.first.requests <= 7,
  'first key: 1 handshake': devkeyd.first.handshakes === 1,
  'start with a healthy state: no request, no connection': devkeyd.start.requests === 0 && devkeyd.start.handshakes === 0,
  'rotation: at most 8 requests, with the removal of the old key': devkeyd.rotation.requests <= 8,
  'rotation: 1 handshake': devkeyd.rotation.handshakes === 1,
  'idle: 0 wake-ups': devkeyd.wakes === 0,
  'idle: no timer is set to less than an hour': next_alarm_s >= 3600,
  [`${memcheck_rotations} rotations under memcheck: less than a byte more in use for each`]: increase < memcheck_rotations,
};
const goals = {
  'PSS ≤ 4.0 MB when idle': devkeyd.pss_mb <= 4.0,
  'binary ≤ 2 MB': devkeyd.binary_mb <= 2,
  "READY with a healthy state ≤ 5 ms after the bare client's start": devkeyd.start_ms - bare.start_ms <= 5,
  "CPU time of the first key ≤ 1.5 times the bare client's": devkeyd.first_cpu_ms <= 1.5 * bare.first_cpu_ms,
};

/// Title, how a program's figure is shown.
const traffic = (phase) => [
  [`${phase}: requests`, (subject) => subject[phase].requests],
  [`${phase}: bytes on the wire`, (subject) => subject[phase].bytes],
  [`${phase}: handshakes`, (subject) => subject[phase].handshakes],
];
const fixed = (name, digits) => (subject) => subject[name].toFixed(digits);
const rows = [
  ['binary, MB', fixed('binary_mb', 2)],
  ['RSS, MB', fixed('rss_mb', 1)],
  ['PSS, MB', fixed('pss_mb', 1)],
  ['anonymous memory, MB', fixed('anonymous_mb', 1)],
  ['PSS at a start with a healthy state, MB', fixed('start_pss_mb', 1)],
  ['start to READY with a healthy state, ms', fixed('start_ms', 1)],
  ['CPU time of a start with a healthy state, ms', fixed('start_cpu_ms', 1)],
  ["start to first key, less the server's time, ms", fixed('first_ms', 1)],
  ['CPU time of the first key, ms', fixed('first_cpu_ms', 1)],
  ['CPU instructions of the first key, millions', fixed('instructions_m', 1)],
  ...['first', 'rotation', 'start'].flatMap(traffic),
  ['wake-ups per hour when idle', ({wakes, idle_s}) => Math.round((wakes * 3600) / idle_s)],
];
const rows_of_rotations = [
  [`anonymous memory more after ${rotations} rotations, kB`, ((growth_kib * 1024) / 1000).toFixed(0), '–', '–'],
  [`memory in use more after ${memcheck_rotations} rotations, bytes`, increase, '–', '–'],
];
const server_row = (title, {per_second, count, p99_ms}) => `${title}: ${per_second} per second, 99 % of ${count} within ${p99_ms} ms`;

function print_table() {
  const cells = [['', 'devkeyd', 'bare OpenSSL', 'Node, realm-web'], ...rows.map(([title, show]) => [title, ...[devkeyd, bare, web].map(show)]), ...rows_of_rotations];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => `${row[column]}`.length)));
  const line = (row) => `| ${row.map((cell, i) => (i === 0 ? `${cell}`.padEnd(widths[i]) : `${cell}`.padStart(widths[i]))).join(' | ')} |`;
  const [head, ...body] = cells.map(line);
  console.log([head, `|${widths.map((width, i) => '-'.repeat(width + 1) + (i === 0 ? '-' : ':')).join('|')}|`, ...body].join('\n'));
}

function print_text() {
  print_table();
  console.log(`\nNode ${versions.node}, OpenSSL ${versions.openssl}, Linux ${versions.linux}; ${runs} runs; devkeyd was idle for ${devkeyd.idle_s} s\n`);
  for (const [what, kept] of Object.entries(promises)) console.log(`promise: ${what}: ${kept ? 'kept' : 'BROKEN'}`);
  for (const [what, met] of Object.entries(goals)) console.log(`goal: ${what}: ${met ? 'met' : 'NOT MET'}`);
  console.log(`\ndevkey-server with ${load.clients} clients at once`);
  console.log(server_row('key creates (each removed again)', load.creates));
  console.log(server_row('log-ins with a key', load.key_log_ins));
  console.log(server_row('log-ins with a password', load.password_log_ins));
}

if (format === 'json')
  console.log(
    JSON.stringify(
      {version: 3, versions, runs, rotations, subjects: {devkeyd, bare, 'realm-web': web}, growth_kib, memcheck_rotations, increase, next_alarm_s, promises, goals, load},
      null,
      2,
    ),
  );
else
  print_text();
if (increase >= memcheck_rotations) console.error(text('devkeyd-memcheck/increase'));
if (!Object.values(promises).every(Boolean)) process.exitCode = 1;
