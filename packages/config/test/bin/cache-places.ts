/** Prints where caches are, for the user that runs it. */
import { cacheFolder, print, userCacheFolder } from '@crosscheck/contract';

print(userCacheFolder());
print(cacheFolder('pixels'));
