import * as z from 'zod';
import { capitalized, defaultValue, fileKeyOf, type OptionTable } from './options/option.js';

/** Values by their keys in the file; options that a file does not name are absent. */
export type FileSchema = z.ZodType<Readonly<Record<string, unknown>>>;

/**
 * What a configuration file may hold: the options of the table, all optional, and `$schema`, by which
 * editors find the JSON Schema. Every other key is refused.
 */
export function fileSchema(table: OptionTable): FileSchema {
  const rows = fileKeys(table).map(([key, { kind, help, docs }]) => {
    const description = `${capitalized(help)}. ${docs.replaceAll('`', '')}`;
    return [key, kind.schema.optional().meta({ description })];
  });
  const $schema = z
    .string('give the address of a JSON Schema')
    .optional()
    .meta({ description: 'Where the JSON Schema of this file is.' });
  return z.strictObject({ $schema, ...Object.fromEntries(rows) });
}

/** The JSON Schema (draft 7, which editors know best) of a configuration file. */
export function jsonSchema(table: OptionTable): object {
  const defaults = new Map(
    fileKeys(table).map(([key, option]) => [key, option.kind.toJson(defaultValue(option))]),
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

/** The rows that a configuration file can hold, by their names there; last comes the key in the table. */
export function fileKeys(
  table: OptionTable,
): (readonly [fileKey: string, option: OptionTable[string], key: string])[] {
  return Object.entries(table)
    .filter(([, option]) => option.isFileKey !== false)
    .map(([key, option]) => [fileKeyOf(key, option), option, key]);
}
