type Child = Node | string | null
type Attributes = Readonly<Record<string, string | boolean | null>>

/** An element with attributes and children; text is only ever set as text, so nothing of a file becomes markup. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children)
}

/** The same for drawings. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : value)
  for (const child of children) if (child !== null) element.append(child)
  return element
}

/** The element of the page's own markup. */
export function the<E extends Element = HTMLElement>(id: string): E {
  return document.getElementById(id) as unknown as E
}
