/// From logits to the next token. Read [SamplingConfig], then [BatchSampler]. `B` sequences at
/// once, `V` vocabulary.
package org.attune.rollout.sampling;
