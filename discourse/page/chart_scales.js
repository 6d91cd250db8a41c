// Scales and numbers of a chart: what chart_scales.py does, once more, for views that are only made in the browser.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = 24 * 60;
const STEPS = [60, 180, 360, 720, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
const MINUS = "\u2212";

const valueTicks = (low, high) => {
  const raw = (high - low || 1) / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * size).find((one) => one >= raw * (1 - 1e-9));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(9)) + 0);
};

const valueText = (value, step, share) => {
  const scale = share ? 100 : 1;
  const whole = (d) => Math.abs(step * scale * 10 ** d - Math.round(step * scale * 10 ** d)) < 1e-6;
  const digits = [0, 1, 2, 3].find(whole) ?? 4;
  const text = (value * scale).toFixed(digits).replace("-", MINUS);
  return share ? `${text}\u00a0%` : text;
};

const momentText = (at, step) => {
  const when = new Date(at * 60000);
  if (step < DAY && at % DAY) return when.toISOString().slice(11, 16);
  return `${when.getUTCDate()} ${MONTHS[when.getUTCMonth()]}`;
};

const monthTicks = (begin, end, room) => {
  const months = (end - begin) / (30.4 * DAY);
  const every = [1, 2, 3, 6, 12, 24].find((one) => months / one <= room) ?? 24;
  const first = new Date(begin * 60000);
  const made = [];
  for (let count = first.getUTCFullYear() * 12 + first.getUTCMonth(); ; count += 1) {
    const year = Math.floor(count / 12);
    const month = count % 12;
    const at = Date.UTC(year, month, 1) / 60000;
    if (at > end) return made;
    if (at >= begin && count % every === 0) {
      const short = month ? MONTHS[month] : String(year);
      made.push([at, made.length || !month ? short : `${short} ${year}`]);
    }
  }
};

const timeTicks = (begin, end, width) => {
  const room = Math.max(2, Math.floor(width / 85));
  const step = STEPS.find((one) => (end - begin) / one <= room);
  if (!step) return monthTicks(begin, end, room);
  const offset = step >= 7 * DAY ? 4 * DAY : 0;
  const made = [];
  for (let at = Math.ceil((begin - offset) / step) * step + offset; at <= end; at += step) {
    made.push([at, momentText(at, step)]);
  }
  return made;
};

const spaced = (places, apart) => {
  const last = [];
  return places.map((at) => {
    const found = last.findIndex((before) => at - before >= apart);
    const row = found < 0 ? last.length : found;
    last[row] = at;
    return row;
  });
};

const cellText = (value, share) => {
  if (value === null || value === undefined) return "\u2013";
  const text = share ? `${(100 * value).toFixed(1)}\u00a0%` : value.toFixed(3);
  return /^-[0.]+(\u00a0%)?$/.test(text) ? text.slice(1) : text.replace("-", MINUS);
};

const countText = (value) => (value === null ? "withheld" : value.toLocaleString("en-US"));
