/// Policy-gradient objectives on groups of completions, as formulas with their derivatives, on
/// the
/// host and in double precision.
package org.attune.trainers.grpo;
