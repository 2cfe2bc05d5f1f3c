/// Generation: prompts in, sampled tokens or text out, on the trainer's own weights.
///
/// Read [RolloutSource], then [SampledCompletion]. Dimensions: `B` sequences at once, `V`
/// vocabulary.
package org.attune.rollout;
