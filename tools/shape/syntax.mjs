/** What can be counted on the syntax of each file alone; no types are asked. */
import path from 'node:path';
import ts from 'typescript';

/** @typedef {ReadonlyMap<string, string>} Texts text of each file, by its path from the root, with `/` */

/** The one file whose exports are for users of the package. */
const ENTRY = 'src/index.ts';
/** The package, as an example or a test of it imports it. */
const PACKAGE = 'twist-server';

/**
 * @typedef {object} Import
 * @property {string} target the file, by its path from the root
 * @property {readonly string[] | null} names what is taken from it; null for all
 * @property {boolean} isTypeOnly true when nothing of it is left at run time
 */

/**
 * @param {string} file
 * @param {string} text
 */
function parse(file, text) {
  const kind = file.endsWith('.ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS;
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true, kind);
}

/**
 * Calls `visit` for each node below and including `node`.
 * @param {ts.Node} node
 * @param {(node: ts.Node) => void} visit
 */
export function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => {
    walk(child, visit);
  });
}

/** @param {string} text */
export function lineCount(text) {
  return text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/**
 * @param {Texts} sources
 * @returns {[folder: string, files: number][]} files directly in each folder, the fullest folder first
 */
export function filesInFolders(sources) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const file of sources.keys()) {
    const folder = path.posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
}

/**
 * Every `!` that is not one of an index (`bytes[i]!`), which the compiler's noUncheckedIndexedAccess asks for.
 * @param {Texts} sources
 * @returns {string[]} `file:line` of each
 */
export function nonIndexAssertions(sources) {
  /** @type {string[]} */
  const found = [];
  for (const [file, text] of sources) {
    const source = parse(file, text);
    walk(source, (node) => {
      if (!ts.isNonNullExpression(node) || ts.isElementAccessExpression(node.expression)) return;
      found.push(`${file}:${source.getLineAndCharacterOfPosition(node.end).line + 1}`);
    });
  }
  return found;
}

/**
 * @param {Texts} sources
 * @param {RegExp} pattern
 * @returns {string[]} `Name (file)` of each class and interface that is called so
 */
export function typesCalled(sources, pattern) {
  /** @type {string[]} */
  const found = [];
  for (const [file, text] of sources) {
    walk(parse(file, text), (node) => {
      if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) return;
      if (node.name !== undefined && pattern.test(node.name.text))
        found.push(`${node.name.text} (${file})`);
    });
  }
  return found;
}

/**
 * @param {string} file
 * @param {string} specifier
 * @returns {string | null} the file that is meant; null for one of Node's or of a package
 */
function targetOf(file, specifier) {
  if (specifier === PACKAGE) return ENTRY;
  if (!specifier.startsWith('.')) return null;
  const target = path.posix.join(path.posix.dirname(file), specifier);
  return file.startsWith('src/') || target.startsWith('src/')
    ? target.replace(/\.js$/, '.ts')
    : target;
}

/**
 * All imports of a file that lead to another file of the repository, in whatever way they are written; those
 * in JSDoc and in texts count too, since a build script bundles a program that is a text.
 * @param {string} file
 * @param {string} text
 * @returns {Import[]}
 */
export function importsOf(file, text) {
  /** @type {Import[]} */
  const imports = [];
  /**
   * @param {string} specifier
   * @param {readonly string[] | null} names
   * @param {boolean} isTypeOnly
   */
  const add = (specifier, names, isTypeOnly) => {
    const target = targetOf(file, specifier);
    if (target !== null) imports.push({ target, names, isTypeOnly });
  };
  walk(parse(file, text), (node) => {
    if (ts.isImportDeclaration(node)) {
      add(textOf(node.moduleSpecifier), namesOf(node), isTypeOnly(node));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(textOf(node.moduleSpecifier), exportedNames(node), node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(textOf(node.argument.literal), qualifierOf(node), true);
    } else if (ts.isCallExpression(node)) {
      // import('./a.js'), and t.mockImport('./a.js'): what is taken is seen only where it is used.
      const [first] = node.arguments;
      if (first !== undefined && /import$/i.test(node.expression.getText()))
        add(textOf(first), null, false);
    } else if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      addFromText(node.getText());
    }
  });
  if (!file.endsWith('.ts')) {
    for (const [, specifier = '', name = ''] of text.matchAll(/import\('([^']+)'\)\.(\w+)/g))
      add(specifier, [name], true);
    for (const [, names = '', specifier = ''] of text.matchAll(
      /@import \{([^}]*)\} from '([^']+)'/g,
    ))
      add(specifier, names.split(',').map(firstWord), true);
  }
  return imports;

  /** @param {string} program */
  function addFromText(program) {
    for (const [, names = '', specifier = ''] of program.matchAll(
      /import \{([^}]*)\} from '([^']+)'/g,
    ))
      imports.push({
        // A program that is bundled from a text stands where the bundler is told.
        target: specifier.replace(/^.*?(?=src\/)/, '').replace(/\.js$/, '.ts'),
        names: names.split(',').map(firstWord),
        isTypeOnly: false,
      });
  }
}

/** @param {string} text */
function firstWord(text) {
  return text.trim().split(/\s+/)[0] ?? '';
}

/** @param {ts.Node} node */
function textOf(node) {
  return ts.isStringLiteralLike(node) ? node.text : '';
}

/** @param {ts.ImportDeclaration} node */
function namesOf({ importClause }) {
  if (importClause === undefined) return [];
  const { name, namedBindings } = importClause;
  const names = name === undefined ? [] : ['default'];
  if (namedBindings === undefined) return names;
  if (ts.isNamespaceImport(namedBindings)) return null;
  return [...names, ...namedBindings.elements.map((one) => (one.propertyName ?? one.name).text)];
}

