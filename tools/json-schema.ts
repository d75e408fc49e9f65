import * as z from 'zod';
import { type OptionTable, defaultValue, fileRows } from '../src/config/options/option.js';
import { fileSchema } from '../src/config/read-object.js';

/** The JSON Schema (draft 7, which editors know best) of a configuration file. */
export function jsonSchema(table: OptionTable): object {
  const defaults = new Map(
    fileRows(table).map(([key, option]) => [key, option.type.toJson(defaultValue(option))]),
  );
  const { $schema, ...schema } = z.toJSONSchema(fileSchema(table), {
    target: 'draft-7',
    io: 'input',
    // Zod writes no default of a value that it transforms.
    override: ({ jsonSchema: written, path: [parent, key, ...deeper] }) => {
      const value =
        parent === 'properties' && deeper.length === 0 ? defaults.get(String(key)) : undefined;
      if (value !== undefined) written.default = structuredClone(value);
    },
  });
  return { $schema, title: 'Configuration of twist', ...schema };
}
