/// Small matrices in double precision, for statistics of rewards: [org.attune.reward.matrix.Matrix]
/// says what they can do, [org.attune.reward.matrix.Matrices] who computes them: ND4J where it is
/// on the class path, else plain arrays, with the same bits.
package org.attune.reward.matrix;
