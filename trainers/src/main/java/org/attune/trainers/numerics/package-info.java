/// Functions that several objectives need, exact where naive ones overflow, and numbers that carry
/// their derivatives. Read [Logistic], then [Dual].
package org.attune.trainers.numerics;
