const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u
const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+(?:xn--[a-z0-9-]{2,59}|\p{L}{2,63})/iu

/** Whether a text holds an e-mail address: a local part, `@`, and a domain with a top level of letters. Looks at no more than 254 characters after each `@`. */
export function hasEmail(text: string): boolean {
  for (let at = text.indexOf('@', 1); at > 0; at = text.indexOf('@', at + 1)) {
    const before = text.charAt(at - 1)
    if ((LOCAL.test(before) && before !== '.') || before === '"') if (DOMAIN.test(text.slice(at + 1, at + 255))) return true
  }
  return false
}
