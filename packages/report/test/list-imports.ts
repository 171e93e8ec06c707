import { registerHooks } from 'node:module';

const specifiers: string[] = [];
registerHooks({
  resolve(specifier, context, next) {
    specifiers.push(specifier);
    return next(specifier, context);
  },
});
await import('../src/index.ts');
process.stdout.write(`${specifiers.join('\n')}\n`);
