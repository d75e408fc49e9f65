/** Follows a setting through the code: by the compiler's types, over every name that it is given. */
import ts from 'typescript';
import { implementations, symbolAt } from './program.mjs';
import { walk } from './syntax.mjs';

/** @typedef {import('./program.mjs').Sources} Sources */
/** @typedef {ts.CallExpression | ts.NewExpression} Call */

/**
 * The files that name the setting, forwards from its row in the table of options: under its own name, with
 * or without its unit (`maxMessage`, `maxMessageBytes`), and under every other that its value is given by a
 * property, a variable, a parameter, or what a function returns. A calculation ends it, and so does the
 * sentence of an error, which is past the check. Then the files that hand it on unnamed, backwards from each
 * place where it is read out of an object: through that object's variables, parameters, properties and calls.
 * What holds such an object in turn is not counted, else everything that a server is made of would be.
 * @param {Sources} sources
 * @param {string} setting its key in the table of options
 * @returns {{ named: string[], carried: string[] }} `carried`: those that hand it on and do not name it
 */
export function filesOfSetting(sources, setting) {
  const links = linksOf(sources);
  const way = follow(sources, links, setting);
  const { tracked } = way;
  const named = new Set([...tracked].map(sources.fileOf));
  const carried = carriers(sources, links, way);
  return {
    named: [...named].sort(),
    carried: [...carried].filter((file) => !named.has(file)).sort(),
  };
}

/**
 * @typedef {object} Links
 * @property {Map<ts.Node, Call[]>} calls by the declaration that is called
 * @property {Map<ts.Node, ts.Expression[]>} writes by the declaration of the property or variable
 * @property {Map<ts.Node, Set<ts.Node>>} bodies by the declaration of a method or a function's type: what can be
 *   called by it
 * @property {Map<ts.Node, Set<ts.Node>>} types the same backwards
 */

/**
 * @param {Sources} sources
 * @returns {Links}
 */
function linksOf(sources) {
  const { checker, files } = sources;
  /** @type {Links} */
  const links = { calls: new Map(), writes: new Map(), bodies: new Map(), types: new Map() };
  for (const [declaration, nodes] of implementations(sources)) {
    for (const member of declaration.members) {
      for (const node of nodes) {
        const body = memberCalled(node, member.name?.getText());
        const type = calledType(member);
        if (body !== undefined) linkBody(links, type, body);
      }
    }
  }
  for (const file of files) {
    walk(file, (node) => {
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        const declaration = checker.getResolvedSignature(node)?.declaration;
        if (declaration !== undefined) listAt(links.calls, declaration).push(node);
      }
      const target = writtenBy(checker, node);
      for (const { declarations, value } of target)
        for (const one of declarations) listAt(links.writes, one).push(value);
      const body = bodyOf(checker, node);
      if (body === undefined || !ts.isExpression(node)) return;
      for (const signature of checker.getContextualType(node)?.getCallSignatures() ?? [])
        if (signature.declaration !== undefined && signature.declaration !== body)
          linkBody(links, signature.declaration, body);
    });
  }
  return links;
}

/**
 * @param {Links} links
 * @param {ts.Node} type
 * @param {ts.Node} body
 */
function linkBody({ bodies, types }, type, body) {
  setAt(bodies, type).add(body);
  setAt(types, body).add(type);
}

/**
 * @param {ts.Node} node a class or an object literal
 * @param {string | undefined} name
 * @returns {ts.Node | undefined} its method of that name
 */
function memberCalled(node, name) {
  if (!ts.isClassLike(node) && !ts.isObjectLiteralExpression(node)) return undefined;
  const members = ts.isClassLike(node) ? node.members : node.properties;
  for (const member of members) {
    if (member.name?.getText() !== name) continue;
    if (ts.isPropertyAssignment(member) || ts.isPropertyDeclaration(member))
      return member.initializer;
    return member;
  }
  return undefined;
}

/** @param {ts.TypeElement} member what a call of it resolves to */
function calledType(member) {
  return ts.isPropertySignature(member) && member.type !== undefined ? member.type : member;
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Node} node
 * @returns {ts.Node | undefined} the function that an expression is
 */
function bodyOf(checker, node) {
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return node;
  if (!ts.isIdentifier(node)) return undefined;
  return symbolAt(checker, node)?.declarations?.find(ts.isFunctionDeclaration);
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Node} node
 * @returns {{ declarations: readonly ts.Node[], value: ts.Expression }[]} what a node gives a value to
 */
