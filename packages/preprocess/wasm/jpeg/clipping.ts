import { black, blueOfBlue, greenOfBlue, greenOfRed, redOfRed, white } from './colour';
import { Block } from './layout';

/** φ(0) of the normal distribution. */
const densityAtMean: f32 = 0.39894;

/**
 * By how much normally distributed numbers beyond a limit are beyond it, in the mean of all of them; or numbers within it, when most are
 * beyond. It is σ (φ(z) − z (1 − Φ(z))) for a limit z deviations from the mean, for which φ(0) σ (1 − z / 3)⁴ stands here.
 *
 * @param distance of the limit from the mean
 */
function excessOf(distance: v128, deviation: v128): v128 {
  const z = f32x4.div(f32x4.abs(distance), f32x4.add(deviation, f32x4.splat(0.001)));
  const near = f32x4.max(f32x4.splat(0), f32x4.sub(f32x4.splat(1), f32x4.mul(z, f32x4.splat(1.0 / 3.0))));
  const square = f32x4.mul(near, near);
  return f32x4.mul(f32x4.mul(deviation, f32x4.splat(densityAtMean)), f32x4.mul(square, square));
}

/**
 * Whether pixels of a luma block, with its chroma, are likely to be no colour: red, green or blue beyond black or white. Decoders cut them off,
 * which is not linear. Where all pixels are beyond, the square's are as well, and are cut off in the end; where some are, as beside bright or
 * coloured letters, their mean without them would be another.
 */
export function isCutOff(luma: Block, blue: Block, red: Block, tolerance: f32): bool {
  const blueVariance = blue.variance * (blueOfBlue * blueOfBlue);
  const redVariance = red.variance * (redOfRed * redOfRed);
  const most = luma.variance + max(blueVariance, redVariance);
  if (most * (densityAtMean * densityAtMean) < tolerance * tolerance) return false; // wherever their mean is
  // Red, green and blue; the fourth is luma once more.
  const mean = f32x4.add(
    f32x4.splat(luma.mean),
    f32x4.add(
      f32x4.mul(f32x4.splat(red.mean), f32x4(redOfRed, -greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(blue.mean), f32x4(0, -greenOfBlue, blueOfBlue, 0)),
    ),
  );
  const variance = f32x4.add(
    f32x4.splat(luma.variance),
    f32x4.add(
      f32x4.mul(f32x4.splat(red.variance), f32x4(redOfRed * redOfRed, greenOfRed * greenOfRed, 0, 0)),
      f32x4.mul(f32x4.splat(blue.variance), f32x4(0, greenOfBlue * greenOfBlue, blueOfBlue * blueOfBlue, 0)),
    ),
  );
  const deviation = f32x4.sqrt(variance);
  const above = excessOf(f32x4.sub(f32x4.splat(white), mean), deviation);
  const below = excessOf(f32x4.sub(mean, f32x4.splat(black)), deviation);
  return v128.any_true(f32x4.gt(f32x4.max(above, below), f32x4.splat(tolerance)));
}
