// A process that is killed while it writes (`write`), while it has a folder (`die`), or whenever it is told (`hold`).
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { lockFolder, temporaryBeside } from '@crosscheck/files';

const [what, folder = ''] = process.argv.slice(2);
if (what === 'write') writeFileSync(temporaryBeside(path.join(folder, 'state.safetensors')), 'half');
else await lockFolder(folder);
if (what !== 'hold') process.kill(process.pid, 'SIGKILL');
process.stdout.write('holds\n');
setInterval(() => {}, 1000);