function writtenBy(checker, node) {
  if (ts.isPropertyAssignment(node))
    return [{ declarations: propertyOf(checker, node), value: node.initializer }];
  if (ts.isShorthandPropertyAssignment(node))
    return [{ declarations: propertyOf(checker, node), value: node.name }];
  if (
    (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node)) &&
    node.initializer !== undefined
  )
    return [{ declarations: [node], value: node.initializer }];
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken)
    return [{ declarations: declarationsAt(checker, node.left), value: node.right }];
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression: collection } = node.expression;
    const value = node.arguments.at(-1);
    if (value !== undefined && FILLING.has(name.text) && ts.isIdentifier(collection))
      return [{ declarations: declarationsAt(checker, collection), value }];
  }
  return [];
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.PropertyAssignment | ts.ShorthandPropertyAssignment} node
 * @returns {readonly ts.Node[]} the property itself, and that of the type which is asked for
 */
function propertyOf(checker, node) {
  return [node, ...propertiesOf(checker.getContextualType(node.parent), node.name.getText())];
}

/**
 * @param {ts.Type | undefined} type of a union, those of its members: what an async function returns is asked for as
 *   itself or a promise of it
 * @param {string} name
 * @returns {ts.Node[]} the declarations of its property
 */
function propertiesOf(type, name) {
  if (type === undefined) return [];
  const types = type.isUnion() ? type.types : [type];
  return types.flatMap((one) => one.getProperty(name)?.declarations ?? []);
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Node} node an identifier or an access to a property
 * @returns {readonly ts.Node[]}
 */
function declarationsAt(checker, node) {
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const { parent } = name;
  if (ts.isShorthandPropertyAssignment(parent) && parent.name === name)
    return checker.getShorthandAssignmentValueSymbol(parent)?.declarations ?? [];
  return symbolAt(checker, name)?.declarations ?? [];
}

/**
 * @param {Sources} sources
 * @param {Links} links
 * @param {string} setting
 */
