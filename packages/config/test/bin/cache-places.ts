/** Prints where caches are, for the user that runs it. */
import { print } from '@crosscheck/contract';
import { cacheFolder, userCacheFolder } from '@crosscheck/files';

print(userCacheFolder());
print(cacheFolder('pixels'));
