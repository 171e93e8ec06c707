import { gap } from './layout';

/**
 * Copies compressed bytes without the zeros that are stuffed behind every 0xFF, and splits them at restart markers.
 *
 * @param ends gets the end of every segment, from `target`
 * @returns where the marker stands that ends the scan; 0 where there is none, where restart markers are out of turn, and where the
 * segments are not `segmentCount`
 */
export function unstuff(source: usize, sourceEnd: usize, target: usize, ends: usize, segmentCount: i32): usize {
  const start = target;
  const marks = i8x16.splat(-1);
  let segment = 0;
  while (source < sourceEnd) {
    const chunk = v128.load(source);
    v128.store(target, chunk);
    const found = i8x16.bitmask(i8x16.eq(chunk, marks));
    const plain: usize = found == 0 ? 16 : ctz(found);
    source += plain;
    target += plain;
    if (found == 0) continue;
    const next = load<u8>(source, 1);
    if (next == 0) {
      store<u8>(target, 0xff);
      target += 1;
      source += 2;
    } else if (next == 0xff) {
      source += 1;
    } else {
      if (segment == segmentCount || source >= sourceEnd) return 0;
      store<u32>(ends + (segment << 2), u32(target - start));
      v128.store(target, i8x16.splat(0));
      target += gap;
      const isRestart = (next & 0xf8) == 0xd0;
      if (isRestart && (next & 7) != (segment & 7)) return 0;
      segment += 1;
      if (!isRestart) return segment == segmentCount ? source : 0;
      source += 2;
    }
  }
  return 0;
}
