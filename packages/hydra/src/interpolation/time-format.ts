const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const pad = (value: number, width = 2) => String(value).padStart(width, '0');

function dayOfYear(time: Date): number {
  const start = Date.UTC(time.getFullYear(), 0, 0);
  return Math.round((Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - start) / 86_400_000);
}

function offset(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
}

/** strftime's codes in the local time zone. */
const codes: Record<string, (time: Date) => string> = {
  '%': () => '%',
  A: (time) => days[time.getDay()] as string,
  B: (time) => months[time.getMonth()] as string,
  H: (time) => pad(time.getHours()),
  I: (time) => pad(time.getHours() % 12 || 12),
  M: (time) => pad(time.getMinutes()),
  S: (time) => pad(time.getSeconds()),
  Y: (time) => String(time.getFullYear()),
  a: (time) => (days[time.getDay()] as string).slice(0, 3),
  b: (time) => (months[time.getMonth()] as string).slice(0, 3),
  d: (time) => pad(time.getDate()),
  f: (time) => `${pad(time.getMilliseconds(), 3)}000`,
  j: (time) => pad(dayOfYear(time), 3),
  m: (time) => pad(time.getMonth() + 1),
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  y: (time) => pad(time.getFullYear() % 100),
  z: offset,
};

/** Python's strftime, for the codes that people use in folder names; an unknown code stays as it is. */
export function formatTime(time: Date, format: string): string {
  return format.replace(/%([a-zA-Z%])/g, (code, letter: string) => codes[letter]?.(time) ?? code);
}
