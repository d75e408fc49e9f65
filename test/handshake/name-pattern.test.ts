import t from 'tap';
import { matchesName } from '../../src/handshake/name-pattern.js';

t.test('names and what is below them, by whole labels', async (t) => {
  const table: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
    ['example.com', 'example.com', true],
    ['example.com', 'a.example.com', false],
    ['example.com', 'example.com.evil.example', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'badexample.com', false],
    ['*.example.com', 'a.example.com.evil.example', false],
    ['*.example.com', 'a.example.co', false],
    ['*.example.com', '*.example.com', true],
    ['*example.com', 'a.example.com', false],
  ];
  for (const [pattern, name, matches] of table)
    t.equal(matchesName(pattern, name), matches, `${pattern}: ${name}`);
});
