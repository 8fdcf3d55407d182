import { expect, test } from 'vitest';
import { axisSteps } from '../../src/dashboard/axis-steps.ts';

test.each([
  [0, [0, 1]],
  [7, [0, 2, 4, 6, 8]],
  [4400, [0, 2000, 4000, 6000]],
  [10, [0, 5, 10]],
])('axisSteps() of %d ends at or above it in round steps', (most, steps) => {
  expect(axisSteps(most)).toEqual(steps);
});
