/// Functions of one number that several objectives need, exact where naive ones overflow. Read
/// [Logistic].
package org.attune.trainers.numerics;
