/// What becomes of feedback: rows to learn from, the comparison of two adapters on what was held
/// out, and that of the sides of a split.
package org.attune.learn;