function follow({ checker, files }, links, setting) {
  const isOwnName = new RegExp(`^#?${setting}(Bytes|Ms)?$`);
  const sourceFiles = new Set(files);
  /** @type {Set<ts.Node>} declarations that hold the value */
  const holders = new Set();
  /** @type {Set<string>} names of the properties among them */
  const heldNames = new Set();
  /** @type {Set<ts.Node>} functions that return it */
  const returning = new Set();
  /** @type {Set<ts.Node>} where it is named */
  const tracked = new Set();
  /** @type {Set<ts.Node>} the objects that it is read out of, or the declarations that take them apart */
  const reads = new Set();
  let hasMore = true;
  while (hasMore) {
    const before = holders.size + returning.size;
    for (const file of files) walk(file, visit);
    hasMore = holders.size + returning.size > before;
  }
  return { tracked, reads, holders, kinds: kindsOf(), canHold };

  /** @param {ts.Type} type */
  function canHold(type) {
    return [...heldNames].some((name) => {
      const property = type.getProperty(name);
      if (property === undefined) return false;
      return (
        isOwnName.test(name) || property.declarations?.some((one) => holders.has(one)) === true
      );
    });
  }

  /** @returns {ts.Node[]} the functions that the setting's row in the table calls: its kind of value */
  function kindsOf() {
    /** @type {ts.Node[]} */
    const found = [];
    for (const holder of holders) {
      if (!ts.isPropertyAssignment(holder) || !isOwnName.test(holder.name.getText())) continue;
      if (!ts.isObjectLiteralExpression(holder.initializer)) continue;
      walk(holder.initializer, (node) => {
        if (isCall(node)) found.push(...calleesOf(checker, links, node));
      });
    }
    return found.filter((node) => sourceFiles.has(node.getSourceFile()));
  }

  /** @param {ts.Node} node */
  function visit(node) {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) visitName(node);
    else if (isCall(node) && calleesOf(checker, links, node).some((one) => returning.has(one)))
      flow(node);
    if (canBeGiven(node)) giveAs(node);
  }

  /**
   * An object that holds the value is given where another type is asked for: its property of the same name
   * holds it too.
   * @param {ts.Expression} node
   */
  function giveAs(node) {
    const asked = checker.getContextualType(node);
    if (asked === undefined || (asked.flags & ts.TypeFlags.Any) !== 0) return;
    const given = checker.getTypeAtLocation(node);
    if (given === asked) return;
    for (const name of heldNames) {
      const property = given.getProperty(name);
      if (property?.declarations?.some((one) => holders.has(one)) !== true) continue;
      propertiesOf(asked, name).forEach(hold);
    }
  }

  /** @param {ts.Identifier | ts.PrivateIdentifier} node */
  function visitName(node) {
    const { parent } = node;
    if (ts.isBindingElement(parent)) takeApart(parent, node);
    const isOwn = isOwnName.test(node.text);
    const declarations = declarationsAt(checker, node);
    if (isOwn) declarations.forEach(hold);
    else if (!declarations.some((one) => holders.has(one))) return;
    tracked.add(node);
    if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
      reads.add(parent.expression);
      flow(parent);
    } else if (ts.isIdentifier(node)) {
      flow(node);
    }
  }

  /**
   * @param {ts.BindingElement} element
   * @param {ts.Identifier | ts.PrivateIdentifier} name a name in it
   */
  function takeApart(element, name) {
    const pattern = element.parent;
    if ((element.propertyName ?? element.name) !== name || !ts.isObjectBindingPattern(pattern))
      return;
    const property = checker.getTypeAtLocation(pattern).getProperty(name.text)?.declarations ?? [];
    if (!isOwnName.test(name.text) && !property.some((one) => holders.has(one))) return;
    hold(element);
    tracked.add(name);
    reads.add(pattern.parent);
  }

  /** @param {ts.Node} declaration */
  function hold(declaration) {
    if (!sourceFiles.has(declaration.getSourceFile())) return;
    holders.add(declaration);
    if (PROPERTIES.has(declaration.kind))
      heldNames.add(/** @type {ts.NamedDeclaration} */ (declaration).name?.getText() ?? '');
  }

  /** @param {ts.Expression} value an expression that is the setting's value */
  function flow(value) {
    const { parent } = value;
    if (passesOn(parent, value)) {
      flow(/** @type {ts.Expression} */ (parent));
      return;
    }
    for (const { declarations, value: written } of writtenBy(checker, parent))
      if (written === value) declarations.forEach(hold);
    if (isCall(parent)) {
      give(parent, value);
    } else if (ts.isReturnStatement(parent) || ts.isArrowFunction(parent)) {
      const body = ts.findAncestor(parent, ts.isFunctionLike);
      if (body !== undefined && sourceFiles.has(body.getSourceFile())) returning.add(body);
    }
  }

  /**
   * @param {Call} call
   * @param {ts.Expression} value that may be one of what it is given
   */
  function give(call, value) {
    const index = call.arguments?.indexOf(value) ?? -1;
    if (index < 0 || isError(call)) return;
    for (const callee of calleesOf(checker, links, call)) {
      const parameter = parametersOf(callee)[index];
      if (parameter !== undefined && parameter.dotDotDotToken === undefined) hold(parameter);
    }
  }
}

/**
 * @param {ts.Node} node
 * @returns {node is Call}
 */
function isCall(node) {
  return ts.isCallExpression(node) || ts.isNewExpression(node);
}

/** @param {Call} node */
function isError({ expression }) {
  return ts.isIdentifier(expression) && expression.text.endsWith('Error');
}

/** @param {ts.Node} node */
function parametersOf(node) {
  return ts.isFunctionLike(node) ? node.parameters : [];
}

/**
 * @param {ts.TypeChecker} checker
 * @param {Links} links
 * @param {Call} node
 * @returns {ts.Node[]} the declaration that is called, and what can stand for it
 */
function calleesOf(checker, { bodies }, node) {
  const declaration = checker.getResolvedSignature(node)?.declaration;
  return declaration === undefined ? [] : [declaration, ...(bodies.get(declaration) ?? [])];
}

/**
 * @param {ts.Node} parent
 * @param {ts.Expression} value
 * @returns {boolean} true where the parent's value is that of its part
 */
function passesOn(parent, value) {
  if (isWrapper(parent)) return true;
  if (ts.isConditionalExpression(parent)) return parent.condition !== value;
  return ts.isBinaryExpression(parent) && CHOICES.has(parent.operatorToken.kind);
}

