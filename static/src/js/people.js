// People as the server draws them (crm/ui/marks.py): the hue that belongs to an id, and the initials.
const hues = ['coral', 'apricot', 'amber', 'olive', 'green', 'teal', 'sky', 'blue', 'violet', 'pink'];
export const hue = (id) => hues[Number(BigInt(`0x${id.replaceAll('-', '')}`) % BigInt(hues.length))];
export const initials = (name) => {
  const parts = name.replace(/[@.]/g, ' ').split(/\s+/).filter((part) => /^[\p{L}\p{N}]/u.test(part));
  return ((parts[0]?.[0] ?? '?') + (parts.length > 1 ? parts.at(-1)[0] : '')).toUpperCase();
};
