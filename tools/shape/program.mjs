/** The sources as a program of the TypeScript compiler, and what it knows about implementations. */
import path from 'node:path';
import ts from 'typescript';
import { walk } from './syntax.mjs';

/**
 * @typedef {object} Sources
 * @property {ts.TypeChecker} checker
 * @property {readonly ts.SourceFile[]} files
 * @property {(node: ts.Node) => string} fileOf path from the root of the file that a node is in, with `/`
 */

/**
 * @param {string} root
 * @param {ReadonlyMap<string, string>} texts by path from the root; only these are sources
 * @returns {Sources}
 */
export function compile(root, texts) {
  const options = compilerOptions(root);
  const host = ts.createCompilerHost(options);
  const byPath = new Map([...texts].map(([file, text]) => [path.resolve(root, file), text]));
  const readFile = host.readFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.getCurrentDirectory = () => root;
  host.readFile = (file) => byPath.get(path.resolve(file)) ?? readFile(file);
  host.fileExists = (file) => byPath.has(path.resolve(file)) || fileExists(file);
  // A folder that only the texts have is one too.
  host.directoryExists = () => true;
  const program = ts.createProgram([...byPath.keys()], options, host);
  return {
    checker: program.getTypeChecker(),
    files: program.getSourceFiles().filter(({ fileName }) => byPath.has(path.resolve(fileName))),
    fileOf: (node) =>
      path.relative(root, path.resolve(node.getSourceFile().fileName)).replaceAll(path.sep, '/'),
  };
}

/** @param {string} root */
function compilerOptions(root) {
  const readFile = ts.sys.readFile.bind(ts.sys);
  /** @type {{ config?: { compilerOptions?: object } }} */
  const read = ts.readConfigFile(path.join(root, 'tsconfig.json'), readFile);
  return ts.convertCompilerOptionsFromJson(read.config?.compilerOptions ?? {}, root).options;
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.ClassLikeDeclaration | ts.InterfaceDeclaration} node
 * @param {ts.SyntaxKind} keyword
 * @returns {ts.InterfaceDeclaration[]} the interfaces after `implements` or `extends`
 */
function interfacesOf(checker, node, keyword) {
  const clauses = node.heritageClauses?.filter(({ token }) => token === keyword) ?? [];
  return clauses
    .flatMap(({ types }) => types)
    .flatMap(({ expression }) => symbolAt(checker, expression)?.declarations ?? [])
    .filter(ts.isInterfaceDeclaration);
}

/**
 * The symbol itself where a name stands for an import.
 * @param {ts.TypeChecker} checker
 * @param {ts.Node} node
 */
export function symbolAt(checker, node) {
  const symbol = checker.getSymbolAtLocation(node);
  if (symbol === undefined) return undefined;
  return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
}

/**
 * @param {Sources} sources
 * @returns {Map<ts.InterfaceDeclaration, Set<ts.Node>>} the classes that say they implement an interface, or one
 *   that extends it, and the object literals that are given where it is asked for
 */
export function implementations({ checker, files }) {
  /** @type {Map<ts.InterfaceDeclaration, Set<ts.Node>>} */
  const found = new Map();
  /**
   * @param {ts.InterfaceDeclaration} declaration
   * @param {ts.Node} node
   */
  const add = (declaration, node) => {
    const known = found.get(declaration) ?? new Set();
    if (known.has(node)) return;
    found.set(declaration, known.add(node));
    for (const base of interfacesOf(checker, declaration, ts.SyntaxKind.ExtendsKeyword))
      add(base, node);
  };
  for (const file of files) {
    walk(file, (node) => {
      if (ts.isClassLike(node)) {
        for (const one of interfacesOf(checker, node, ts.SyntaxKind.ImplementsKeyword))
          add(one, node);
      } else if (ts.isObjectLiteralExpression(node)) {
        const symbol = checker.getContextualType(node)?.symbol;
        for (const one of symbol?.declarations ?? [])
          if (ts.isInterfaceDeclaration(one)) add(one, node);
      }
    });
  }
  return found;
}

/**
 * Interfaces that one class implements and nothing else. Where the two are in different folders of src, the
 * interface is what turns an arrow around: imports go one way, so that the class stands higher.
 * @param {Sources} sources
 * @returns {{ turning: string[], inOneLayer: string[] }} `Interface (file) <- Class (file)` of each
 */
export function singleImplementations(sources) {
  /** @type {string[]} */
  const turning = [];
  /** @type {string[]} */
  const inOneLayer = [];
  for (const [declaration, nodes] of implementations(sources)) {
    const [only] = nodes;
    if (nodes.size !== 1 || only === undefined || !ts.isClassLike(only)) continue;
    const from = sources.fileOf(declaration);
    const to = sources.fileOf(only);
    const line = `${declaration.name.text} (${from}) <- ${only.name?.text ?? 'a class'} (${to})`;
    (topFolder(from) === topFolder(to) ? inOneLayer : turning).push(line);
  }
  return { turning: turning.sort(), inOneLayer: inOneLayer.sort() };
}

/** @param {string} file */
function topFolder(file) {
  const parts = file.split('/');
  return parts.length > 2 ? parts[1] : '';
}
