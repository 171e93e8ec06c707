import { expect, test } from 'vitest';
import { tinyService } from './tiny-service.ts';

const service = tinyService();

test('serve.log_level is the least serious line that is logged', async () => {
  const linesOf = async (log_level: 'info' | 'error') => {
    const app = await service.app({ log_level });
    service.log.length = 0;
    await app.inject('/v2');
    return service.log.length;
  };
  expect(await linesOf('info')).toBe(1);
  expect(await linesOf('error')).toBe(0);
});
