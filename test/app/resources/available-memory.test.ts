import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { availableMemory, memoryLimit } from '../../../src/app/resources/available-memory.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const MIB = 1024 ** 2;
const MACHINE = 8192 * MIB;

/** A file system with these files. */
function rootWith(t: Test, files: Readonly<Record<string, string>>): string {
  const root = makeTempDir(t);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return root;
}

const MOUNT_V2 = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const MOUNT_V1 =
  '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n' +
  '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n';
/** What the kernel says in version 1 when there is no limit: the largest number of whole pages. */
const NO_LIMIT_V1 = '9223372036854771712\n';

t.test('without control groups it is the memory of the machine', async (t) => {
  t.equal(availableMemory(makeTempDir(t), MACHINE), MACHINE);
  t.equal(availableMemory(rootWith(t, { 'proc/self/cgroup': '0::/\n' }), MACHINE), MACHINE);
  t.ok(availableMemory() <= os.totalmem());
  t.ok(availableMemory() > 0);
});

t.test('version 2: the limit of the own group, and of each above it', async (t) => {
  const group = { 'proc/self/cgroup': '0::/system.slice/twist.service\n' };
  const base = { ...group, 'proc/self/mountinfo': MOUNT_V2 };
  const own = 'sys/fs/cgroup/system.slice/twist.service/memory.max';
  const above = 'sys/fs/cgroup/system.slice/memory.max';
  const top = 'sys/fs/cgroup/memory.max';
  for (const [files, mib] of [
    [{ [own]: `${512 * MIB}\n` }, 512],
    [{ [own]: 'max\n', [above]: `${256 * MIB}\n` }, 256],
    [{ [own]: `${512 * MIB}\n`, [above]: `${256 * MIB}\n` }, 256],
    [{ [own]: 'max\n', [top]: `${128 * MIB}\n` }, 128],
    [{ [own]: 'max\n', [above]: 'max\n' }, 8192],
    [{ [own]: `${16_384 * MIB}\n` }, 8192],
    [{ [own]: '0\n' }, 8192],
    [{}, 8192],
  ] as const) {
    const root = rootWith(t, { ...base, ...files });
    t.equal(availableMemory(root, MACHINE), mib * MIB, JSON.stringify(files));
  }
});

t.test('version 2 in a container, whose group is the root of what it sees', async (t) => {
  for (const group of ['/', '/../other', '/../../above/it']) {
    const root = rootWith(t, {
      'proc/self/cgroup': `0::${group}\n`,
      'proc/self/mountinfo': MOUNT_V2,
      'sys/fs/cgroup/memory.max': `${300 * MIB}\n`,
    });
    t.equal(availableMemory(root, MACHINE), 300 * MIB, group);
  }
});

t.test('version 1: the hierarchy that has the controller', async (t) => {
  const own = 'sys/fs/cgroup/memory/docker/c1/memory.limit_in_bytes';
  const above = 'sys/fs/cgroup/memory/docker/memory.limit_in_bytes';
  const base = {
    'proc/self/cgroup': '3:cpu:/elsewhere\n5:memory:/docker/c1\n0::/\n',
    'proc/self/mountinfo': MOUNT_V1,
  };
  for (const [files, mib] of [
    [{ [own]: `${512 * MIB}\n` }, 512],
    [{ [own]: NO_LIMIT_V1, [above]: `${100 * MIB}\n` }, 100],
    [{ [own]: NO_LIMIT_V1 }, 8192],
  ] as const) {
    const root = rootWith(t, { ...base, ...files });
    t.equal(availableMemory(root, MACHINE), mib * MIB, JSON.stringify(files));
  }
});

t.test('version 1 in a container, where only its own group is mounted', async (t) => {
  const root = rootWith(t, {
    'proc/self/cgroup': '5:cpu,memory:/docker/c1\n',
    'proc/self/mountinfo':
      '35 31 0:32 /docker/c1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': `${200 * MIB}\n`,
  });
  t.equal(availableMemory(root, MACHINE), 200 * MIB);
});

t.test('both versions beside each other; names with blanks and colons', async (t) => {
  const root = rootWith(t, {
    'proc/self/cgroup': '5:memory:/a:b\n0::/c d\n',
    'proc/self/mountinfo':
      '35 31 0:32 / /sys/fs/cgroup/me\\040mory rw - cgroup cgroup rw,memory\n' +
      '36 31 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
    'sys/fs/cgroup/me mory/a:b/memory.limit_in_bytes': `${70 * MIB}\n`,
    'sys/fs/cgroup/unified/c d/memory.max': `${80 * MIB}\n`,
  });
  t.equal(availableMemory(root, MACHINE), 70 * MIB);
});

t.test('what is no such file is passed over', async (t) => {
  const root = rootWith(t, {
    'proc/self/cgroup': 'nonsense\n\n5:memory\n0::/a\n',
    'proc/self/mountinfo': `\nnonsense - cgroup2\n31 23 0:28\n${MOUNT_V2}`,
    'sys/fs/cgroup/a/memory.max': 'many\n',
    'sys/fs/cgroup/memory.max': `${90 * MIB}\n`,
  });
  t.equal(availableMemory(root, MACHINE), 90 * MIB);
});

t.test('auto is a quarter, and 512m at most', async (t) => {
  t.equal(memoryLimit('auto', 1024 * MIB), 256 * MIB);
  t.equal(memoryLimit('auto', 2048 * MIB), 512 * MIB);
  t.equal(memoryLimit('auto', 64 * 1024 * MIB), 512 * MIB);
  t.equal(memoryLimit('auto', 1023), 255, 'whole bytes');
  t.equal(memoryLimit(7 * MIB, 1024 * MIB), 7 * MIB, 'what is set is taken as it is');
  t.ok(memoryLimit('auto') <= 512 * MIB);
});

t.test('a group outside of what is mounted: what is mounted holds', async (t) => {
  const root = rootWith(t, {
    'proc/self/cgroup': '5:memory:/docker/c2\n',
    'proc/self/mountinfo':
      '35 31 0:32 /docker/c1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': `${200 * MIB}\n`,
    'sys/fs/cgroup/c2/memory.limit_in_bytes': `${100 * MIB}\n`,
  });
  t.equal(availableMemory(root, MACHINE), 200 * MIB);
});