/** @param {ts.Node} node */
function isWrapper(node) {
  return (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isAwaitExpression(node)
  );
}

/**
 * @param {ts.Node} node
 * @returns {node is ts.Expression}
 */
function canBeGiven(node) {
  return (
    ts.isIdentifier(node) ||
    node.kind === ts.SyntaxKind.ThisKeyword ||
    ts.isPropertyAccessExpression(node) ||
    ts.isObjectLiteralExpression(node) ||
    isCall(node) ||
    isWrapper(node)
  );
}

/** Methods of arrays, maps and sets that put something into them. */
const FILLING = new Set(['push', 'set', 'add', 'unshift']);

/** Methods that give what a function returns. */
const MAKING = new Set(['map', 'flatMap', 'then']);

const PROPERTIES = new Set([
  ts.SyntaxKind.PropertyDeclaration,
  ts.SyntaxKind.PropertySignature,
  ts.SyntaxKind.PropertyAssignment,
  ts.SyntaxKind.ShorthandPropertyAssignment,
]);

const CHOICES = new Set([
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.AmpersandAmpersandToken,
]);

/**
 * @param {Sources} sources
 * @param {Links} links
 * @param {ReturnType<typeof follow>} way
 * @returns {Set<string>} the files that the objects come through which the setting is read out of
 */
function carriers({ checker, files, fileOf }, { calls, writes, types, bodies }, way) {
  const sourceFiles = new Set(files);
  /** @type {Set<ts.Node>} */
  const seen = new Set();
  /** @type {ts.Node[]} */
  const waiting = [];
  const found = new Set(way.kinds.map(fileOf));
  for (const one of way.reads) {
    if (ts.isExpression(one)) waiting.push(one);
    else origin(one);
  }
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    found.add(fileOf(node));
    step(node);
  }
  return found;

  /** @param {ts.Node} node */
  function step(node) {
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) {
      if (ts.isPropertyAccessExpression(node) && isOfAnyType(node)) waiting.push(node.expression);
      else declarationsAt(checker, node).forEach(origin);
    } else if (isCall(node)) {
      waiting.push(...called(node));
    } else {
      waiting.push(...partsOf(node));
    }
  }

  /**
   * @param {ts.Node} node
   * @returns {readonly ts.Node[]} the parts that an expression has its value from
   */
  function partsOf(node) {
    if (ts.isObjectLiteralExpression(node)) return spreadIn(node);
    if (ts.isArrayLiteralExpression(node)) {
      const [first, ...rest] = node.elements;
      // Of a key and its value, the value.
      return rest.length === 1 && first !== undefined && isText(first) ? rest : node.elements;
    }
    if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return returned(node);
    if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse];
    if (ts.isBinaryExpression(node))
      return CHOICES.has(node.operatorToken.kind) ? [node.left, node.right] : [];
    return ts.isElementAccessExpression(node) || ts.isSpreadElement(node) || isWrapper(node)
      ? [/** @type {{ expression: ts.Expression }} */ (/** @type {unknown} */ (node)).expression]
      : [];
  }

  /** @param {ts.ObjectLiteralExpression} node */
  function spreadIn({ properties }) {
    // Where the setting itself is given, its way begins.
    if (properties.some((one) => way.holders.has(one))) return [];
    return properties
      .filter(ts.isSpreadAssignment)
      .map(({ expression }) => expression)
      .filter(canHold);
  }

  /** @param {ts.Node} node */
  function canHold(node) {
    const type = checker.getNonNullableType(checker.getTypeAtLocation(node));
    return type.getStringIndexType() !== undefined || way.canHold(type);
  }

  /**
   * The value of whatever option: what holds it is followed, since every property of that name holds another.
   * @param {ts.Node} node
   */
  function isOfAnyType(node) {
    const { flags } = checker.getTypeAtLocation(node);
    return (flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) !== 0;
  }

  /** @param {ts.Expression} node */
  function isText(node) {
    return (checker.getTypeAtLocation(node).flags & ts.TypeFlags.StringLike) !== 0;
  }

  /**
   * @param {Call} node
   * @returns {ts.Expression[]} where the object comes from that a call gives
   */
  function called(node) {
    const declaration = checker.getResolvedSignature(node)?.declaration;
    if (declaration !== undefined && sourceFiles.has(declaration.getSourceFile()))
      // One of many functions: which one, the types do not know.
      return (bodies.get(declaration)?.size ?? 0) > 1
        ? []
        : [declaration, ...(bodies.get(declaration) ?? [])].flatMap(returned);
    return madeOf(checker, sourceFiles, node);
  }

  /** @param {ts.Node} declaration */
  function origin(declaration) {
    if (seen.has(declaration) || !sourceFiles.has(declaration.getSourceFile())) return;
    seen.add(declaration);
    found.add(fileOf(declaration));
    if (PROPERTIES.has(declaration.kind) && !canHold(declaration)) return;
    waiting.push(...(writes.get(declaration) ?? []));
    if (ts.isParameter(declaration)) {
      waiting.push(...given(declaration));
    } else if (ts.isVariableDeclaration(declaration)) {
      const loop = declaration.parent.parent;
      if (ts.isForOfStatement(loop)) waiting.push(loop.expression);
    } else if (ts.isBindingElement(declaration)) {
      bound(declaration);
    }
  }

  /** @param {ts.BindingElement} element */
  function bound(element) {
    const pattern = element.parent;
    if (ts.isArrayBindingPattern(pattern) || isOfAnyType(element)) {
      whole(pattern);
      return;
    }
    const name = (element.propertyName ?? element.name).getText();
    const property = checker.getTypeAtLocation(pattern).getProperty(name);
    property?.declarations?.forEach(origin);
  }

  /** @param {ts.BindingPattern} pattern what is taken apart */
  function whole({ parent }) {
    if (ts.isBindingElement(parent)) whole(parent.parent);
    else origin(parent);
  }

  /** @param {ts.ParameterDeclaration} parameter */
  function given(parameter) {
    const body = parameter.parent;
    const index = body.parameters.indexOf(parameter);
    const { parent } = body;
    if (isCall(parent) && !isOurs(checker, sourceFiles, parent)) {
      const { expression } = parent;
      return ts.isPropertyAccessExpression(expression) ? [expression.expression] : [];
    }
    return [body, ...(types.get(body) ?? [])]
      .flatMap((one) => calls.get(one) ?? [])
      .flatMap(({ arguments: list }) => list?.[index] ?? []);
  }

  /**
   * @param {ts.Node} body
   * @returns {ts.Expression[]}
   */
  function returned(body) {
    if (!sourceFiles.has(body.getSourceFile())) return [];
    if (ts.isArrowFunction(body) && !ts.isBlock(body.body)) return [body.body];
    /** @type {ts.Expression[]} */
    const values = [];
    walk(body, (node) => {
      if (
        ts.isReturnStatement(node) &&
        node.expression !== undefined &&
        ts.findAncestor(node, ts.isFunctionLike) === body
      )
        values.push(node.expression);
    });
    return values;
  }
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ReadonlySet<ts.SourceFile>} sourceFiles
 * @param {Call} node
 */
