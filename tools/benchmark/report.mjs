// Reads what tools/bench measured and tells it. Ends with 1 when a promise isn't kept.
// usage: report.mjs FOLDER RUNS text|json; FOLDER/{first-key,restart,realm-web}-N/{measured.json,server.log}, N from 1;
// N = 0 is the run in which connections were counted: its `accepts` is what strace saw.
import {readFileSync} from 'node:fs';

const [folder, runs, format] = process.argv.slice(2);
const lines = (file) => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');

const read_requests = (path) => lines(`${path}/server.log`).map((line) => JSON.parse(line));

function read_run(path) {
  const {wall_us, cpu_us, peak_rss_kib} = JSON.parse(readFileSync(`${path}/measured.json`, 'utf8'));
  const requests = read_requests(path);
  const server_us = requests.reduce((sum, {microseconds}) => sum + microseconds, 0);
  return {
    wall_ms: wall_us / 1000,
    wall_less_server_ms: (wall_us - server_us) / 1000,
    cpu_ms: cpu_us / 1000,
    peak_rss_mib: peak_rss_kib / 1024,
    requests: requests.length,
  };
}

function count_connections(path) {
  const accepted = lines(`${path}/accepts`).filter((line) => /accept(4\(| resumed>|\().* = \d+$/.test(line)).length;
  if (accepted === 0 && read_requests(path).length > 0) throw new Error(`${path}/accepts: strace saw no connection`);
  return accepted;
}

function summary(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {min: sorted[0], median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2, max: sorted.at(-1)};
}

function read_subject(name) {
  const each = Array.from({length: Number(runs)}, (_, i) => read_run(`${folder}/${name}-${i + 1}`));
  const figures = Object.keys(each[0]).map((figure) => [figure, summary(each.map((run) => run[figure]))]);
  return {...Object.fromEntries(figures), connections: count_connections(`${folder}/${name}-0`)};
}

const subjects = {
  'devkeyd, first key': read_subject('first-key'),
  'realm-web, first key': read_subject('realm-web'),
  'devkeyd, restart': read_subject('restart'),
};
const [ours, theirs, restart] = Object.values(subjects);
const middle_of = (figure) => figure.median ?? figure;
const ratios = Object.fromEntries(Object.keys(ours).map((name) => [name, middle_of(ours[name]) / middle_of(theirs[name])]));

const promises = {
  'first key: at most 7 requests': ours.requests.max <= 7,
  'first key: at most 1 connection': ours.connections <= 1,
  'restart: no request': restart.requests.max === 0,
  'restart: no connection': restart.connections === 0,
};
const expectations = {
  "at most a tenth of realm-web's CPU time": ratios.cpu_ms <= 1 / 10,
  "at most a quarter of realm-web's memory": ratios.peak_rss_mib <= 1 / 4,
};

const titles = {
  wall_ms: 'wall, ms',
  wall_less_server_ms: 'wall - server, ms',
  cpu_ms: 'user+sys CPU, ms',
  peak_rss_mib: 'peak RSS, MiB',
  requests: 'requests',
  connections: 'connections',
};

function cell(name, figure) {
  const text = (number) => number.toFixed(name === 'requests' ? 0 : 1);
  return name === 'connections' ? `${figure}` : `${text(figure.min)} / ${text(figure.median)} / ${text(figure.max)}`;
}

function print_text() {
  const row = (cells) => console.log(cells.map((text, i) => (i === 0 ? text.padEnd(18) : text.padStart(23))).join(''));
  console.log(`min / median / max of ${runs} runs, interleaved; Node ${process.version}, realm-web 2.0.1\n`);
  row(['', ...Object.keys(subjects), 'first key: ratio']);
  for (const [name, title] of Object.entries(titles))
    row([title, ...Object.values(subjects).map((subject) => cell(name, subject[name])), ratios[name].toFixed(3)]);
  console.log('');
  for (const [what, kept] of Object.entries(promises)) console.log(`promise: ${what}: ${kept ? 'kept' : 'BROKEN'}`);
  for (const [what, met] of Object.entries(expectations)) console.log(`expectation: ${what}: ${met ? 'met' : 'NOT MET'}`);
}

if (format === 'json')
  console.log(JSON.stringify({version: 1, runs: Number(runs), node: process.version, subjects, ratios, promises, expectations}, null, 2));
else
  print_text();
if (!Object.values(promises).every(Boolean)) process.exitCode = 1;
