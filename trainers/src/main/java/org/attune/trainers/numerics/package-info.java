/// Functions of one number that several objectives need, exact where naive ones overflow.
package org.attune.trainers.numerics;