/** @param {ts.ExportDeclaration} node */
function exportedNames({ exportClause }) {
  if (exportClause === undefined || ts.isNamespaceExport(exportClause)) return null;
  return exportClause.elements.map((one) => (one.propertyName ?? one.name).text);
}

/** @param {ts.ImportTypeNode} node */
function qualifierOf({ qualifier }) {
  if (qualifier === undefined) return null;
  const [first = ''] = qualifier.getText().split('.');
  return [first];
}

/** @param {ts.ImportDeclaration} node */
function isTypeOnly({ importClause }) {
  if (importClause === undefined) return false;
  const { phaseModifier, name, namedBindings } = importClause;
  if (phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  if (name !== undefined || namedBindings === undefined) return false;
  return ts.isNamedImports(namedBindings) && namedBindings.elements.every((one) => one.isTypeOnly);
}

/**
 * Circles of imports, as the files that reach each other.
 * @param {Texts} sources
 * @returns {{ runTime: string[][], acrossFolders: string[][], inOneFolder: string[][] }} `runTime`: by imports
 *   that are left at run time; the other two by any import, and no circle of the first
 */
export function importCycles(sources) {
  const imports = new Map([...sources].map(([file, text]) => [file, importsOf(file, text)]));
  /** @param {(one: Import) => boolean} isFollowed */
  const graph = (isFollowed) =>
    new Map(
      [...imports].map(([file, list]) => [
        file,
        list.filter((one) => sources.has(one.target) && isFollowed(one)).map((one) => one.target),
      ]),
    );
  const runTime = circles(graph((one) => !one.isTypeOnly));
  const known = new Set(runTime.map((files) => files.join()));
  const all = circles(graph(() => true)).filter((files) => !known.has(files.join()));
  /** @param {readonly string[]} files */
  const isAcross = (files) => new Set(files.map((file) => path.posix.dirname(file))).size > 1;
  return {
    runTime,
    acrossFolders: all.filter(isAcross),
    inOneFolder: all.filter((files) => !isAcross(files)),
  };
}

/**
 * Tarjan's strongly connected components, those of more than one node and those that lead to themselves.
 * @param {ReadonlyMap<string, readonly string[]>} graph
 * @returns {string[][]}
 */
function circles(graph) {
  /** @type {Map<string, { index: number, low: number, isOnStack: boolean }>} */
  const states = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const found = [];
  for (const node of graph.keys()) if (!states.has(node)) visit(node);
  return found.sort((a, b) => b.length - a.length);

  /** @param {string} node */
  function visit(node) {
    const state = { index: states.size, low: states.size, isOnStack: true };
    states.set(node, state);
    stack.push(node);
    const targets = graph.get(node) ?? [];
    for (const target of targets) {
      const known = states.get(target);
      if (known === undefined) state.low = Math.min(state.low, visit(target));
      else if (known.isOnStack) state.low = Math.min(state.low, known.index);
    }
    if (state.low === state.index) {
      const members = stack.splice(stack.indexOf(node));
      for (const member of members) {
        const memberState = states.get(member);
        if (memberState !== undefined) memberState.isOnStack = false;
      }
      if (members.length > 1 || targets.includes(node)) found.push(members.sort());
    }
    return state.low;
  }
}

/**
 * Exports of the sources that no other file imports by name. Those of src/index.ts are for others.
 * @param {Texts} sources
 * @param {Texts} users files outside the sources that may import them
 * @returns {{ unused: string[], onlyByTests: string[] }} `name (file)` of each
 */
export function unusedExports(sources, users) {
  const imported = new Set();
  const importedByTests = new Set();
  for (const [file, text] of [...sources, ...users]) {
    const names = file.startsWith('test/') ? importedByTests : imported;
    for (const one of importsOf(file, text))
      if (one.target !== file)
        for (const name of one.names ?? ['*']) names.add(`${name} (${one.target})`);
  }
  /** @type {string[]} */
  const unused = [];
  /** @type {string[]} */
  const onlyByTests = [];
  for (const [file, text] of sources) {
    if (file === ENTRY) continue;
    for (const name of exportsOf(file, text)) {
      const line = `${name} (${file})`;
      const all = `* (${file})`;
      if (imported.has(line) || imported.has(all)) continue;
      const isTested = importedByTests.has(line) || importedByTests.has(all);
      (isTested ? onlyByTests : unused).push(line);
    }
  }
  return { unused, onlyByTests };
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {string[]} the names that a file exports of its own
 */
function exportsOf(file, text) {
  /** @type {Set<string>} */
  const names = new Set();
  for (const statement of parse(file, text).statements) {
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined) {
      if (statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause))
        for (const { name } of statement.exportClause.elements) names.add(name.text);
    } else if (isExported(statement)) {
      for (const name of declaredNames(statement)) names.add(name);
    }
  }
  return [...names];
}

/** @param {ts.Statement} statement */
function isExported(statement) {
  if (!ts.canHaveModifiers(statement)) return false;
  const modifiers = ts.getModifiers(statement) ?? [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

/**
 * @param {ts.Statement} statement
 * @returns {string[]}
 */
function declaredNames(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  )
    return statement.name === undefined ? [] : [statement.name.text];
  return [];
}

/**
 * @param {ts.BindingName} name
 * @returns {string[]}
 */
function boundNames(name) {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((one) => (ts.isBindingElement(one) ? boundNames(one.name) : []));
}
