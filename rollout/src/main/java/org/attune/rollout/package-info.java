/// Generation: prompts in, sampled tokens or text out, on the trainer's own weights.
///
/// Shapes: `B` sequences at once, `V` vocabulary.
package org.attune.rollout;
