import { readFileSync } from 'node:fs';

/**
 * Whether this CPU sums u8 × s8 products in 16 bits, where they saturate: x64 before VNNI. onnxruntime has an exact way for those, which it
 * would take on newer CPUs, too, at almost twice the time.
 *
 * @param cpuInfo text of /proc/cpuinfo; where there is none, the CPU is taken for an old one
 */
export function saturatesIntegerSums(cpuInfo: string = readCpuInfo(), arch: string = process.arch): boolean {
  return arch === 'x64' && !/\bavx(512)?_vnni\b/.test(cpuInfo);
}

/** What Linux says of the processors; '' elsewhere. */
export function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