function isOurs(checker, sourceFiles, node) {
  const declaration = checker.getResolvedSignature(node)?.declaration;
  return declaration !== undefined && sourceFiles.has(declaration.getSourceFile());
}

/**
 * What a call of the language's own library makes its value of: what the method belongs to, or what the
 * function that it is given returns; what is given to a function of a global, such as `Object.entries`.
 * @param {ts.TypeChecker} checker
 * @param {ReadonlySet<ts.SourceFile>} sourceFiles
 * @param {Call} node
 * @returns {ts.Expression[]}
 */
function madeOf(
  checker,
  sourceFiles,
  { expression, arguments: list = ts.factory.createNodeArray() },
) {
  if (!ts.isPropertyAccessExpression(expression)) return [...list];
  const owner = symbolAt(checker, expression.expression)?.declarations?.[0];
  if (owner !== undefined && !sourceFiles.has(owner.getSourceFile())) return [...list];
  const functions = list.filter(ts.isFunctionLike);
  return MAKING.has(expression.name.text) && functions.length > 0
    ? functions
    : [expression.expression];
}

/**
 * @template Key, Value
 * @param {Map<Key, Value[]>} map
 * @param {Key} key
 */
function listAt(map, key) {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

/**
 * @template Key, Value
 * @param {Map<Key, Set<Value>>} map
 * @param {Key} key
 */
function setAt(map, key) {
  const set = map.get(key) ?? new Set();
  map.set(key, set);
  return set;
}
