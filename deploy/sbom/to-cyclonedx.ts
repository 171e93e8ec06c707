import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import parseSpdx from 'spdx-expression-parse';
import type { LockedPackage } from './lockfile.ts';

const licenses = new Contrib.License.Factories.LicenseFactory(parseSpdx);

/** A CycloneDX 1.6 document: every package with its license, the SHA-512 of its tarball and what it needs. Without a time, so that it can be compared. */
export function toCycloneDx(root: string, packages: LockedPackage[]): string {
  const bom = new Models.Bom();
  const { name, version } = readManifest(path.join(root, 'package.json'));
  bom.metadata.component = new Models.Component(Enums.ComponentType.Application, name as string, {
    version: version as string,
    bomRef: `${name}@${version}`,
    licenses: new Models.LicenseRepository([licenses.makeFromString('MIT')]),
  });
  const components = new Map(packages.map((each) => [each.id, toComponent(root, each)]));
  for (const { id, isOurs, dependencies } of packages) {
    const component = components.get(id) as Models.Component;
    bom.components.add(component);
    for (const needed of dependencies) component.dependencies.add((components.get(needed) as Models.Component).bomRef);
    if (isOurs) bom.metadata.component.dependencies.add(component.bomRef);
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function toComponent(root: string, { id, name: fullName, version, sha512, isOurs }: LockedPackage): Models.Component {
  const [scope, bare] = fullName.startsWith('@') ? fullName.split('/') : [undefined, fullName];
  const license = isOurs ? 'MIT' : licenseOf(root, fullName, version);
  return new Models.Component(isOurs ? Enums.ComponentType.Application : Enums.ComponentType.Library, bare as string, {
    bomRef: id,
    version,
    ...(scope === undefined ? {} : { group: scope }),
    ...(isOurs ? {} : { purl: new PackageURL('npm', scope, bare as string, version, undefined, undefined).toString() }),
    ...(sha512 === null
      ? {}
      : {
          hashes: new Models.HashDictionary([
            [Enums.HashAlgorithm['SHA-512'], Buffer.from(sha512, 'base64').toString('hex')],
          ]),
        }),
    ...(license === null ? {} : { licenses: new Models.LicenseRepository([licenses.makeFromString(license)]) }),
  });
}

interface PackageManifest {
  name?: string;
  version?: string;
  license?: string | { type: string };
}

const readManifest = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as PackageManifest;

/** As the installed package says; null where it is not installed or says nothing. */
function licenseOf(root: string, name: string, version: string): string | null {
  const store = path.join(root, 'node_modules/.pnpm');
  const folder = `${name.replace('/', '+')}@${version}`;
  // pnpm appends the peers of a package to the name of its folder.
  const found = readdirSync(store).find((entry) => entry === folder || entry.startsWith(`${folder}_`));
  if (found === undefined) return null;
  const { license } = readManifest(path.join(store, found, 'node_modules', name, 'package.json'));
  return typeof license === 'string' ? license : (license?.type ?? null);
}
